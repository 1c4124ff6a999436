"""Scores of some queries, sorted within each passage language, in which places are bisected.

The passages of a language that score higher than one of them are counted in as many steps as its
place has bits, and the first places of the whole pool are merged from the ends of the languages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.ranks import IntArray
from xbench.search.first_places import Ranking

ScoreArray = NDArray[np.float32]

STEP = 4
"""Places of a language of which one is looked at to find how low the first places reach."""


class SortedScores:
    """Scores of some queries, sorted within each language.

    Args:
        scores: Shape (queries, passages), the passages of each language together.
        sizes: Number of passages of each language.

    Attributes:
        finite: Whether all scores are finite; else nothing here can be relied on.
    """

    def __init__(self, scores: ScoreArray, sizes: IntArray) -> None:
        self._size, ends = sizes, np.cumsum(sizes)
        sorted_scores = scores.copy()
        for start, end in zip(ends - sizes, ends, strict=True):
            sorted_scores[:, start:end].sort(axis=1)
        some = sizes > 0
        outer = np.concatenate([(ends - sizes)[some], ends[some] - 1])
        self.finite = bool(np.isfinite(sorted_scores[:, outer]).all())
        self._width = sorted_scores.shape[1]
        self._scores = sorted_scores.reshape(-1)
        rows = np.arange(len(scores), dtype=np.int64) * self._width
        self._start: IntArray = rows[:, None] + (ends - sizes)

    def counts(self, thresholds: ScoreArray) -> tuple[IntArray, IntArray]:
        """Count the passages of each language that score higher than thresholds, and as high.

        Args:
            thresholds: Shape (queries, thresholds).

        Returns:
            Two arrays of shape (queries, thresholds, languages).
        """
        start = np.broadcast_to(self._start[:, None], (*thresholds.shape, len(self._size)))
        wanted = np.broadcast_to(thresholds[..., None], start.shape)
        not_lower = self._size - self._bisect(np.less, start, self._size, wanted)
        equal = np.zeros_like(not_lower)
        first = start + self._size - not_lower
        some = (not_lower > 0) & (self._scores.take(first, mode="clip") == wanted)
        equal[some] = self._bisect(np.less_equal, first[some], not_lower[some], wanted[some])
        return not_lower - equal, equal

    def _bisect(
        self, below: np.ufunc, start: IntArray, size: IntArray, threshold: ScoreArray
    ) -> IntArray:
        """Return how many of some ascending scores are below thresholds.

        Args:
            below: `numpy.less` or `numpy.less_equal`.
            start: Place of the first of the scores.
            size: Number of the scores.
            threshold: Compared with them.
        """
        scores, place, rest = self._scores, start.copy(), size.copy()
        while (rest > 1).any():
            half = rest >> 1
            place += half * below(scores.take(place + half - 1, mode="clip"), threshold)
            rest -= half
        place += below(scores.take(place, mode="clip"), threshold) & (rest > 0)
        found: IntArray = place - start
        return found

    def first(self, places: int) -> list[Ranking]:
        """Return for each query the passages at the first places, and all that may equal the last.

        Args:
            places: Number of places; the pool has as many passages.
        """
        least = self._at_most_the_last(places)
        sizes, equal = (found[:, 0] for found in self.counts(least[:, None]))
        sizes += equal
        number = sizes.sum(axis=1)
        ends, sizes = (self._start + self._size).reshape(-1), sizes.reshape(-1)
        place = np.arange(number.sum()) + np.repeat(ends - np.cumsum(sizes), sizes)
        filled = np.arange(number.max(initial=0)) < number[:, None]
        scores = np.full(filled.shape, -np.inf, np.float32)
        languages = np.zeros(filled.shape, np.int64)
        scores[filled] = self._scores[place]
        languages[filled] = np.repeat(np.arange(len(sizes)) % len(self._size), sizes)
        order = np.argsort(-scores, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
        languages = np.take_along_axis(languages, order, axis=1)
        return [
            (own[:n], score[:n]) for own, score, n in zip(languages, scores, number, strict=True)
        ]

    def _at_most_the_last(self, places: int) -> ScoreArray:
        """Return a score for each query that the last place has at least, shape (queries,).

        Every fourth place of each language is looked at. The three scores between it and the one
        before are at least as high, so that 4 n scores are at least the nth highest looked at.
        """
        number = -(-places // STEP) or 1
        steps = STEP * np.arange(1, number + 1)
        ends = np.cumsum(self._size)
        looked_at = (ends[:, None] - steps)[steps <= self._size[:, None]]
        if len(looked_at) < number:
            return np.full(len(self._start), -np.inf, np.float32)
        sample = self._scores.reshape(-1, self._width)[:, looked_at]
        found: ScoreArray = np.partition(sample, -number, axis=1)[:, -number]
        return found
