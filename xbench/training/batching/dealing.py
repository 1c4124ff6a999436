"""Dealing rows into batches, so that no two rows of a batch are of one group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbench.training.batching.pair_draw import PairDraw
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import CHUNK, has_language, unpack

Rows = NDArray[np.int32]

EMPTY = -1
SORTED = 1 << 13
"""Batches that are looked through at once."""

ATTEMPTS = 200
"""Random places or rows that are tried before all are looked at, or a row waits."""


class Serving:
    """Which kinds of batches the rows of ragged data can serve.

    Args:
        pairs: The corpus.
        odds: Of each language's monolingual kind, shape (languages,), and of the pairs of the mixed
            kind, shape (languages, languages); 0 where a kind is not asked for.
    """

    def __init__(
        self, pairs: ParallelPairs, odds: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> None:
        self.pairs = pairs
        self.own, self.mixed = odds
        all_odds = self.mixed + np.diag(self.own)
        self._draw = PairDraw(pairs.queries, pairs.passages, all_odds)

    def draw(self, rows: Rows, random: np.random.Generator) -> NDArray[np.int16]:
        """Draw a kind for each row, by its odds."""
        count = len(self.own)
        if not self.own.any():
            return np.full(len(rows), count, np.int16)
        query, passage = self._draw.draw(rows, random)
        return np.where(query == passage, query, np.int16(count))

    def many(self, rows: Rows, kind: int) -> NDArray[np.bool_]:
        """Return which rows can serve a kind."""
        queries, passages = (
            b.take(rows, axis=0) for b in (self.pairs.queries, self.pairs.passages)
        )
        count = len(self.own)
        if kind < count:
            there = has_language(queries, kind) & has_language(passages, kind)
            return there & bool(self.own[kind])
        found = np.zeros(len(rows), bool)
        for start in range(0, len(rows), CHUNK):
            chunk = slice(start, start + CHUNK)
            query, passage = (
                unpack(bits[chunk], count).astype(float) for bits in (queries, passages)
            )
            found[chunk] = np.einsum("ij,ij->i", query @ self.mixed, passage) > 0
        return found


@dataclass
class Deal:
    """The batches of an epoch while rows are put into them.

    Attributes:
        rows: Shape (batches, batch size): the row in each place, or `EMPTY`.
        kinds: Shape (batches,): the kind of each batch.
        usable: Rows that may fill a place.
        serving: Which kinds rows can serve; None if every row serves every kind.
        group: Shape (rows of the corpus,): rows with equal numbers may not meet; None if no two
            have a text in common.
        largest_group: Most rows of one group that may be dealt.
        random: The generator to draw from.
        waiting: Rows that have no place yet.
    """

    rows: Rows
    kinds: NDArray[np.int16]
    usable: Rows
    serving: Serving | None
    group: NDArray[np.int32] | None
    largest_group: int
    random: np.random.Generator
    waiting: list[int] = field(default_factory=list)
    _able: dict[int, Rows] = field(default_factory=dict)
    _order: NDArray[np.int32] | None = None

    def deal(self, rows: Rows, batches: NDArray[np.int64]) -> None:
        """Put rows into some batches, which are empty.

        The rows of a group are dealt one after the other, each to the next batch, so that two meet
        only where a group has more rows than there are batches.

        Args:
            rows: At most as many rows as there are places, in random order; of those without a
                group equal ones next to each other.
            batches: The batches.
        """
        size = self.rows.shape[1]
        if self.group is not None:
            rows = self._by_group(rows, self.group)
        if len(rows) < len(batches) * size:
            rows = np.append(rows, np.full(len(batches) * size - len(rows), EMPTY, rows.dtype))
        self.rows[batches] = rows.reshape(size, len(batches)).T

    def deal_by_kind(self, rows: Rows, kinds: NDArray[np.int16]) -> None:
        """Put rows into the batches of their kinds; those too many go to others that they serve.

        Args:
            rows: The rows, in random order, equal ones next to each other.
            kinds: The kind of each.
        """
        batches = [np.flatnonzero(self.kinds == kind) for kind in range(self._kinds)]
        places = [len(numbers) * self.rows.shape[1] for numbers in batches]
        left = np.concatenate([rows[kinds == kind][n:] for kind, n in enumerate(places)])
        self.random.shuffle(left)
        for kind, n in enumerate(places):
            mine = rows[kinds == kind][:n]
            if len(mine) < n and len(left):
                able = np.flatnonzero(self.serving.many(left, kind))[: n - len(mine)]  # type: ignore[union-attr]
                mine = np.append(mine, left[able])
                left = np.delete(left, able)
            if n:
                self.deal(mine, batches[kind])
        self.waiting = left.tolist()

    @property
    def _kinds(self) -> int:
        return len(self.serving.own) + 1 if self.serving else 1

    def part(self) -> None:
        """Part rows that share a passage by exchange with other batches; else they wait."""
        for batch, place in self._clashes():
            row = int(self.rows[batch, place])
            self.rows[batch, place] = EMPTY
            if not self._exchange(row, batch, place):
                self.waiting.append(row)

    def fill(self) -> None:
        """Give every empty place a row: one that waits, or one that is drawn a second time."""
        for batch, place in np.argwhere(self.rows == EMPTY):
            fitting = (rows[self._fit(rows, batch)] for rows in self._candidates(batch))
            row = next((int(rows[0]) for rows in fitting if rows.size), None)
            if row is None:
                raise RuntimeError(f"no row fits batch {batch}, although its kind has enough")
            self.rows[batch, place] = row
            if row in self.waiting:
                self.waiting.remove(row)

    def _groups(self, rows: Rows) -> NDArray[np.int32]:
        """Return the group of each row; without groups it is the row."""
        return rows if self.group is None else self.group[rows]

    def _by_group(self, rows: Rows, group: NDArray[np.int32]) -> Rows:
        """Return rows with those of a group together and the groups in random order."""
        if self._order is None:
            self._order = np.arange(group.max() + 1, dtype=np.int32)
            self.random.shuffle(self._order)
        key = self._order[group[rows]].astype(np.int64)
        key <<= 32
        key |= rows
        key.sort()
        return key.astype(np.int32)

    def _clashes(self) -> Iterator[tuple[int, int]]:
        for kind in np.unique(self.kinds) if self.serving is not None else [None]:
            own = self.kinds == kind if kind is not None else np.ones(len(self.rows), bool)
            batches = np.flatnonzero(own)
            if self.largest_group <= len(batches):
                continue
            for start in range(0, len(batches), SORTED):
                numbers = batches[start : start + SORTED]
                rows = self.rows[numbers]
                empty = EMPTY - np.arange(rows.shape[1], dtype=np.int32)
                group = np.where(rows == EMPTY, empty, self._groups(rows))
                order = np.argsort(group, axis=1, kind="stable")
                ordered = np.take_along_axis(group, order, axis=1)
                index, later = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
                clashing = numbers[index].tolist(), order[index, later + 1].tolist()
                yield from zip(*clashing, strict=True)

    def _exchange(self, row: int, batch: int, place: int) -> bool:
        for _ in range(ATTEMPTS):
            other = int(self.random.integers(len(self.rows)))
            spot = int(self.random.integers(self.rows.shape[1]))
            theirs = int(self.rows[other, spot])
            if other == batch or theirs == EMPTY or not self._fits(theirs, batch):
                continue
            self.rows[other, spot] = EMPTY
            if self._fits(row, other):
                self.rows[other, spot], self.rows[batch, place] = row, theirs
                return True
            self.rows[other, spot] = theirs
        return False

    def _fits(self, row: int, batch: int) -> bool:
        return bool(self._fit(np.array([row], np.int32), batch)[0])

    def _fit(self, rows: Rows, batch: int) -> NDArray[np.bool_]:
        """Return which rows may be put into a batch."""
        others = self.rows[batch]
        others = others[others != EMPTY]
        fit = ~np.isin(self._groups(rows), self._groups(others))
        if self.serving is not None:
            fit &= self.serving.many(rows, int(self.kinds[batch]))
        return fit

    def _candidates(self, batch: int) -> Iterator[Rows]:
        """Yield rows for a place: those that wait, some at random, and all that serve its kind."""
        yield np.array(self.waiting, np.int32)
        at_once = 1 if self.serving is None else ATTEMPTS
        for _ in range(ATTEMPTS // at_once):
            yield self.usable[self.random.integers(len(self.usable), size=at_once)]
        kind = int(self.kinds[batch])
        if kind not in self._able:
            serving = self.serving
            able = self.usable if serving is None else self.usable[serving.many(self.usable, kind)]
            self._able[kind] = able
        yield self.random.permutation(self._able[kind])
