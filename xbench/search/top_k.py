"""Exact streaming search: the best passages of each query, whatever the number of passages.

A block of scores is read once, and compared with what a passage must reach to be among a query's
best so far. The few that reach it are put next to the best, where each query has some room; when
the room of one is full, the best are kept and the threshold rises. Memory is that of the best and
of the room. Ties follow trec_eval: equal scores are ordered by passage id, descending.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.metrics.ranks import RUN_DEPTH, IntArray

ScoreArray = NDArray[np.float32]
IdArray = NDArray[np.bytes_]
Numbers = NDArray[np.int32]


NOT_FINITE = (
    "a similarity score is NaN or infinite; check the model's embeddings and its similarity "
    "function, or try another --dtype (float32)"
)

_LOWEST = np.finfo(np.float32).min
_ROWS = 128
"""Queries whose scores one thread takes at a time: a block of them stays in its cache."""

_ROOM = 1000
"""Passages of each query that wait next to the best."""

_NAMES = 1 << 18
"""Ids of passages that are kept until the best of all queries are."""

_ALL = np.uint64(0x0101010101010101)
"""Eight comparisons that hold."""


@dataclass(frozen=True)
class Candidates:
    """Passages that may be among the best of some queries.

    Attributes:
        query: Index of the query, shape (candidates,).
        score: Score, shape (candidates,).
        passage: Id of the passage in UTF-8, shape (candidates,).
    """

    query: IntArray
    score: ScoreArray
    passage: IdArray


class TopK:
    """The best passages of each query so far.

    Args:
        queries: Number of queries.
        id_bytes: Length of the longest passage id in UTF-8.
        depth: How many passages are kept for each query.
        floor: What a passage's score must reach at least, shape (queries,); without it any finite
            score does.
    """

    def __init__(
        self,
        queries: int,
        id_bytes: int,
        depth: int = RUN_DEPTH,
        floor: ScoreArray | None = None,
    ) -> None:
        self._depth = depth
        self._scores = np.full((queries, depth + _ROOM), -np.inf, np.float32)
        self._ids = np.zeros((queries, depth), f"S{id_bytes}")
        self._number = np.zeros((queries, depth + _ROOM), np.int32)
        self._number[:, :depth] = -1 - np.arange(depth)
        self._names = np.zeros(_NAMES, f"S{id_bytes}")
        self._named = 0
        self._used = np.full(queries, depth)
        self._floor = np.full(queries, _LOWEST, np.float32) if floor is None else floor.copy()

    @property
    def floor(self) -> ScoreArray:
        """What a score must reach to be among the best so far, shape (queries,)."""
        self._keep_all_best()
        return self._floor

    def add(self, scores: ScoreArray, ids: IdArray) -> None:
        """Take a block of passages into account.

        Args:
            scores: Shape (queries, passages); a score of -inf means that the passage is not
                retrieved.
            ids: Ids of the passages in UTF-8, shape (passages,).

        Raises:
            UserError: If a score is NaN or infinite.
        """
        first = self._name(ids)

        def take(start: int) -> None:
            block = scores[start : start + _ROWS]
            reaching = _not_below(block, self._floor[start : start + _ROWS, None])
            row, passage = np.divmod(reaching, block.shape[1])
            number = (passage + first).astype(np.int32)
            self._put(start, row, block.reshape(-1)[reaching], number)

        list(_threads().map(take, range(0, len(scores), _ROWS)))

    def absorb(self, candidates: Candidates) -> None:
        """Take candidates into account that were found elsewhere."""
        order = np.argsort(candidates.query, kind="stable")
        first = self._name(candidates.passage[order])
        query, score = candidates.query[order], candidates.score[order]
        number = np.arange(first, first + len(order), dtype=np.int32)
        for start in range(0, len(self._scores), _ROWS):
            own = slice(*np.searchsorted(query, (start, start + _ROWS)))
            self._put(start, query[own] - start, score[own], number[own])

    def _name(self, ids: IdArray) -> int:
        """Keep ids of passages until the best are kept, and return the number of the first."""
        if self._named + len(ids) > len(self._names):
            self._keep_all_best()
            if len(ids) > len(self._names):
                self._names = np.zeros(len(ids), self._names.dtype)
        first, self._named = self._named, self._named + len(ids)
        self._names[first : self._named] = ids
        return first

    def candidates(self) -> Candidates:
        """Return all that may be among the best when other blocks are merged with these."""
        scores = self._scores[:, : int(self._used.max(initial=0))]
        query, place = np.nonzero(scores >= self._floor[:, None])
        number, passage = self._number[query, place], np.zeros(len(query), self._ids.dtype)
        new = number >= 0
        passage[new] = self._names[number[new]]
        passage[~new] = self._ids[query[~new], -1 - number[~new]]
        return Candidates(query, scores[query, place], passage)

    def best(self) -> tuple[ScoreArray, IdArray]:
        """Return the best passages of each query, the best first.

        Returns:
            Scores and ids, shape (queries, depth) each; -inf and an empty id where fewer passages
            were retrieved.
        """
        scores, ids = self.arrays()
        order = np.argsort(-scores, axis=1, kind="stable")
        scores = np.take_along_axis(scores, order, axis=1)
        ids = np.take_along_axis(ids, order, axis=1)
        tied = (scores[:, 1:] == scores[:, :-1]) & np.isfinite(scores[:, 1:])
        for row in np.flatnonzero(tied.any(axis=1)):
            ids[row] = ids[row, np.lexsort((ids[row], scores[row]))[::-1]]
        return scores, ids

    def arrays(self) -> tuple[ScoreArray, IdArray]:
        """Return the state, from which `restored` makes the same object again."""
        self._keep_all_best()
        return self._scores[:, : self._depth].copy(), self._ids.copy()

    @classmethod
    def restored(cls, scores: ScoreArray, ids: IdArray) -> TopK:
        """Return the object whose state `arrays` gave."""
        queries, depth = scores.shape
        restored = cls(queries, ids.dtype.itemsize, depth)
        restored._scores[:, :depth], restored._ids[:] = scores, ids
        restored._raise_floor(slice(None))
        return restored

    def _put(self, start: int, row: IntArray, score: ScoreArray, number: Numbers) -> None:
        """Put passages of a block of queries, in the order of their rows, next to the best.

        Args:
            start: First query of the block.
            row: Index of the query in the block, shape (passages,).
            score: Score, shape (passages,).
            number: Number of the passage among those named, shape (passages,).

        Raises:
            UserError: If a score is NaN or infinite.
        """
        if not np.isfinite(score).all():
            raise UserError(NOT_FINITE)
        width, used = self._scores.shape[1], self._used[start : start + _ROWS]
        sizes = np.bincount(row, minlength=len(used))
        if (used + sizes > width).any():
            self._keep_best(start)
            high = score >= self._floor[start : start + _ROWS][row]
            row, score, number = row[high], score[high], number[high]
            sizes = np.bincount(row, minlength=len(used))
        column = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        if (used + sizes > width).any():
            for part in range(0, int(sizes.max()), _ROOM):
                own = (column >= part) & (column < part + _ROOM)
                self._put(start, row[own], score[own], number[own])
            return
        at = (start + row) * width + used[row] + column
        self._scores.reshape(-1)[at] = score
        self._number.reshape(-1)[at] = number
        used += sizes

    def _keep_all_best(self) -> None:
        """Keep the best passages of all queries with their ids, so that names can be forgotten."""

        def keep(start: int) -> None:
            self._keep_best(start)
            rows = slice(start, start + _ROWS)
            number, ids = self._number[rows, : self._depth], self._ids[rows]
            new = number >= 0
            kept = np.take_along_axis(ids, np.where(new, 0, -1 - number), axis=1)
            kept[new] = self._names[number[new]]
            ids[:] = kept
            number[:] = -1 - np.arange(self._depth)

        list(_threads().map(keep, range(0, len(self._scores), _ROWS)))
        self._named = 0

    def _keep_best(self, start: int) -> None:
        """Keep the best passages of a block of queries, and make room for others."""
        rows, depth = slice(start, start + _ROWS), self._depth
        width = int(self._used[rows].max())
        if width > depth:
            scores, number = self._scores[rows, :width], self._number[rows, :width]
            ids = self._ids[rows]
            highest = _highest(scores, depth, lambda row, at: self._id(ids[row], number[row, at]))
            scores[:, :depth] = scores[highest].reshape(-1, depth)
            number[:, :depth] = number[highest].reshape(-1, depth)
            scores[:, depth:] = -np.inf
            self._used[rows] = depth
        self._raise_floor(rows)

    def _id(self, kept: IdArray, number: Numbers) -> IdArray:
        """Return the ids of passages; those kept with their ids have negative numbers."""
        new = number >= 0
        return np.where(
            new, self._names[np.where(new, number, 0)], kept[np.where(new, 0, -1 - number)]
        )

    def _raise_floor(self, rows: slice) -> None:
        lowest = self._scores[rows, : self._depth].min(axis=1)
        self._floor[rows] = np.maximum(self._floor[rows], lowest)


def _not_below(scores: ScoreArray, floor: ScoreArray) -> IntArray:
    """Return the flat indices of the scores that are not below a floor; NaN is not.

    The comparisons are looked through by eights, as few do not hold.
    """
    below = (scores < floor).reshape(-1)
    eights = below[: len(below) // 8 * 8].view(np.uint64)
    some = np.flatnonzero(eights != _ALL)
    bits = np.flatnonzero(~below[: len(eights) * 8].reshape(-1, 8)[some].reshape(-1))
    rest = len(eights) * 8 + np.flatnonzero(~below[len(eights) * 8 :])
    return np.concatenate([some[bits >> 3] * 8 + (bits & 7), rest])


def _highest(
    scores: ScoreArray, depth: int, ids: Callable[[int, IntArray], IdArray]
) -> NDArray[np.bool_]:
    """Return which entries are the highest of each row, as many as the depth.

    Of equal ones, those with the last ids are; where there is no passage, the first places are.

    Args:
        scores: Shape (queries, passages); -inf where there is no passage.
        depth: How many are the highest.
        ids: Gives the ids of some entries of a row.
    """
    last = scores.shape[1] - depth
    threshold = np.partition(scores, last, axis=1)[:, last, None]
    highest = scores >= threshold
    crowded = np.count_nonzero(highest, axis=1) > depth
    for row in np.flatnonzero(crowded).tolist():
        tied = np.flatnonzero(scores[row] == threshold[row])
        room = depth - np.count_nonzero(scores[row] > threshold[row])
        if np.isfinite(threshold[row, 0]):
            tied = tied[np.argsort(ids(row, tied))[::-1]]
        highest[row, tied[room:]] = False
    return np.asarray(highest)


def id_array(ids: Sequence[str]) -> IdArray:
    """Return passage ids in UTF-8, whose order is that of the code points."""
    return np.array([passage.encode() for passage in ids], np.bytes_)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())
