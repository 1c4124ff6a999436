"""Exact streaming search: the best passages of each query, whatever the number of passages.

A block of scores is read once, and compared with what a passage must reach to be among a query's
best so far. The few that reach it are put next to the best, where each query has some room; when
the room of one is full, the best are kept and the threshold rises. Memory is that of the best and
of the room. Ties follow trec_eval: equal scores are ordered by passage id, descending.

A passage is one number of 64 bits, so that the best are found by one partition: its score, in
32 bits whose order is that of the scores, and the number of its id.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.ranks import RUN_DEPTH, IntArray
from xbench.search.score_keys import (
    EMPTY,
    HALF,
    LOWEST,
    NO_PASSAGE,
    Keys,
    ScoreArray,
    high_half,
    low_half,
    not_below,
    numbers_of,
    passage_keys,
    scores_of,
)

IdArray = NDArray[np.bytes_]

_ROWS = 128
"""Queries whose scores one thread takes at a time: a block of them stays in its cache."""

_ROOM = 1000
"""Passages of each query that wait next to the best."""

_NAMES = 1 << 18
"""Ids of passages that are kept until the best of all queries are."""


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
        self._keys = np.full((queries, depth + _ROOM), EMPTY)
        self._ids = np.zeros((queries, depth), f"S{id_bytes}")
        self._names = np.zeros(_NAMES, f"S{id_bytes}")
        self._named = 0
        self._used = np.full(queries, depth)
        self._floor = np.full(queries, LOWEST, np.float32) if floor is None else floor.copy()

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
            reaching = not_below(block, self._floor[start : start + _ROWS, None])
            rows, width = block.shape
            bounds = np.searchsorted(reaching, np.arange(rows + 1) * width)
            number = reaching + np.repeat(first - np.arange(rows) * width, np.diff(bounds))
            self._put(start, bounds, passage_keys(block.reshape(-1)[reaching], number))

        list(_threads().map(take, range(0, len(scores), _ROWS)))

    def absorb(self, candidates: Candidates) -> None:
        """Take candidates into account that were found elsewhere."""
        order = np.argsort(candidates.query, kind="stable")
        first = self._name(candidates.passage[order])
        keys = passage_keys(candidates.score[order], np.arange(first, first + len(order)))
        query = candidates.query[order]
        for start in range(0, len(self._keys), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(self._keys)) + 1)
            bounds = np.searchsorted(query, rows)
            self._put(start, bounds - bounds[0], keys[bounds[0] : bounds[-1]])

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
        scores = scores_of(self._keys[:, : int(self._used.max(initial=0))])
        query, place = np.nonzero(scores >= self._floor[:, None])
        number, passage = (
            numbers_of(self._keys[query, place]),
            np.zeros(len(query), self._ids.dtype),
        )
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
        self._keep_all_best()
        keys = np.sort(self._keys[:, : self._depth], axis=1)[:, ::-1]
        scores = scores_of(keys)
        ids = np.take_along_axis(self._ids, -1 - numbers_of(keys), axis=1)
        tied = (scores[:, 1:] == scores[:, :-1]) & np.isfinite(scores[:, 1:])
        for row in np.flatnonzero(tied.any(axis=1)):
            ids[row] = ids[row, np.lexsort((ids[row], scores[row]))[::-1]]
        return scores, ids

    def arrays(self) -> tuple[ScoreArray, IdArray]:
        """Return the state, from which `restored` makes the same object again."""
        self._keep_all_best()
        return scores_of(self._keys[:, : self._depth]), self._ids.copy()

    @classmethod
    def restored(cls, scores: ScoreArray, ids: IdArray) -> TopK:
        """Return the object whose state `arrays` gave."""
        queries, depth = scores.shape
        restored = cls(queries, ids.dtype.itemsize, depth)
        restored._keys[:, :depth] = high_half(scores) | low_half(-1 - np.arange(depth))
        restored._ids[:] = ids
        restored._raise_floor(slice(None), scores.min(axis=1))
        return restored

    def _put(self, start: int, bounds: IntArray, keys: Keys) -> None:
        """Put passages of a block of queries, query after query, next to the best.

        Args:
            start: First query of the block.
            bounds: Where the passages of each query begin and where the last end, shape
                (queries of the block + 1,).
            keys: The passages, shape (passages,).
        """
        sizes, width = np.diff(bounds), self._keys.shape[1]
        rows = slice(start, start + len(sizes))
        used = self._used[rows]
        if (used + sizes > width).any():
            self._keep_best(start)
            high = keys >= np.repeat(high_half(self._floor[rows]), sizes)
            keys, bounds = keys[high], np.concatenate([[0], np.cumsum(high)])[bounds]
            sizes = np.diff(bounds)
        if (used + sizes > width).any():
            column = np.arange(len(keys)) - np.repeat(bounds[:-1], sizes)
            for part in range(0, int(sizes.max()), _ROOM):
                own = (column >= part) & (column < part + _ROOM)
                self._put(start, np.concatenate([[0], np.cumsum(own)])[bounds], keys[own])
            return
        places = np.arange(start, start + len(sizes)) * width + used - bounds[:-1]
        self._keys.reshape(-1)[np.arange(len(keys)) + np.repeat(places, sizes)] = keys
        used += sizes

    def _keep_all_best(self) -> None:
        """Keep the best passages of all queries with their ids, so that names can be forgotten."""

        def keep(start: int) -> None:
            self._keep_best(start)
            rows = slice(start, start + _ROWS)
            keys, ids = self._keys[rows, : self._depth], self._ids[rows]
            code, number = keys >> HALF << HALF, numbers_of(keys)
            new = number >= 0
            kept = np.take_along_axis(ids, np.where(new, 0, -1 - number), axis=1)
            kept[new] = self._names[number[new]]
            kept[code == NO_PASSAGE] = b""
            ids[:] = kept
            keys[:] = code | low_half(-1 - np.arange(self._depth))

        list(_threads().map(keep, range(0, len(self._keys), _ROWS)))
        self._named = 0

    def _keep_best(self, start: int) -> None:
        """Keep the best passages of a block of queries, and make room for others."""
        rows, depth = slice(start, start + _ROWS), self._depth
        width = int(self._used[rows].max())
        last = width - depth
        if last:
            keys, ids = self._keys[rows, :width], self._ids[rows]
            keys.partition(last, axis=1)
            best, others = keys[:, last:], keys[:, :last]
            lowest = best.min(axis=1) >> HALF
            tied = (lowest == others.max(axis=1) >> HALF) & (lowest != NO_PASSAGE >> HALF)
            for row in np.flatnonzero(tied):
                keys[row] = self._by_id(ids[row], keys[row])
            keys[:, :depth] = best
            keys[:, depth:] = EMPTY
            self._used[rows] = depth
        self._raise_floor(rows, scores_of(self._keys[rows, :depth].min(axis=1)))

    def _by_id(self, kept: IdArray, keys: Keys) -> Keys:
        """Return a query's passages by score and, where it is equal, id; the best are last."""
        number = numbers_of(keys)
        new = number >= 0
        ids = np.where(
            new, self._names[np.where(new, number, 0)], kept[np.where(new, 0, -1 - number)]
        )
        return keys[np.lexsort((ids, keys >> HALF))]

    def _raise_floor(self, rows: slice, lowest: ScoreArray) -> None:
        self._floor[rows] = np.maximum(self._floor[rows], lowest)


def id_array(ids: Sequence[str]) -> IdArray:
    """Return passage ids in UTF-8, whose order is that of the code points."""
    return np.array([passage.encode() for passage in ids], np.bytes_)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())
