"""Effectiveness measures: functions of the ranks of each query's relevant passages.

Every function takes `ranks` of shape (queries, relevant passages): ascending ranks from 1 in each
row, `inf` for a relevant passage that was not retrieved, and `nan` to fill the rows of queries that
have fewer relevant passages. It returns one value per query. A query without relevant passages has
no value and must not be passed.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.ranks import FloatArray, IntArray


def average_precision(ranks: FloatArray, k: float = np.inf) -> FloatArray:
    """Average precision: the mean over the relevant passages of the precision at their ranks.

    AP = (1 / R) Σᵢ i / rankᵢ over the relevant passages with rankᵢ ≤ k, where R is the number of
    all relevant passages: trec_eval's ``map`` and ``map_cut.k``. At k = 20 this is XTREME-R's
    value for LAReQA (arXiv 2104.07412).

    Examples:
        >>> average_precision(np.array([[1.0, 4.0]]))
        array([0.75])
    """
    position = np.arange(1, ranks.shape[1] + 1)
    precision = np.where(ranks <= k, position / ranks, 0.0)
    return np.asarray(precision.sum(axis=1) / _relevant(ranks))


def precision(ranks: FloatArray, k: int) -> FloatArray:
    """Precision: the share of relevant passages among the first k (trec_eval's ``P.k``).

    Examples:
        >>> precision(np.array([[1.0, 4.0]]), k=5)
        array([0.4])
    """
    return np.asarray((ranks <= k).sum(axis=1) / k)


def recall(ranks: FloatArray, k: int) -> FloatArray:
    """Recall: the share of the relevant passages among the first k.

    With R relevant passages it is at most k / R: in a pool of 11 parallel languages recall at 1
    cannot exceed 1/11.

    Examples:
        >>> recall(np.array([[1.0, 4.0]]), k=1)
        array([0.5])
    """
    return np.asarray((ranks <= k).sum(axis=1) / _relevant(ranks))


def ndcg(ranks: FloatArray, k: int) -> FloatArray:
    """Normalised discounted cumulative gain at k, with gains of 0 and 1.

    nDCG = Σ 1 / log₂(1 + rankᵢ) over the relevant passages with rankᵢ ≤ k, divided by the same
    sum when the first min(R, k) ranks are all relevant (Järvelin and Kekäläinen 2002; trec_eval's
    ``ndcg_cut.k``).

    Examples:
        >>> ndcg(np.array([[1.0, 3.0]]), k=10).round(4)
        array([0.9197])
    """
    gain = np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0).sum(axis=1)
    ideal = np.cumsum(1 / np.log2(1 + np.arange(1, k + 1)))
    return np.asarray(gain / ideal[np.minimum(_relevant(ranks), k) - 1])


def reciprocal_rank(ranks: FloatArray, k: int) -> FloatArray:
    """Reciprocal rank: 1 / rank of the first relevant passage, 0 if it is not among the first k.

    Examples:
        >>> reciprocal_rank(np.array([[4.0], [11.0]]), k=10)
        array([0.25, 0.  ])
    """
    first = ranks[:, 0]
    return np.where(first <= k, 1 / first, 0.0)


def _relevant(ranks: FloatArray) -> IntArray:
    return np.asarray((~np.isnan(ranks)).sum(axis=1))
