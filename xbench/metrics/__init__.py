"""The measures, by name. NumPy only: they see ranks and know of no model and no task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xbench.metrics.effectiveness import average_precision, ndcg, recall, reciprocal_rank
from xbench.metrics.language_bias import rank_distance
from xbench.metrics.ranks import FloatArray, IntArray, PoolRanks

EFFECTIVENESS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "map": average_precision,
    "map_at_20": partial(average_precision, k=20),
    **{f"recall_at_{k}": partial(recall, k=k) for k in (1, 5, 10, 20, 100)},
    "ndcg_at_10": partial(ndcg, k=10),
    "mrr_at_10": partial(reciprocal_rank, k=10),
}
"""Measures of every setting: ranks (queries, relevant passages) -> one value per query."""

LANGUAGE_BIAS: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "rank_distance": rank_distance,
}
"""Measures of a multilingual pool: ranks and pool size -> one value per query."""


def per_query(ranks: PoolRanks, *, multilingual: bool) -> dict[str, FloatArray]:
    """Return every measure of a subset, one value per query.

    Args:
        ranks: Ranks of the relevant passages.
        multilingual: Whether the pool mixes languages, so that language bias is measured too.
    """
    matrix = ranks.matrix()
    values = {name: measure(matrix) for name, measure in EFFECTIVENESS.items()}
    if multilingual:
        bias = {name: measure(matrix, ranks.pool_size) for name, measure in LANGUAGE_BIAS.items()}
        values.update(bias)
    return values


def scores(ranks: PoolRanks, *, multilingual: bool) -> dict[str, float]:
    """Return the scores of a subset: the mean of every measure over the queries."""
    values = per_query(ranks, multilingual=multilingual)
    return {name: float(value.mean()) for name, value in values.items()}


__all__ = [
    "EFFECTIVENESS",
    "LANGUAGE_BIAS",
    "FloatArray",
    "IntArray",
    "PoolRanks",
    "per_query",
    "scores",
]
