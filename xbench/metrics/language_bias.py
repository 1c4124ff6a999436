"""Language bias seen in the ranks alone: how far a query's parallel passages are apart.

Every function takes `ranks` of shape (queries, relevant passages), in any order: ranks in the
multilingual pool from 1, `inf` for a relevant passage that was not retrieved and `nan` to fill the
rows of queries with fewer relevant passages. It returns one value per query, nan for a query
without relevant passages.

Measures that also need the passages' languages are in `fairness` and `preference`, those that
compare query languages in `across_languages`.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.ranks import FloatArray


def rank_distance(ranks: FloatArray, pool_size: int) -> FloatArray:
    """Rank distance: worst rank minus best rank of each query's relevant passages in the pool.

    0 with one relevant passage; at least R - 1 with R of them; lower is better (arXiv 2408.10536,
    section 4.3, after doi 10.1145/3539618.3591769). A relevant passage that was not retrieved
    counts at the end of the pool, so 0 also results when none was retrieved.

    The mean over queries is ruled by the few worst of them: the median of the same values, reported
    as ``rank_distance_median``, says what a typical query sees.

    Args:
        ranks: Shape (queries, relevant passages); `inf` not retrieved, `nan` filling.
        pool_size: Number of passages in the pool.

    >>> rank_distance(np.array([[2.0, 9.0], [3.0, np.nan]]), pool_size=10)
    array([7., 0.])
    """
    best = np.fmin.reduce(np.minimum(ranks, pool_size), axis=1, initial=np.nan)
    return np.asarray(worst_rank(ranks, pool_size) - best)


def worst_rank(ranks: FloatArray, pool_size: int) -> FloatArray:
    """Worst rank: how deep a reader must go to meet every relevant passage.

    max rankᵢ over the relevant passages, Max@R of arXiv 2604.05684 (ICLR 2026; read in summaries;
    the paper's normalised form could not be verified and is not implemented). Unlike the rank
    distance, it is not 0 when the parallel passages are together far down. The least possible value
    is the number of relevant passages; lower is better. A relevant passage that was not retrieved
    counts at the end of the pool.

    Args:
        ranks: Shape (queries, relevant passages); `inf` not retrieved, `nan` filling.
        pool_size: Number of passages in the pool.

    >>> worst_rank(np.array([[2.0, 9.0], [3.0, np.inf]]), pool_size=10)
    array([ 9., 10.])
    """
    return np.asarray(np.fmax.reduce(np.minimum(ranks, pool_size), axis=1, initial=np.nan))


def complete(ranks: FloatArray, k: int) -> FloatArray:
    """Complete@k: 1 if every relevant passage is among the first k, else 0.

    Source: arXiv 2604.05684 (read in summaries), where a query has two relevant passages. It is 0
    for every ranking of a query with more than k of them: with one version in each of 11 languages,
    complete@10 is 0 by construction.

    Args:
        ranks: Shape (queries, relevant passages); `inf` not retrieved, `nan` filling.
        k: Number of places looked at.

    >>> complete(np.array([[2.0, 9.0], [3.0, np.inf]]), k=9)
    array([1., 0.])
    """
    missing = (ranks > k).any(axis=1)
    return np.where(np.isnan(ranks).all(axis=1), np.nan, 1.0 - missing)
