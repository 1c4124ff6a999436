"""Rows that have equal texts, found from hashes that are spilled to disk where they are many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IN_MEMORY = 1 << 22
"""Texts whose hashes are kept in memory."""

BUCKETS = 64
"""Files that hashes are spilled to, each read back whole."""

ENTRY = np.dtype([("hash", np.uint64), ("row", np.int32)])


class TextGroups:
    """Notes the hashes of texts by row, then joins the rows that have an equal one.

    Args:
        rows: Number of rows.
        folder: Folder to spill to; made when needed.
    """

    def __init__(self, rows: int, folder: Path) -> None:
        self.rows = rows
        self.folder = folder
        self._parts: list[NDArray[np.void]] = []
        self._noted = 0

    def add(self, rows: NDArray[np.int64], hashes: NDArray[np.uint64]) -> None:
        """Note the hashes of the texts of some rows."""
        part = np.empty(len(rows), ENTRY)
        part["hash"], part["row"] = hashes, rows
        self._parts.append(part)
        self._noted += len(part)
        if self._noted >= IN_MEMORY:
            self._spill()

    def join(self, group: NDArray[np.int32]) -> tuple[NDArray[np.int32], int, int]:
        """Join the groups of rows that have an equal text.

        Args:
            group: Shape (rows,): numbers of groups so far.

        Returns:
            The groups now, how many rows have a text of an earlier row, and how many have one of
            another row.
        """
        later, either = np.zeros(self.rows, bool), np.zeros(self.rows, bool)
        for part in self._buckets():
            order = np.lexsort((part["row"], part["hash"]))
            rows, hashes = part["row"][order], part["hash"][order]
            equal = (hashes[1:] == hashes[:-1]) & (rows[1:] != rows[:-1])
            first, second = rows[:-1][equal], rows[1:][equal]
            later[second] = either[first] = either[second] = True
            group = _joined(group, first, second)
        return group, int(later.sum()), int(either.sum())

    def _spill(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = np.concatenate(self._parts)
        bucket = (whole["hash"] % np.uint64(BUCKETS)).astype(np.int64)
        order = np.argsort(bucket, kind="stable")
        ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS))
        for number, part in enumerate(np.split(whole[order], ends[:-1])):
            with (self.folder / f"{number}").open("ab") as file:
                file.write(part.tobytes())
        self._parts, self._noted = [], 0

    def _buckets(self) -> Iterator[NDArray[np.void]]:
        """Yield the hashes and rows, equal hashes together."""
        if not self.folder.is_dir():
            yield np.concatenate([np.empty(0, ENTRY), *self._parts])
            return
        if self._parts:
            self._spill()
        for file in sorted(self.folder.iterdir()):
            yield np.fromfile(file, ENTRY)


def _joined(
    group: NDArray[np.int32], first: NDArray[np.int32], second: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the groups after those of each two rows have become one."""
    first, second = group[first], group[second]
    apart = first != second
    if not apart.any():
        return group
    edges = (np.ones(np.count_nonzero(apart), bool), (first[apart], second[apart]))
    graph = coo_array(edges, shape=(len(group), len(group)))
    joined: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return joined.astype(np.int32, copy=False)[group]
