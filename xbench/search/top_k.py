"""Exact streaming search: the best passages of each query, whatever the number of passages.

A block of scores is compared with what a passage must reach to be among a query's best so far; the
few that reach it wait, and are merged when they have become many. Memory is that of the best
passages and of the waiting ones. Ties follow trec_eval: equal scores are ordered by passage id,
descending.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.metrics.ranks import RUN_DEPTH, IntArray

ScoreArray = NDArray[np.float32]
IdArray = NDArray[np.bytes_]


NOT_FINITE = (
    "a similarity score is NaN or infinite; check the model's embeddings and its similarity "
    "function, or try another --dtype (float32)"
)

_LOWEST = np.finfo(np.float32).min
_WAITING = 4_000_000
_ROWS = 128
_DENSE = 16


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
        self._scores = np.full((queries, depth), -np.inf, np.float32)
        self._ids = np.zeros((queries, depth), f"S{id_bytes}")
        self._floor = np.full(queries, _LOWEST, np.float32) if floor is None else floor.copy()
        self._waiting: list[Candidates] = []
        self._number_waiting = 0

    @property
    def floor(self) -> ScoreArray:
        """What a score must reach to be among the best so far, shape (queries,)."""
        self._merge()
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

        def take(start: int) -> Candidates | None:
            rows = slice(start, start + _ROWS)
            block = scores[rows]
            if not block.max(initial=-np.inf) < np.inf:
                raise UserError(NOT_FINITE)
            reaching = np.flatnonzero(block >= self._floor[rows, None])
            if len(reaching) > block.size // _DENSE:
                self._keep_best(rows, block, np.broadcast_to(ids, block.shape))
                return None
            row, passage = np.divmod(reaching, block.shape[1])
            return Candidates(row + start, block[row, passage], ids[passage])

        for found in _threads().map(take, range(0, len(scores), _ROWS)):
            if found is not None:
                self.absorb(found)

    def absorb(self, candidates: Candidates) -> None:
        """Take candidates into account that were found elsewhere."""
        self._waiting.append(candidates)
        self._number_waiting += len(candidates.query)
        if self._number_waiting > _WAITING:
            self._merge()

    def candidates(self) -> Candidates:
        """Return all that may be among the best when other blocks are merged with these."""
        self._merge()
        query, place = np.nonzero(self._scores >= self._floor[:, None])
        return Candidates(query, self._scores[query, place], self._ids[query, place])

    def best(self) -> tuple[ScoreArray, IdArray]:
        """Return the best passages of each query, the best first.

        Returns:
            Scores and ids, shape (queries, depth) each; -inf and an empty id where fewer passages
            were retrieved.
        """
        self._merge()
        order = np.argsort(-self._scores, axis=1, kind="stable")
        scores = np.take_along_axis(self._scores, order, axis=1)
        ids = np.take_along_axis(self._ids, order, axis=1)
        tied = (scores[:, 1:] == scores[:, :-1]) & np.isfinite(scores[:, 1:])
        for row in np.flatnonzero(tied.any(axis=1)):
            ids[row] = ids[row, np.lexsort((ids[row], scores[row]))[::-1]]
        return scores, ids

    def arrays(self) -> tuple[ScoreArray, IdArray]:
        """Return the state, from which `restored` makes the same object again."""
        self._merge()
        return self._scores, self._ids

    @classmethod
    def restored(cls, scores: ScoreArray, ids: IdArray) -> TopK:
        """Return the object whose state `arrays` gave."""
        queries, depth = scores.shape
        restored = cls(queries, ids.dtype.itemsize, depth)
        restored._scores, restored._ids = scores, ids
        restored._raise_floor(slice(None))
        return restored

    def _merge(self) -> None:
        if not self._waiting:
            return
        query = np.concatenate([waiting.query for waiting in self._waiting])
        order = np.argsort(query, kind="stable")
        query = query[order]
        score = np.concatenate([waiting.score for waiting in self._waiting])[order]
        passage = np.concatenate([waiting.passage for waiting in self._waiting])[order]
        self._waiting, self._number_waiting = [], 0
        starts = range(0, len(self._scores), _ROWS)
        edges = np.searchsorted(query, [*starts, len(self._scores)])

        def merge(part: tuple[int, int, int]) -> None:
            start, low, high = part
            own = slice(low, high)
            self._merge_rows(start, query[own] - start, score[own], passage[own])

        list(_threads().map(merge, zip(starts, edges[:-1], edges[1:], strict=True)))

    def _merge_rows(self, start: int, row: IntArray, score: ScoreArray, passage: IdArray) -> None:
        """Merge the candidates of a block of queries, which are in the order of their rows."""
        if len(row) == 0:
            return
        rows = slice(start, start + _ROWS)
        sizes = np.bincount(row, minlength=len(self._scores[rows]))
        column = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        shape = (len(sizes), int(sizes.max()))
        scores, ids = np.full(shape, -np.inf, np.float32), np.zeros(shape, self._ids.dtype)
        scores[row, column], ids[row, column] = score, passage
        self._keep_best(rows, scores, ids)

    def _keep_best(self, rows: slice, scores: ScoreArray, ids: IdArray) -> None:
        """Keep the best of some queries' passages and of others, shape (queries, others)."""
        kept = self._ids[rows]
        both = np.hstack([self._scores[rows], scores])
        highest = _highest(both, kept, ids)
        column = np.nonzero(highest)[1].reshape(kept.shape)
        new = column >= kept.shape[1]
        row = np.nonzero(new)[0]
        self._scores[rows] = both[highest].reshape(kept.shape)
        self._ids[rows] = np.take_along_axis(kept, np.where(new, 0, column), axis=1)
        self._ids[rows][new] = ids[row, column[new] - kept.shape[1]]
        self._raise_floor(rows)

    def _raise_floor(self, rows: slice) -> None:
        self._floor[rows] = np.maximum(self._floor[rows], self._scores[rows].min(axis=1))


def _highest(scores: ScoreArray, kept: IdArray, others: IdArray) -> NDArray[np.bool_]:
    """Return which entries are the highest of each row, as many as were kept.

    Of equal ones, those with the last ids are.

    Args:
        scores: Scores of the kept and of the other passages, shape (queries, kept + others).
        kept: Ids of the kept passages, shape (queries, kept).
        others: Ids of the other passages, shape (queries, others).
    """
    depth, last = kept.shape[1], others.shape[1]
    threshold = np.partition(scores, last, axis=1)[:, last, None]
    above, equal = scores > threshold, scores == threshold
    room = depth - np.count_nonzero(above, axis=1)
    crowded = np.count_nonzero(equal, axis=1) > room
    chosen = equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= room[:, None])
    for row in np.flatnonzero(crowded & np.isfinite(threshold[:, 0])):
        tied = np.flatnonzero(equal[row])
        ids = np.concatenate([kept[row], others[row]])[tied]
        chosen[row] = False
        chosen[row, tied[np.argsort(ids)[-room[row] :]]] = True
    return np.asarray(above | chosen)


def id_array(ids: Sequence[str]) -> IdArray:
    """Return passage ids in UTF-8, whose order is that of the code points."""
    return np.array([passage.encode() for passage in ids], np.bytes_)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count())
