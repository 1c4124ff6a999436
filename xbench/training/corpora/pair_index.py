"""Which texts a table of parallel pairs has, and which of them are equal."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.fingerprint import Hasher
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xbench._util.atomic_write import write_atomically

BATCH = 100_000
"""Rows looked at at once."""

VERSION = 1
"""Version of what is kept of a table that was scanned."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a table holds.

    Attributes:
        queries: Shape (rows,); bit i is set where there is a query in language i.
        passages: Shape (rows,); the same for passages.
        passage_group: Shape (rows,); rows with equal number share a passage in some language,
            directly or by way of other rows. Empty if no two rows do.
        repeated: Number of rows whose query, in some language, is also that of an earlier row.
        negatives: Hard negatives that every row has at least in every language with a passage.
        without_negatives: Rows that lack hard negatives in a language with a passage and a column
            for them.
    """

    queries: NDArray[np.uint32]
    passages: NDArray[np.uint32]
    passage_group: NDArray[np.int32]
    repeated: int
    negatives: int
    without_negatives: int


def scan(table: Dataset, languages: Sequence[str], cache_dir: Path) -> Scan:
    """Return what a table holds; it is looked at once and the outcome is kept.

    Args:
        table: Columns ``query_<code>``, ``passage_<code>`` and ``negatives_<code>``, any absent.
        languages: ISO 639-1 codes, at most 32.
        cache_dir: Folder to keep the outcome in.
    """
    key = Hasher.hash((VERSION, table._fingerprint, tuple(languages)))
    path = cache_dir / "scans" / f"{key}.npz"
    try:
        with np.load(path) as kept:
            numbers = kept["numbers"].tolist()
            return Scan(kept["queries"], kept["passages"], kept["passage_group"], *numbers)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        found = _scan(table, languages)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        queries=found.queries,
        passages=found.passages,
        passage_group=found.passage_group,
        numbers=[found.repeated, found.negatives, found.without_negatives],
    )
    write_atomically(path, buffer.getvalue())
    return found


def column_batches(table: Dataset, column: str) -> Iterator[pa.ChunkedArray]:
    """Yield a column in batches of consecutive rows, nothing if there is no such column."""
    if column in table.column_names:
        own = table.select_columns([column]).with_format("arrow")
        for start in range(0, len(table), BATCH):
            yield own[start : start + BATCH].column(0)


def has_text(texts: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which of some texts are neither null nor blank."""
    there = pc.not_equal(pc.utf8_trim_whitespace(texts), "")
    return np.asarray(pc.fill_null(there, False))


def _scan(table: Dataset, languages: Sequence[str]) -> Scan:
    rows = len(table)
    queries, passages = np.zeros(rows, np.uint32), np.zeros(rows, np.uint32)
    repeated = np.zeros(rows, bool)
    group = np.arange(rows, dtype=np.int32)
    fewest, missing = None, np.zeros(rows, bool)
    for i, code in enumerate(languages):
        there, hashes = _texts(table, f"query_{code}")
        queries |= there.astype(np.uint32) << np.uint32(i)
        repeated[_equal_neighbours(there, hashes)[1]] = True
        there, hashes = _texts(table, f"passage_{code}")
        passages |= there.astype(np.uint32) << np.uint32(i)
        group = _joined(group, *_equal_neighbours(there, hashes))
        if f"negatives_{code}" in table.column_names and there.any():
            counts = _negatives(table, f"negatives_{code}")[there]
            missing[there] |= counts == 0
            fewest = min(int(counts.min()), rows if fewest is None else fewest)
        elif there.any():
            fewest = 0
    return Scan(
        queries,
        passages,
        group if len(np.unique(group)) < rows else group[:0],
        int(repeated.sum()),
        fewest or 0,
        int(missing.sum()),
    )


def _texts(table: Dataset, column: str) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Return for each row whether there is a text, and a hash of it."""
    there = np.zeros(len(table), bool)
    hashes = np.zeros(len(table), np.uint64)
    start = 0
    for batch in column_batches(table, column):
        rows = slice(start, start := start + len(batch))
        there[rows] = has_text(batch)
        hashes[rows] = pl.Series(batch).cast(pl.String).hash().to_numpy()
    return there, hashes


def _equal_neighbours(
    there: NDArray[np.bool_], hashes: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return rows with equal texts two by two, each with the next one that has the same."""
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    order = order[there[order]]
    ordered = hashes[order]
    same = ordered[1:] == ordered[:-1]
    del ordered
    return order[:-1][same], order[1:][same]


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


def _negatives(table: Dataset, column: str) -> NDArray[np.int64]:
    """Return the number of hard negatives of each row, 0 where one of them is blank."""
    counts: list[Any] = []
    for batch in column_batches(table, column):
        lists = batch.combine_chunks()
        lengths = np.array(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
        blank = ~has_text(pc.list_flatten(lists))
        lengths[np.asarray(pc.list_parent_indices(lists))[blank]] = 0
        counts.append(lengths)
    return np.concatenate(counts) if counts else np.zeros(0, np.int64)
