"""Dealing rows into batches, so that no two rows of a batch share a positive passage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]

EMPTY = -1
ATTEMPTS = 200
"""Random places or rows that are tried before all are looked at, or a row waits."""


@dataclass
class Deal:
    """The batches of an epoch while rows are put into them.

    Attributes:
        rows: Shape (batches, batch size): the row in each place, or `EMPTY`.
        kinds: Shape (batches,): the kind of each batch.
        usable: Rows that may fill a place.
        serves: Shape (rows of the corpus,): bit k set where the row can serve kind k; None if every
            row serves every kind.
        group: Shape (rows of the corpus,): rows with equal numbers share a positive passage; None
            if no two rows do.
        largest_group: Rows in the largest group.
        random: The generator to draw from.
        waiting: Rows that have no place yet.
    """

    rows: Rows
    kinds: NDArray[np.int8]
    usable: Rows
    serves: NDArray[np.uint32] | None
    group: NDArray[np.int32] | None
    largest_group: int
    random: np.random.Generator
    waiting: list[int] = field(default_factory=list)

    def deal(self, rows: Rows, batches: NDArray[np.int64]) -> None:
        """Put rows into some batches, which are empty.

        The rows of a group are dealt one after the other, each to the next batch, so that two meet
        only where a group has more rows than there are batches.

        Args:
            rows: At most as many rows as there are places, in random order.
            batches: The batches.
        """
        size = self.rows.shape[1]
        if self.group is not None:
            rows = self._by_group(rows)
        if len(rows) < len(batches) * size:
            rows = np.append(rows, np.full(len(batches) * size - len(rows), EMPTY, rows.dtype))
        self.rows[batches] = rows.reshape(size, len(batches)).T

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
            row = next((row for row in self._candidates(batch) if self._fits(row, batch)), None)
            if row is None:
                raise RuntimeError(f"no row fits batch {batch}, although its kind has enough")
            self.rows[batch, place] = row
            if row in self.waiting:
                self.waiting.remove(row)

    def _by_group(self, rows: Rows) -> Rows:
        """Return rows with those of a group together and the groups in random order."""
        groups = np.arange(self.group.max() + 1, dtype=np.int32)  # type: ignore[union-attr]
        self.random.shuffle(groups)
        key = groups[self.group[rows]].astype(np.int64)  # type: ignore[index]
        del groups
        key <<= 32
        key |= rows
        key.sort()
        return key.astype(np.int32)

    def _clashes(self) -> Iterator[tuple[int, int]]:
        if self.group is None:
            return
        for kind in np.unique(self.kinds) if self.serves is not None else [None]:
            batches = np.flatnonzero(self.kinds == kind) if kind is not None else slice(None)
            rows = self.rows[batches]
            if self.largest_group <= len(rows):
                continue
            group = np.where(rows == EMPTY, EMPTY - np.arange(rows.shape[1]), self.group[rows])
            order = np.argsort(group, axis=1, kind="stable")
            ordered = np.take_along_axis(group, order, axis=1)
            index, later = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
            numbers = np.arange(len(self.rows))[batches]
            yield from zip(numbers[index].tolist(), order[index, later + 1].tolist(), strict=True)

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
        if self.serves is not None and not int(self.serves[row]) >> int(self.kinds[batch]) & 1:
            return False
        others = self.rows[batch]
        others = others[others != EMPTY]
        if self.group is None:
            return row not in others
        return bool((self.group[others] != self.group[row]).all())

    def _candidates(self, batch: int) -> Iterator[int]:
        yield from list(self.waiting)
        for _ in range(ATTEMPTS):
            yield int(self.usable[self.random.integers(len(self.usable))])
        able = self.usable
        if self.serves is not None:
            able = able[self.serves[able] >> np.uint32(self.kinds[batch]) & 1 > 0]
        yield from self.random.permutation(able).tolist()
