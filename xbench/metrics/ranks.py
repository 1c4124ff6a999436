"""The ranks of relevant passages in one pool, which every measure is a function of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


RUN_DEPTH = 1000
"""How many passages are kept for each query, as in the runs of MIRACL and of mteb."""

TOP_K = 100
"""How many places of each ranking of a mixed pool are kept, each by its passage's language."""


@dataclass(frozen=True)
class Ties:
    """Which passages of a mixed pool have equal scores; all that were not retrieved are equal, too.

    A block is all passages of one score; the blocks here are those of two passages or more that
    begin among the first places.

    Attributes:
        above: Number of passages with a higher score than each relevant passage, shape (rows,).
        tied: Number of passages with its score, itself included, shape (rows,).
        query: Query of each block, ascending, shape (blocks,).
        start: Number of passages before each block, shape (blocks,).
        counts: Passages of each language of the pool in each block, shape (blocks, languages).
    """

    above: IntArray
    tied: IntArray
    query: IntArray
    start: IntArray
    counts: IntArray


@dataclass(frozen=True)
class PoolRanks:
    """Ranks of the relevant passages of one language's queries in one pool.

    Attributes:
        questions: Ids of the queries that have a relevant passage in the pool.
        query: Index into `questions`, ascending without gaps, shape (rows,); one row per relevant
            passage.
        language: ISO 639-1 code of the relevant passage, shape (rows,).
        rank: Rank from 1, or 0 for a passage that the system did not retrieve, shape (rows,).
        query_language: ISO 639-1 code of the queries.
        pool: Number of passages in the pool by language, in alphabetical order.
        top: Language of the passage at place 1, 2, …, as an index into `pool`, -1 beyond the end of
            the run, shape (queries, places); None for a pool of one language. Where `ties` are
            known, passages of equal score are in random order here.
        depth: How many places the run had at most; None if every passage was ranked.
        own_rank: Rank among the passages of the query's language alone, as `rank`; None if the
            pool of that language was not searched, too.
        ties: Which passages have equal scores; None if it is not known.
    """

    questions: tuple[str, ...]
    query: IntArray
    language: NDArray[np.str_]
    rank: IntArray
    query_language: str
    pool: Mapping[str, int]
    top: IntArray | None = None
    depth: int | None = None
    own_rank: IntArray | None = None
    ties: Ties | None = None

    def __post_init__(self) -> None:
        if not np.array_equal(np.unique(self.query), np.arange(len(self.questions))):
            raise ValueError("every query needs a relevant passage, and every row a query")
        if (np.diff(self.query) < 0).any():
            raise ValueError("the rows are not in the order of their queries")

    @property
    def pool_size(self) -> int:
        """Number of passages in the pool."""
        return sum(self.pool.values())

    @property
    def places_known(self) -> bool:
        """Whether it is known where each relevant passage may be when equal scores are shuffled.

        Without `ties` it is if every relevant passage has a rank, which is then taken as it is.
        """
        return self.ties is not None or bool((self.rank > 0).all())

    def slots(self) -> tuple[int, IntArray]:
        """Return the most relevant passages of any query, and each row's number among its own."""
        if len(self.query) == 0:
            return 1, np.empty(0, np.int64)
        sizes = np.bincount(self.query)
        slot = np.arange(len(self.query)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return int(sizes.max()), slot

    def matrix(self) -> FloatArray:
        """Return the ranks, one row per query, as the measures take them.

        Returns:
            Shape (queries, most relevant passages of any query): ranks, ascending; `inf` for not
            retrieved; `nan` to fill the rows of queries with fewer relevant passages.

        Examples:
            >>> language = np.array(["en", "de", "en"])
            >>> query, rank = np.array([0, 1, 1]), np.array([3, 0, 2])
            >>> PoolRanks(("a", "b"), query, language, rank, "en", {"de": 4, "en": 5}).matrix()
            array([[ 3., nan],
                   [ 2., inf]])
        """
        return self._matrix(self.rank)

    def own_matrix(self) -> FloatArray:
        """Return the ranks among the passages of the query's language alone, as `matrix` does.

        Raises:
            ValueError: If they are not known.
        """
        if self.own_rank is None:
            raise ValueError("the ranks in the pool of the query's language alone are not known")
        return self._matrix(self.own_rank)

    def _matrix(self, rank: IntArray) -> FloatArray:
        value = np.where(rank > 0, rank, np.inf)
        width, slot = self.slots()
        matrix = np.full((len(self.questions), width), np.nan)
        matrix[self.query, slot] = value[np.lexsort((value, self.query))]
        return matrix
