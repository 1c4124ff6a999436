"""The texts of corpora, looked up when a batch is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset

from xbench.training.batching.negatives import fill_negatives
from xbench.training.batching.options import BatchSampling, NegativeLanguage
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import Bits


@dataclass(frozen=True, eq=False)
class TrainingCorpus:
    """A corpus with how it is drawn, where that differs from the other corpora of a run.

    Attributes:
        pairs: The corpus.
        sampling: How its batches are drawn; None for the dataset's sampling.
        weight: Times that each of its questions is drawn in an epoch.
    """

    pairs: ParallelPairs
    sampling: BatchSampling | None = None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class TextTable:
    """Rows of texts in the library's habit, perhaps with labels, drawn as they come.

    Attributes:
        name: Name of the corpus.
        table: Its columns are those that the loss takes.
    """

    name: str
    table: Dataset
    languages: tuple[str, ...] = ()
    negatives: int = 0

    def lookup(self, rows: list[int]) -> list[dict[str, Any]]:
        """Return some rows."""
        found: list[dict[str, Any]] = self.table.__getitems__(rows)
        return found


class PairTable:
    """Looks the texts of pairs up.

    Args:
        pairs: The corpus.
        negative_language: Whether hard negatives are in the language of the passage or the query.
    """

    def __init__(self, pairs: ParallelPairs, negative_language: NegativeLanguage) -> None:
        self.pairs = pairs
        self.negative_language = negative_language
        self._columns: dict[str, Dataset] = {}

    def lookup(
        self, rows: list[int], queries: Sequence[str], passages: Sequence[str]
    ) -> list[dict[str, str]]:
        """Return the texts of the pairs of a batch by column.

        Args:
            rows: Rows of the corpus.
            queries: Language of each query.
            passages: Language of each passage.
        """
        columns = {
            "query": self._texts("query", rows, queries),
            "passage": self._texts("passage", rows, passages),
        }
        if self.pairs.negatives:
            wanted = passages if self.negative_language == "passage" else queries
            lists = self._negatives(rows, wanted)
            columns |= {
                f"negative_{n + 1}": list(own) for n, own in enumerate(zip(*lists, strict=True))
            }
        return [dict(zip(columns, own, strict=True)) for own in zip(*columns.values(), strict=True)]

    def _negatives(self, rows: list[int], wanted: Sequence[str]) -> list[list[str]]:
        """Return the negatives of each row, in another language where it has none in its own."""
        found = self._texts("negatives", rows, wanted)
        used = set(wanted)
        for code in self.pairs.languages:
            missing = [i for i, own in enumerate(found) if not own]
            if missing and f"negatives_{code}" in self.pairs.table.column_names:
                own = self._texts("negatives", [rows[i] for i in missing], [code] * len(missing))
                for i, texts in zip(missing, own, strict=True):
                    found[i] = texts
                used |= {code} if any(own) else set()
        passages = [
            text for code in used for text in self._texts("passage", rows, [code] * len(rows))
        ]
        lists = [[text for text in own or () if text and text.strip()] for own in found]
        return fill_negatives(lists, [text for text in passages if text], self.pairs.negatives)

    def _texts(self, side: str, rows: list[int], languages: Sequence[str]) -> list[Any]:
        """Look up a column in the language of each row; None where there is no such column."""
        found: list[Any] = [None] * len(rows)
        for language in set(languages):
            name = f"{side}_{language}"
            if name not in self.pairs.table.column_names:
                continue
            spots = [i for i, own in enumerate(languages) if own == language]
            texts = self._column(name)[[rows[i] for i in spots]].column(0).to_pylist()
            for spot, text in zip(spots, texts, strict=True):
                found[spot] = text
        return found

    def _column(self, name: str) -> Dataset:
        if name not in self._columns:
            self._columns[name] = self.pairs.table.select_columns([name]).with_format("arrow")
        return self._columns[name]


def with_negatives(pairs: ParallelPairs, language: NegativeLanguage) -> ParallelPairs:
    """Let only those languages be a query's that have the negatives asked for."""
    if not pairs.negatives or language == "passage":
        return pairs
    kept: Bits = np.asarray(pairs.queries & pairs.passages)
    return replace(pairs, queries=kept)
