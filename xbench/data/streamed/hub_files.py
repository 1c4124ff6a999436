"""The passages of one language in a dataset of the Hugging Face hub, or in a clone of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbench._util.errors import UserError
from xbench.data.streamed.local_files import OnBytes, cache_key_of
from xbench.data.streamed.parsing import Row, passage

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import IterableDataset

ID_COLUMNS = ("_id", "id", "docid")
_TEXT_COLUMNS = ("title", "text")
_PART_OF = re.compile(r"-(\d{5})-of-(\d{5})\.parquet$")
_ROWS = 4_096
_CHUNK = 1 << 20


@dataclass(frozen=True)
class HubFiles:
    """The parquet files of one configuration of a dataset, which are streamed.

    A clone is read like files of one's own. On the hub itself only the docids are looked at before
    passages are read, so an empty passage is not found there: it is read as an empty text.

    Attributes:
        repository: Name on the hub, or folder of a clone.
        config: Configuration (``en-corpus``).
        split: Split; the only one there is, where this one is not there.
        revision: Commit; None for a clone.
    """

    repository: str
    config: str
    split: str
    revision: str | None

    @property
    def is_clone(self) -> bool:
        """Whether the files are in a folder."""
        return Path(self.repository).is_dir()

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Path or address of each file.

        Raises:
            UserError: If the configuration cannot be found or a file is missing.
        """
        builder, split = _builder(self, None)
        paths = tuple(str(path) for path in builder.config.data_files[split])
        parts = [match for path in paths if (match := _PART_OF.search(path))]
        if parts and len(parts) == len(paths) != int(parts[0][2]):
            raise UserError(
                f"{self.place}: {len(paths)} of {int(parts[0][2])} parquet files are there. Fetch "
                "the others"
            )
        return paths

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(path.rsplit("/", 1)[-1] for path in self.paths)

    @property
    def place(self) -> str:
        """Repository and configuration."""
        return f"{self.repository} ({self.config})"

    @property
    def size(self) -> int | None:
        """Bytes of all files of a clone; None on the hub."""
        return sum(Path(path).stat().st_size for path in self.paths) if self.is_clone else None

    @property
    def identity(self) -> tuple[str, ...]:
        """Repository, configuration, split and revision; nothing for a clone."""
        if self.is_clone:
            return ()
        return (self.repository, self.config, self.split, str(self.revision))

    def cache_key(self) -> list[list[str | int]]:
        """Return the identity on the hub; path, size and time of change of a clone's files."""
        if self.is_clone:
            return cache_key_of([Path(path) for path in self.paths])
        return [[*self.identity]]

    def iter_checked(self, file: int, seen: OnBytes) -> Iterator[Row]:
        """Yield every row of a file; on the hub without title and text."""
        if self.is_clone:
            with Path(self.paths[file]).open("rb") as content:
                while chunk := content.read(_CHUNK):
                    seen(chunk)
            yield from self.rows(file, 0)
        else:
            for batch in self._batches(file, 0, with_texts=False):
                for docid in _column(batch, 0):
                    yield passage(_text(docid), "", "not looked at")

    def rows(self, file: int, start: int) -> Iterator[Row]:
        """Yield the rows of a file after its first ``start``."""
        is_clone = self.is_clone
        for batch in self._batches(file, start, with_texts=True):
            columns = {name: _column(batch, i) for i, name in enumerate(batch.schema.names)}
            missing = [None] * batch.num_rows
            titles, texts = (columns.get(name, missing) for name in _TEXT_COLUMNS)
            ids = next(columns[name] for name in ID_COLUMNS if name in columns)
            for docid, title, text in zip(ids, titles, texts, strict=True):
                row = passage(_text(docid), title, text)
                if not is_clone and not isinstance(row, tuple) and not title and not text:
                    row = (str(docid), "") if docid not in (None, "") else row
                yield row

    def _batches(self, file: int, start: int, *, with_texts: bool) -> Iterator[pa.RecordBatch]:
        for table in tables(self, file, with_texts=with_texts):
            if start < table.num_rows:
                yield from table.slice(start).to_batches(max_chunksize=_ROWS)
            start = max(0, start - table.num_rows)


def tables(files: HubFiles, file: int | None, *, with_texts: bool = True) -> Iterator[pa.Table]:
    """Yield the content of one file, or of all, in tables of some thousand rows.

    Raises:
        UserError: If the network fails or a file is damaged.
    """
    with hub_errors_as_user_errors(files.repository):
        stream, shards = _stream(files, with_texts)
        if file is not None:
            stream = stream.shard(num_shards=shards, index=file)
        yield from stream.with_format("arrow").iter(batch_size=_ROWS)


@contextmanager
def hub_errors_as_user_errors(repository: str) -> Iterator[None]:
    """Turn whatever fails on the way to the hub into a `UserError`.

    The HTTP library changes with the version of huggingface_hub, so there is no common base.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".strip()[:500]
        raise UserError(
            f"{repository}: cannot be read ({reason}). Check the network and the name, or name a "
            "local copy with --data-dir"
        ) from error


def _column(batch: pa.RecordBatch, index: int) -> list[Any]:
    values: list[Any] = batch.column(index).to_pylist()
    return values


def _text(docid: object) -> object:
    return str(docid) if isinstance(docid, int) else docid


def _builder(files: HubFiles, columns: list[str] | None) -> tuple[Any, str]:
    from datasets import load_dataset_builder

    with hub_errors_as_user_errors(files.repository):
        builder = load_dataset_builder(
            files.repository,
            files.config,
            revision=None if files.is_clone else files.revision,
            **({"columns": columns} if columns else {}),
        )
        splits = [str(split) for split in builder.config.data_files]
        if files.split not in splits and len(splits) != 1:
            raise ValueError(f"split {files.split!r} is not among {splits}")
    return builder, files.split if files.split in splits else splits[0]


@lru_cache(maxsize=4)
def _stream(files: HubFiles, with_texts: bool) -> tuple[IterableDataset, int]:
    builder, split = _builder(files, None)
    stream = builder.as_streaming_dataset(split=split)
    names = stream.column_names or []
    ids = [name for name in ID_COLUMNS if name in names]
    if files.config.endswith("-corpus"):
        if not ids:
            raise ValueError(f"columns {names}; expected one of {ID_COLUMNS}")
        texts = [name for name in _TEXT_COLUMNS if name in names]
        # Columns skipped in the builder are never fetched; select_columns fetches and drops them.
        builder, split = _builder(files, [ids[0], *(texts if with_texts else ())])
        stream = builder.as_streaming_dataset(split=split)
    return stream, stream.num_shards
