"""Language-bias measures: which languages a ranking of a mixed pool favours."""

from __future__ import annotations

import numpy as np

from xbench.metrics.ranks import FloatArray


def rank_distance(ranks: FloatArray, pool_size: int) -> FloatArray:
    """Rank distance: worst rank minus best rank of each query's relevant passages in the pool.

    0 with one relevant passage; lower is better (arXiv 2408.10536, section 4.3, after
    doi 10.1145/3539618.3591769). A relevant passage that was not retrieved counts at the end of
    the pool.

    Args:
        ranks: Shape (queries, relevant passages), ascending; `inf` not retrieved, `nan` filling.
        pool_size: Number of passages in the pool.

    >>> rank_distance(np.array([[2.0, 9.0], [3.0, np.nan]]), pool_size=10)
    array([7., 0.])
    """
    retrieved = np.minimum(ranks, pool_size)
    return np.asarray(np.nanmax(retrieved, axis=1) - np.nanmin(retrieved, axis=1))
