"""The passages of one language where they are: MIRACL's own files, or a dataset of the hub."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from xbench._util.errors import UserError
from xbench.data.streamed.parsing import DAMAGED, Defect, Row, parse
from xbench.data.text_files import check_no_pointer

LONGEST_LINE = 1 << 26
"""Bytes of a line; a longer one is not a passage."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUMBERED = re.compile(r"docs-(\d+)\.jsonl(?:\.gz)?")
_BUFFER = 1 << 18


OnBytes = Callable[[bytes], object]
"""Is called with the bytes of a file as they are read."""


class PassageFiles(Protocol):
    """The files of one language; can be pickled."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each file, as messages show it after `place`."""
        ...

    @property
    def place(self) -> str:
        """Folder or repository of the files."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where they are far away."""
        ...

    @property
    def identity(self) -> tuple[str, ...]:
        """What says which content this is where the bytes are far away; else nothing."""
        ...

    def cache_key(self) -> list[list[str | int]]:
        """Return what changes when a file changes, without reading the files."""
        ...

    def iter_checked(self, file: int, seen: OnBytes) -> Iterator[Row]:
        """Yield every row of a file, handing its bytes to ``seen`` where they are near.

        The text of a passage may be missing where reading it is dear.
        """
        ...

    def rows(self, file: int, start: int) -> Iterator[Row]:
        """Yield the rows of a file after its first ``start``."""
        ...


@dataclass(frozen=True)
class LocalFiles:
    """MIRACL's own files ``docs-0.jsonl.gz``, ``docs-1.jsonl.gz``, …; also uncompressed.

    Attributes:
        folder: Folder of the files of one language.
    """

    folder: Path

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the files in the order of their numbers.

        Raises:
            UserError: If there is none, or a number is missing or occurs twice.
        """
        numbered = sorted(
            (int(match[1]), path.name)
            for path in self.folder.glob("docs-*")
            if (match := _NUMBERED.fullmatch(path.name))
        )
        if not numbered:
            raise UserError(
                f"{self.folder}: no docs-*.jsonl.gz there. Put MIRACL's files of passages there"
            )
        for expected, (number, name) in enumerate(numbered):
            if number != expected:
                raise UserError(
                    f"{self.folder}: {name} where docs-{expected} was expected; found "
                    f"{len(numbered)} files. Every number must be there once"
                )
        return tuple(name for _, name in numbered)

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum((self.folder / name).stat().st_size for name in self.names)

    @property
    def identity(self) -> tuple[str, ...]:
        """Nothing: the bytes of the files say it."""
        return ()

    def cache_key(self) -> list[list[str | int]]:
        """Return path, size and time of change of every file."""
        return cache_key_of([self.folder / name for name in self.names])

    def iter_checked(self, file: int, seen: OnBytes) -> Iterator[Row]:
        """Yield every row of a file, handing its bytes to ``seen``."""
        return self._rows(file, 0, seen)

    def rows(self, file: int, start: int) -> Iterator[Row]:
        """Yield the rows of a file after its first ``start``, which are skipped unparsed."""
        return self._rows(file, start, None)

    def _rows(self, file: int, start: int, seen: OnBytes | None) -> Iterator[Row]:
        path = self.folder / self.names[file]
        check_no_pointer(path)
        with (
            _reading(path),
            HashingReader(path, seen) as told,
            io.BufferedReader(told, _BUFFER) as raw,
        ):
            try:
                if path.suffix == ".gz":
                    if not raw.peek(1):
                        raise EOFError("the file is empty")
                    with gzip.GzipFile(fileobj=raw) as unpacked:
                        yield from _parsed(io.BufferedReader(_Unpacked(unpacked), _BUFFER), start)
                else:
                    yield from _parsed(raw, start)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                yield Defect(DAMAGED, f"{error}; the rest of the file cannot be read")
            if seen:
                while raw.read(_BUFFER):
                    pass


class HashingReader(io.FileIO):
    """A file that hands over the bytes that are read from it."""

    def __init__(self, path: Path, seen: OnBytes | None) -> None:
        super().__init__(path)
        self._seen = seen

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401
        """Read into a buffer, and hand over what was read."""
        count = super().readinto(buffer)
        if self._seen and count:
            self._seen(memoryview(buffer)[:count].tobytes())
        return count


class _Unpacked(io.RawIOBase):
    """A compressed file that gives what it has before it reports damage."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        content = self._file.read1(len(buffer))
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Check the file and that it may be read"
        ) from error


def _parsed(file: io.BufferedIOBase, start: int) -> Iterator[Row]:
    lines = _lines(file)
    first = next(islice(lines, start, None), None)
    if first is None:
        return
    yield parse(first if start else first.removeprefix(_BYTE_ORDER_MARK))
    yield from map(parse, lines)


def _lines(file: io.BufferedIOBase) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)


def cache_key_of(paths: list[Path]) -> list[list[str | int]]:
    """Return path, size and time of change of some files.

    Raises:
        UserError: If one is not there.
    """
    found: list[list[str | int]] = []
    for path in paths:
        with _reading(path):
            status = path.stat()
        found.append([str(path.resolve()), status.st_size, status.st_mtime_ns])
    return found
