"""The ranks of relevant passages in one pool, which every measure is a function of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PoolRanks:
    """Ranks of the relevant passages of some queries in one pool; one row per relevant passage.

    Attributes:
        questions: Ids of the queries that have a relevant passage in the pool.
        query: Index into `questions`, ascending without gaps, shape (rows,).
        language: ISO 639-1 code of the relevant passage, shape (rows,).
        rank: Rank from 1, or 0 for a passage that the system did not retrieve, shape (rows,).
        pool_size: Number of passages in the pool.
    """

    questions: tuple[str, ...]
    query: IntArray
    language: NDArray[np.str_]
    rank: IntArray
    pool_size: int

    def matrix(self) -> FloatArray:
        """Return one row per query, as the measures take them.

        Returns:
            Shape (queries, most relevant passages of any query): ranks, ascending; `inf` for not
            retrieved; `nan` to fill the rows of queries with fewer relevant passages.

        >>> language = np.array(["en", "de", "en"])
        >>> PoolRanks(("a", "b"), np.array([0, 1, 1]), language, np.array([3, 0, 2]), 9).matrix()
        array([[ 3., nan],
               [ 2., inf]])
        """
        if len(self.query) == 0:
            return np.empty((0, 1))
        value = np.where(self.rank > 0, self.rank, np.inf)
        order = np.lexsort((value, self.query))
        sizes = np.bincount(self.query)
        slot = np.arange(len(self.query)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        matrix = np.full((len(sizes), sizes.max()), np.nan)
        matrix[self.query[order], slot] = value[order]
        return matrix
