"""The measures: functions of ranks. NumPy and SciPy only; they know of no model and no task."""

from __future__ import annotations

from xbench.metrics.ranks import TOP_K, FloatArray, IntArray, PoolRanks
from xbench.metrics.registry import (
    EFFECTIVENESS,
    IN_RANKS,
    LANGUAGE_BIAS,
    MIXED_INDEX,
    SCORES,
    score_range,
    task_scores,
)
from xbench.metrics.subsets import language_shares, per_query, scores, task_per_query

__all__ = [
    "EFFECTIVENESS",
    "IN_RANKS",
    "LANGUAGE_BIAS",
    "MIXED_INDEX",
    "SCORES",
    "TOP_K",
    "FloatArray",
    "IntArray",
    "PoolRanks",
    "language_shares",
    "per_query",
    "score_range",
    "scores",
    "task_per_query",
    "task_scores",
]
