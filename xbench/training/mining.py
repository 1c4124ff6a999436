"""Hard negatives from a corpus's own passages, found by a teacher, per passage language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives

from xbench.training.batching.negatives import fold
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import has_language


@dataclass(frozen=True)
class MiningOptions:
    """How hard negatives are found.

    Attributes:
        negatives: Negatives of a question at most, in each language.
        margin: A negative's score is at most the positive's less this share of it, so that
            passages that answer the question too are skipped.
        first: Rank of the first passage that may be a negative, from 0.
        last: Rank after the last one.
        batch_size: Texts to encode at once.
    """

    negatives: int = 5
    margin: float = 0.05
    first: int = 0
    last: int = 100
    batch_size: int = 32


def mine(
    pairs: ParallelPairs, teacher: SentenceTransformer, options: MiningOptions
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a corpus with the hard negatives found in each language.

    Each question is searched for in the passages of one language after the other, in that language
    where it is asked in it, else in the first that it is asked in. A passage of a question that has
    a text in common with it is never its negative.

    Args:
        pairs: The corpus.
        teacher: The model to search with, with its own prompts.
        options: How negatives are found.
    """
    columns = {
        name: pairs.table[name][:]
        for name in pairs.table.column_names
        if not name.startswith("negatives")
    }
    found = {
        code: _mined(pairs, columns, code, teacher, options)
        for i, code in enumerate(pairs.languages)
        if has_language(pairs.passages, i).any()
    }
    for row in range(len(pairs.table)):
        texts = {name: own[row] for name, own in columns.items() if _is_text(own[row])}
        negatives = {f"negatives_{code}": own[row] for code, own in found.items() if row in own}
        yield texts | negatives


def _mined(
    pairs: ParallelPairs,
    columns: dict[str, list[str | None]],
    code: str,
    teacher: SentenceTransformer,
    options: MiningOptions,
) -> dict[int, list[str]]:
    """Return the negatives in one language by row."""
    passages = columns[f"passage_{code}"]
    order = [code, *(other for other in pairs.languages if other != code)]
    rows: dict[tuple[str, str], int] = {}
    for row, passage in enumerate(passages):
        query = _query(columns, order, row)
        if query is not None and passage is not None and passage.strip():
            rows[query, passage] = row
    pool = list(dict.fromkeys(passage for _, passage in rows))
    if len(pool) < 2:
        return {}
    prompts = teacher.prompts
    lists = mine_hard_negatives(
        Dataset.from_list([{"anchor": q, "positive": p} for q, p in rows]),
        teacher,
        corpus=pool,
        range_min=options.first,
        range_max=min(options.last, len(pool) - 1),
        relative_margin=options.margin,
        num_negatives=min(options.negatives, len(pool) - 1),
        query_prompt=prompts.get("query"),
        corpus_prompt=prompts.get("document") or prompts.get("passage"),
        output_format="labeled-list",
        batch_size=options.batch_size,
        verbose=False,
    )
    own = _passages_by_group(pairs, passages)
    found = {}
    for item in lists:
        positive, *negatives = item["positive"]
        row = rows[item["anchor"], positive]
        kept = [text for text in negatives if fold(text) not in own[_group(pairs, row)]]
        if kept:
            found[row] = kept
    return found


def _query(columns: dict[str, list[str | None]], order: Sequence[str], row: int) -> str | None:
    """Return a row's query in the first of some languages that it has one in."""
    texts = (columns[name][row] for code in order if (name := f"query_{code}") in columns)
    return next((text for text in texts if _is_text(text)), None)


def _passages_by_group(pairs: ParallelPairs, passages: Sequence[str | None]) -> dict[int, set[str]]:
    """Return the folded passages of the questions that have a text in common."""
    found: dict[int, set[str]] = {}
    for row, passage in enumerate(passages):
        own = found.setdefault(_group(pairs, row), set())
        if passage is not None:
            own.add(fold(passage))
    return found


def _group(pairs: ParallelPairs, row: int) -> int:
    return row if pairs.group is None else int(np.asarray(pairs.group)[row])


def _is_text(text: str | None) -> bool:
    return text is not None and bool(text.strip())
