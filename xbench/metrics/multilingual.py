"""The ranking of a multilingual pool, as the language-bias measures take it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.ranks import FloatArray, IntArray


@dataclass(frozen=True)
class MultilingualRanking:
    """Where the queries of one language rank the passages of each language in one pool.

    Languages are indices into `pool`. Every query has at least one relevant passage; where a row
    has none, the measures of relevant passages are nan.

    Attributes:
        ranks: Rank from 1 of every relevant passage, in any order; `inf` for a passage that was
            not retrieved, `nan` to fill. Shape (queries, most relevant passages of any query).
        language: Language of each of these passages, -1 where `ranks` is `nan`; same shape.
        top: Language of the passage at place 1, 2, …, or -1 beyond the end of the run. Shape
            (queries, places); as many places as the deepest k measured, or the whole run.
        pool: Number of passages of each language in the pool, shape (languages,).
        own: Language of the queries, or -1 if the pool has no passage of that language.
    """

    ranks: FloatArray
    language: IntArray
    top: IntArray
    pool: IntArray
    own: int

    @property
    def pool_size(self) -> int:
        """Number of passages in the pool."""
        return int(self.pool.sum())

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """Which entries of `ranks` are relevant passages rather than filling."""
        return ~np.isnan(self.ranks)

    @property
    def relevant_own(self) -> NDArray[np.bool_]:
        """Which entries of `ranks` are relevant passages in the language of the queries."""
        return np.asarray(self.relevant & (self.language == self.own))

    @property
    def places(self) -> FloatArray:
        """The ranks, with a passage that was not retrieved at the last place of the pool."""
        return np.asarray(np.minimum(self.ranks, self.pool_size))


def mean_over_queries(values: FloatArray) -> float:
    """Mean of the values that are defined; nan if none is.

    >>> mean_over_queries(np.array([1.0, np.nan, 4.0]))
    2.5
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def median_over_queries(values: FloatArray) -> float:
    """Median of the values that are defined; nan if none is.

    >>> median_over_queries(np.array([1.0, np.nan, 4.0, 90.0]))
    4.0
    """
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if len(defined) else float("nan")
