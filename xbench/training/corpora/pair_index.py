"""Which texts a table of parallel pairs has, and which rows have equal ones."""

from __future__ import annotations

import io
import tempfile
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

from xbench._util.atomic_write import write_atomically
from xbench.training.corpora.equal_texts import TextGroups
from xbench.training.corpora.folding import plain
from xbench.training.corpora.presence import Bits, add_language, no_texts

BATCH = 100_000
"""Rows looked at at once."""

VERSION = 2
"""Version of what is kept of a table that was scanned."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a table holds.

    Attributes:
        queries: Shape (rows, bytes): which languages each row has a query in.
        passages: The same for passages.
        group: Shape (rows,); rows with equal number have a question or a passage in common, in
            whatever languages, directly or by way of other rows. Empty if no two rows do.
        repeated: Number of rows whose query, in some language, is also that of an earlier row.
        shared: Number of rows whose passage, in some language, is also that of another row.
        negatives: The most hard negatives that a row has in a language.
        fewest: Hard negatives that every row has at least in every language with a passage.
        without_negatives: Rows that lack hard negatives in a language with a passage.
    """

    queries: Bits
    passages: Bits
    group: NDArray[np.int32]
    repeated: int
    shared: int
    negatives: int
    fewest: int
    without_negatives: int


def scan(table: Dataset, languages: Sequence[str], cache_dir: Path) -> Scan:
    """Return what a table holds; it is looked at once and the outcome is kept.

    Texts are compared as `plain` leaves them.

    Args:
        table: Columns ``query_<code>``, ``passage_<code>`` and ``negatives_<code>``, any absent.
        languages: Codes of its languages.
        cache_dir: Folder to keep the outcome in, and to spill to.
    """
    key = Hasher.hash((VERSION, table._fingerprint, tuple(languages)))
    path = cache_dir / "scans" / f"{key}.npz"
    try:
        with np.load(path) as kept:
            return Scan(kept["queries"], kept["passages"], kept["group"], *kept["numbers"].tolist())
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as spill:
            found = scan_once(table, languages, Path(spill))
    buffer = io.BytesIO()
    np.savez(
        buffer,
        queries=found.queries,
        passages=found.passages,
        group=found.group,
        numbers=[
            found.repeated,
            found.shared,
            found.negatives,
            found.fewest,
            found.without_negatives,
        ],
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


def scan_once(table: Dataset, languages: Sequence[str], spill: Path) -> Scan:
    """Look at a table; what does not fit in memory is written to a folder meanwhile."""
    rows = len(table)
    bits = {side: no_texts(rows, len(languages)) for side in ("query", "passage")}
    equal = {side: TextGroups(rows, spill / side) for side in bits}
    most, fewest, missing = 0, rows, np.zeros(rows, bool)
    for i, code in enumerate(languages):
        for side, own in bits.items():
            there = _read_texts(table, f"{side}_{code}", equal[side])
            add_language(own, i, there)
        if there.any():
            counts = _negatives(table, f"negatives_{code}", rows)[there]
            missing[there] |= counts == 0
            most, fewest = max(most, int(counts.max())), min(fewest, int(counts.min()))
    group = np.arange(rows, dtype=np.int32)
    group, repeated, _ = equal["query"].join(group)
    group, _, shared = equal["passage"].join(group)
    return Scan(
        bits["query"],
        bits["passage"],
        group if len(np.unique(group)) < rows else group[:0],
        repeated,
        shared,
        most,
        min(fewest, most),
        int(missing.sum()) if most else 0,
    )


def _read_texts(table: Dataset, column: str, equal: TextGroups) -> NDArray[np.bool_]:
    """Note the hashes of a column, and return for each row whether there is a text."""
    there = np.zeros(len(table), bool)
    start = 0
    for batch in column_batches(table, column):
        rows = slice(start, start := start + len(batch))
        there[rows] = has_text(batch)
        texts = pl.Series("text", batch).cast(pl.String).to_frame()
        hashes = texts.select(plain(pl.col("text")).hash())["text"].to_numpy()
        equal.add(np.flatnonzero(there[rows]) + rows.start, hashes[there[rows]])
    return there


def _negatives(table: Dataset, column: str, rows: int) -> NDArray[np.int64]:
    """Return the number of hard negatives of each row; blank ones do not count."""
    counts: list[Any] = [np.zeros(0, np.int64)]
    for batch in column_batches(table, column):
        lists = batch.combine_chunks()
        there = has_text(pc.list_flatten(lists))
        parents = np.asarray(pc.list_parent_indices(lists))[there]
        counts.append(np.bincount(parents, minlength=len(lists)))
    found = np.concatenate(counts)
    return found if len(found) else np.zeros(rows, np.int64)
