"""A corpus of one language that fits in no memory: read shard by shard, after it was scanned."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from xbench._util.errors import UserError
from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.streamed.hub_files import HubFiles
from xbench.data.streamed.local_files import LocalFiles, PassageFiles
from xbench.data.streamed.parsing import Row

SHARD = 32_768
"""Passages that are searched, checkpointed and handed to a worker as a whole."""


@dataclass(frozen=True)
class Shard:
    """Consecutive rows of one file, with at most `SHARD` good passages.

    Attributes:
        file: Position of the file.
        start: Rows of the file before it, counting bad ones.
        rows: Its rows, counting bad ones.
        passages: Its good passages.
    """

    file: int
    start: int
    rows: int
    passages: int


@dataclass(frozen=True)
class LanguageFiles:
    """What there is in one language.

    Attributes:
        topics: Queries with a relevant passage.
        qrels: Their judgments.
        passages: Where the passages are.
    """

    topics: Texts
    qrels: Qrels
    passages: PassageFiles


class _Reader:
    """Reads on where it stopped, and starts again elsewhere or in another process."""

    def __init__(self, files: PassageFiles) -> None:
        self._files = files
        self._next = (-1, 0)
        self._rows: Iterator[Row] = iter(())

    def __reduce__(self) -> tuple[type[_Reader], tuple[PassageFiles]]:
        return _Reader, (self._files,)

    def read(self, shard: Shard) -> list[Row]:
        file, position = self._next
        if file != shard.file or position > shard.start:
            position, self._rows = shard.start, self._files.rows(shard.file, shard.start)
        self._next = (-1, 0)
        for _ in range(shard.start - position):
            next(self._rows, None)
        found = list(islice(self._rows, shard.rows))
        self._next = (shard.file, shard.start + shard.rows)
        return found


@dataclass(frozen=True, eq=False)
class StreamedCorpus:
    """The passages of one language, of which one shard at a time is in memory.

    It can be pickled. One thread at a time may read.

    Attributes:
        language: ISO 639-1 code.
        files: Where the passages are.
        fingerprint: SHA-256 of the content and of what was skipped.
        shards: All shards with a passage, in order.
        passages: Number of good passages.
        longest_id: Bytes of the longest docid in UTF-8.
        skipped: Number of defects of each kind that were skipped.
        duplicates: By position of a file: its rows whose docid occurred before.
        checks: Checksum of the docids of each shard.
    """

    language: str
    files: PassageFiles
    fingerprint: str
    shards: tuple[Shard, ...]
    passages: int
    longest_id: int
    skipped: Mapping[str, int]
    duplicates: Mapping[int, frozenset[int]]
    checks: tuple[int, ...]
    _reader: _Reader = field(init=False, repr=False)
    _check: Mapping[Shard, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reader", _Reader(self.files))
        checks = dict(zip(self.shards, self.checks, strict=True))
        object.__setattr__(self, "_check", checks)

    def read(self, shard: Shard) -> Texts:
        """Return the good passages of a shard.

        Shards that are read in order are read in one go; elsewhere the rows before are skipped.

        Raises:
            UserError: If the file cannot be read or is not what it was when it was scanned.
        """
        duplicates = self.duplicates.get(shard.file, frozenset())
        rows = self._reader.read(shard)
        passages = [
            row
            for number, row in enumerate(rows, shard.start)
            if isinstance(row, tuple) and number not in duplicates
        ]
        ids = tuple(docid for docid, _ in passages)
        if len(rows) != shard.rows or checksum(ids) != self._check[shard]:
            raise UserError(
                f"{self.files.place}: {self.files.names[shard.file]}: rows {shard.start + 1:,} to "
                f"{shard.start + shard.rows:,} are not those that were scanned (found "
                f"{len(ids):,} passages, expected {shard.passages:,}); the file has changed. Put "
                "the file back, or start again with the new one"
            )
        return Texts(ids=ids, texts=tuple(text for _, text in passages))


def first_rows(files: PassageFiles, count: int) -> list[Row]:
    """Return the first rows of a language, without fetching much more than these."""
    if isinstance(files, HubFiles):
        return files.first_rows(count)
    return list(islice(files.rows(0, 0), count))


def checksum(ids: Sequence[str]) -> int:
    """Return a checksum of docids and their order."""
    return zlib.crc32("\n".join(ids).encode())


__all__ = [
    "SHARD",
    "HubFiles",
    "LanguageFiles",
    "LocalFiles",
    "PassageFiles",
    "Shard",
    "StreamedCorpus",
    "checksum",
    "first_rows",
]
