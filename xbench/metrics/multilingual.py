"""The ranking of a multilingual pool, as the language-bias measures take it.

Passages of equal score have no order, and neither have those that were not retrieved. A measure
here is its expected value when each such block of passages is in random order: breaking ties by
id would favour languages by their codes, and counting what was not retrieved at the last place
would make a system look biased that only finds little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.ranks import FloatArray, IntArray, PoolRanks


@dataclass(frozen=True)
class MultilingualRanking:
    """Where the queries of one language rank the passages of each language in one pool.

    Languages are indices into `pool`. Every query has at least one relevant passage; where a row
    has none, the measures of relevant passages are nan.

    Attributes:
        above: Passages with a higher score than each relevant passage, in any order; for a passage
            that was not retrieved, the number retrieved; `nan` to fill. Shape (queries, most
            relevant passages of any query).
        tied: Passages with the score of each, itself included; for a passage that was not
            retrieved, the number not retrieved. Same shape.
        language: Language of each of these passages, -1 where `above` is `nan`; same shape.
        top: Language of the passage at place 1, 2, …, equal scores in random order, or -1 beyond
            the end of the run. Shape (queries, places); as many places as the deepest k measured,
            or the whole run.
        pool: Number of passages of each language in the pool, shape (languages,).
        own: Language of the queries, or -1 if the pool has no passage of that language.
        block_query: Query of each block of two or more retrieved passages of equal score that
            begins within `top`, shape (blocks,).
        block_start: Number of passages before each block, shape (blocks,).
        block_counts: Passages of each language in each block, shape (blocks, languages).
    """

    above: FloatArray
    tied: FloatArray
    language: IntArray
    top: IntArray
    pool: IntArray
    own: int
    block_query: IntArray
    block_start: IntArray
    block_counts: IntArray

    @property
    def pool_size(self) -> int:
        """Number of passages in the pool."""
        return int(self.pool.sum())

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """Which entries of `above` are relevant passages rather than filling."""
        return ~np.isnan(self.above)

    @property
    def relevant_own(self) -> NDArray[np.bool_]:
        """Which entries of `above` are relevant passages in the language of the queries."""
        return np.asarray(self.relevant & (self.language == self.own))

    @property
    def places(self) -> FloatArray:
        """The mean place of every relevant passage."""
        return np.asarray(self.above + (self.tied + 1) / 2)

    @property
    def best_place(self) -> FloatArray:
        """The mean place of each query's first relevant passage; nan without one.

        c passages of a block of B after s others: s + (B + 1) / (c + 1).
        """
        start, size, count = self._block(np.fmin)
        return np.asarray(start + (size + 1) / (count + 1))

    @property
    def worst_place(self) -> FloatArray:
        """The mean place of each query's last relevant passage; nan without one.

        c passages of a block of B after s others: s + c (B + 1) / (c + 1).
        """
        start, size, count = self._block(np.fmax)
        return np.asarray(start + count * (size + 1) / (count + 1))

    def _block(self, choose: np.ufunc) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return start and size of the first or last block, and its relevant passages."""
        start = choose.reduce(self.above, axis=1, initial=np.nan)
        inside = self.above == start[:, None]
        size = np.where(inside, self.tied, 0).max(axis=1, initial=0)
        return start, size, inside.sum(axis=1).astype(np.float64)


def multilingual_ranking(ranks: PoolRanks) -> MultilingualRanking:
    """Return the ranks in a mixed pool as the language-bias measures take them.

    Where ties are not known, ranks are taken as they are, and a passage that was not retrieved is
    at the last place.

    Raises:
        ValueError: If the languages of the first places are not known.
    """
    if ranks.top is None:
        raise ValueError("the languages of the first places of the ranking are not known")
    languages = list(ranks.pool)
    width, slot = ranks.slots()
    shape = (len(ranks.questions), width)
    above, tied = np.full(shape, np.nan), np.full(shape, np.nan)
    language = np.full(shape, -1, np.int64)
    at = ranks.query, slot
    language[at] = np.searchsorted(languages, ranks.language)
    if ranks.ties is None:
        above[at] = np.where(ranks.rank > 0, ranks.rank, ranks.pool_size) - 1
        tied[at] = 1
        none = np.empty(0, np.int64)
        blocks = none, none, np.empty((0, len(languages)), np.int64)
    else:
        above[at], tied[at] = ranks.ties.above, ranks.ties.tied
        blocks = ranks.ties.query, ranks.ties.start, ranks.ties.counts
    own = ranks.query_language
    return MultilingualRanking(
        above=above,
        tied=tied,
        language=language,
        top=ranks.top,
        pool=np.array(list(ranks.pool.values()), np.int64),
        own=languages.index(own) if own in languages else -1,
        block_query=blocks[0],
        block_start=blocks[1],
        block_counts=blocks[2],
    )


def earlier_in_block(above: FloatArray) -> IntArray:
    """Return how many entries before each, in its row, are in the same block."""
    same = above[:, :, None] == above[:, None, :]
    return np.asarray(np.tril(same, -1).sum(axis=2))


def draw_places(above: FloatArray, tied: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Draw the places of the relevant passages, each block of equal scores in random order.

    Args:
        above: As `MultilingualRanking` has it.
        tied: Likewise.
        generator: What draws.

    Returns:
        The places from 1, of the same shape; `nan` to fill.
    """
    inside: FloatArray = np.full_like(above, np.nan)
    earlier = earlier_in_block(above)
    for slot in range(inside.shape[1]):
        free = tied[:, slot] - earlier[:, slot]
        drawn = np.floor(generator.random(len(inside)) * free)
        same = above[:, :slot] == above[:, slot : slot + 1]
        before = np.sort(np.where(same, inside[:, :slot], np.inf), axis=1)
        for number in range(slot):
            drawn += before[:, number] <= drawn
        inside[:, slot] = drawn
    return np.asarray(above + inside + 1)


def linearised(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return one value per query, whose mean is the ratio of two means.

    A query's value is the ratio plus its influence on it, (x - ratio · y) / mean(y), so that what
    is known of means, of their intervals and tests, holds for ratios of means, too (the delta
    method). nan where the denominator is, and everywhere if its mean is 0.

    Examples:
        >>> linearised(np.array([1.0, 3.0]), np.array([1.0, 3.0]))
        array([1., 1.])
    """
    defined = ~np.isnan(denominator)
    mean = denominator[defined].mean() if defined.any() else 0.0
    if not mean:
        return np.full(len(numerator), np.nan)
    ratio = numerator[defined].mean() / mean
    return np.asarray(ratio + (numerator - ratio * denominator) / mean)


def mean_over_queries(values: FloatArray) -> float:
    """Mean of the values that are defined; nan if none is.

    Examples:
        >>> mean_over_queries(np.array([1.0, np.nan, 4.0]))
        2.5
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
