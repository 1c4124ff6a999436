"""A part of a corpus that is not trained on, to measure retrieval on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbench._util.errors import UserError
from xbench.tasks.own import ParallelRetrieval
from xbench.training.corpora.pairs import ParallelPairs

HELD_OUT = "held_out"


def hold_out(
    pairs: ParallelPairs, questions: int, seed: int
) -> tuple[ParallelPairs, ParallelRetrieval]:
    """Split a corpus into what is trained on and tasks on the rest.

    Questions that have a text in common stay on one side.

    Args:
        pairs: The corpus.
        questions: Questions to hold out, at least; at most half of all.
        seed: Seed of their choice.

    Raises:
        UserError: If that is more than half of the corpus.
    """
    rows = len(pairs.table)
    if questions > rows // 2:
        raise UserError(
            f"hold_out is {questions:,}, more than half of the {rows:,} questions of {pairs.name}; "
            "expected fewer"
        )
    group = np.arange(rows) if pairs.group is None else pairs.group
    order = np.random.default_rng(seed).permutation(np.unique(group))
    sizes = np.bincount(group)[order]
    small = order[sizes <= max(questions // 4, 1)]
    ends = np.cumsum(np.bincount(group)[small])
    held = np.isin(group, small[: int(np.searchsorted(ends, questions)) + 1])
    kept = np.flatnonzero(~held)
    trained = replace(
        pairs,
        table=pairs.table.select(kept),
        queries=pairs.queries[kept],
        passages=pairs.passages[kept],
        group=None if pairs.group is None else pairs.group[kept],
    )
    return trained, _tasks(pairs, np.flatnonzero(held).tolist())


def _tasks(pairs: ParallelPairs, rows: list[int]) -> ParallelRetrieval:
    """Return the tasks of some rows, each other's passages being the pool."""
    part = pairs.table.select(rows)
    sides: dict[str, dict[str, dict[str, str]]] = {"query": {}, "passage": {}}
    for side, by_language in sides.items():
        for code in pairs.languages:
            name = f"{side}_{code}"
            texts = part[name][:] if name in part.column_names else []
            own = {str(i): text for i, text in enumerate(texts) if text and text.strip()}
            if own:
                by_language[code] = own
    answered = {key for own in sides["passage"].values() for key in own}
    asked = {key for own in sides["query"].values() for key in own}
    qrels = {key: [key] for key in sorted(answered & asked, key=int)}
    queries = {
        code: {key: text for key, text in own.items() if key in answered}
        for code, own in sides["query"].items()
    }
    return ParallelRetrieval(HELD_OUT, queries, sides["passage"], qrels)
