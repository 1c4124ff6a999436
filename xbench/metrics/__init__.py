"""The measures: functions of ranks. NumPy and SciPy only; they know of no model and no task."""

from __future__ import annotations

from xbench.metrics.ranks import TOP_K, FloatArray, IntArray, PoolRanks
from xbench.metrics.subsets import (
    EFFECTIVENESS,
    IN_RANKS,
    LANGUAGE_BIAS,
    MIXED_INDEX,
    SCORES,
    language_shares,
    per_query,
    score_range,
    scores,
    task_per_query,
    task_scores,
)

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
