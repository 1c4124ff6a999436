"""The passages of one language in a dataset of the Hugging Face hub, or in a clone of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from xbench._util.errors import UserError
from xbench.data.fetch import RemoteFile, check_room
from xbench.data.hub_dataset import HubDataset
from xbench.data.streamed.local_files import OnBytes, cache_key_of
from xbench.data.streamed.parsing import EMPTY, Defect, Row, passage
from xbench.data.text_files import check_no_pointer

if TYPE_CHECKING:
    import pyarrow as pa

ID_COLUMNS = ("_id", "id", "docid")
_TEXT_COLUMNS = ("title", "text")
_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.parquet")
_ROWS = 4_096
_CHUNK = 1 << 20
_BUFFER = 1 << 17


@dataclass(frozen=True)
class HubFiles:
    """The parquet files of one configuration of a dataset, each fetched when it is first read.

    Everyone on a machine reads the same copy: the scan, every search, and all workers. In a clone
    every passage is looked at before anything is encoded; of the hub's own files only the docids,
    so that an empty passage is not found there and is read as an empty text.

    Attributes:
        source: The dataset, or the folder of a clone.
        config: Configuration (``en-corpus``), which is the folder of the files.
        split: Split; the only one there is, where this one is not there.
    """

    source: HubDataset | Path
    config: str
    split: str

    @cached_property
    def _remote(self) -> tuple[RemoteFile, ...]:
        """The files on the hub; none of a clone."""
        if isinstance(self.source, Path):
            return ()
        return self.source.files(self.config)

    @cached_property
    def _paths(self) -> tuple[Path, ...]:
        """Where each file is, or will be once it is fetched.

        Raises:
            UserError: If there are none, or one is missing.
        """
        if isinstance(self.source, Path):
            folder = self.source / self.config
            there = sorted(folder.glob("*.parquet"))
        else:
            there = [file.path for file in self._remote]
        parts = [(path, match) for path in there if (match := _PART.fullmatch(path.name))]
        splits = {match[1] for _, match in parts}
        split = self.split if self.split in splits else next(iter(splits), "")
        if split != self.split and len(splits) != 1:
            raise UserError(
                f"{self.place}: has no parquet files of the split {self.split}; check the name, or "
                "fetch the repository again"
            )
        own = [(path, match) for path, match in parts if match[1] == split]
        if len(own) != int(own[0][1][3]):
            raise UserError(
                f"{self.place}: {len(own)} of {int(own[0][1][3])} parquet files are there. Fetch "
                "the others"
            )
        return tuple(path for path, _ in own)

    @cached_property
    def remote(self) -> tuple[RemoteFile, ...]:
        """The files to fetch, in their order; none of a clone."""
        return tuple(file for file in self._remote if file.path in self._paths)

    def local(self, file: int) -> Path:
        """Return where a file is, after it was fetched if need be.

        Raises:
            UserError: If it cannot be fetched, or is not what it should be.
        """
        path = self._paths[file]
        if isinstance(self.source, HubDataset):
            remote = self.remote
            if not remote[file].is_there:
                check_room(remote[file:])
            path = self.source.fetched(remote[file])
        check_no_pointer(path)
        return path

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(path.name for path in self._paths)

    @property
    def place(self) -> str:
        """Repository and configuration."""
        name = self.source if isinstance(self.source, Path) else self.source.name
        return f"{name} ({self.config})"

    @property
    def size(self) -> int | None:
        """Bytes of all files of a clone; None on the hub, whose bytes are not looked at."""
        if isinstance(self.source, Path):
            return sum(path.stat().st_size for path in self._paths)
        return None

    @property
    def identity(self) -> tuple[str, ...]:
        """Repository, configuration, split and revision; nothing for a clone."""
        if isinstance(self.source, Path):
            return ()
        return (self.source.name, self.config, self.split, self.source.revision)

    def cache_key(self) -> list[list[str | int]]:
        """Return the identity on the hub; path, size and time of change of a clone's files."""
        if isinstance(self.source, Path):
            return cache_key_of(list(self._paths))
        return [[*self.identity]]

    def iter_checked(self, file: int, seen: OnBytes) -> Iterator[Row]:
        """Yield every row of a file; on the hub without title and text."""
        if isinstance(self.source, Path):
            with self.local(file).open("rb") as content:
                while chunk := content.read(_CHUNK):
                    seen(chunk)
            yield from self.rows(file, 0)
        else:
            for batch in self._batches(self.local(file), 0, ID_COLUMNS):
                for docid in _values(batch, ID_COLUMNS):
                    yield passage(_text(docid), "", "not looked at")

    def rows(self, file: int, start: int) -> Iterator[Row]:
        """Yield the rows of a file after its first ``start``."""
        return self._rows(self.local(file), start)

    def first_rows(self, count: int) -> list[Row]:
        """Return some rows of the first file; of one that is not there, by ranges of it."""
        source = self.source
        if isinstance(source, Path) or self.remote[0].is_there:
            return list(islice(self.rows(0, 0), count))

        def read() -> list[Row]:
            with source.opened(self.remote[0]) as file:
                return list(islice(self._rows(file, 0, count), count))

        return source.asked(self.config, read)

    def _rows(self, file: Path | BinaryIO, start: int, together: int = _ROWS) -> Iterator[Row]:
        for batch in self._batches(file, start, (*ID_COLUMNS, *_TEXT_COLUMNS), together):
            columns = [_values(batch, (name,)) for name in _TEXT_COLUMNS]
            for docid, title, text in zip(_values(batch, ID_COLUMNS), *columns, strict=True):
                row = passage(_text(docid), title, text)
                is_empty = isinstance(row, Defect) and row.kind == EMPTY
                if is_empty and isinstance(self.source, HubDataset):
                    row = (str(docid), "")
                yield row

    def tables(self) -> Iterator[pa.RecordBatch]:
        """Yield the content of all files, some thousand rows at a time.

        Raises:
            UserError: If a file cannot be fetched or is damaged.
        """
        for number in range(len(self.names)):
            yield from self._batches(self.local(number), 0, ())

    def _batches(
        self, file: Path | BinaryIO, start: int, columns: Sequence[str], together: int = _ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a file after its first ``start``, a few thousand in memory at a time.

        Args:
            file: The file.
            start: Rows to skip; whole row groups of them are not read.
            columns: Columns to read, where they are there; none reads all.
            together: Rows that are read at once.
        """
        import pyarrow.parquet as pq

        with self._damage_reported(file):
            parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER)
            names = [name for name in parquet.schema_arrow.names if name in columns or not columns]
            if columns and not set(ID_COLUMNS) & set(names):
                raise UserError(
                    f"{self.place}: columns {parquet.schema_arrow.names}; expected one of "
                    f"{ID_COLUMNS}"
                )
            first, left = 0, start
            sizes = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
            while first < len(sizes) and left >= sizes[first]:
                left -= sizes[first]
                first += 1
            groups = list(range(first, len(sizes)))
            for batch in parquet.iter_batches(together, groups, names, use_threads=False):
                if left < batch.num_rows:
                    yield batch.slice(left)
                left = max(0, left - batch.num_rows)

    @contextmanager
    def _damage_reported(self, file: Path | BinaryIO) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError) as error:
            if not isinstance(file, Path):
                raise
            advice = (
                "Fetch it again"
                if isinstance(self.source, Path)
                else "Delete it, and the same command fetches it again"
            )
            raise UserError(f"{file}: is damaged or cannot be read ({error}). {advice}") from error


def _values(batch: pa.RecordBatch, names: Sequence[str]) -> list[Any]:
    """Return the values of the first column of these that is there; else as many times None."""
    for name in names:
        if name in batch.schema.names:
            values: list[Any] = batch.column(name).to_pylist()
            return values
    return [None] * batch.num_rows


def _text(docid: object) -> object:
    return str(docid) if isinstance(docid, int) else docid
