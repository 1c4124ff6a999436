"""Text files that others wrote: opened whether compressed or not, and what is wrong with them."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

from xbench._util.errors import UserError, reason

_SHOWN = 5


class Problems:
    """What is wrong with one file or argument, reported all at once with what to do."""

    def __init__(self, subject: str, remedy: str = "") -> None:
        self._subject = subject
        self._remedies = dict.fromkeys([remedy] if remedy else [])
        self._first: list[str] = []
        self._count = 0

    def add(self, problem: str, remedy: str = "") -> None:
        """Add a problem, and what to do about it; of many only the first are kept."""
        self._count += 1
        if self._count <= _SHOWN:
            self._first.append(problem)
            self._remedies |= dict.fromkeys([remedy] if remedy else [])

    def raise_if_any(self) -> None:
        """Raise a `UserError` that names the problems, if there are any."""
        if self._count == 0:
            return
        remedy = ". ".join(self._remedies)
        more = self._count - len(self._first)
        lines = [*self._first, *([f"and {more:,} more"] if more else [])]
        if len(lines) == 1:
            raise UserError(f"{self._subject}: {lines[0]}. {remedy}")
        listed = "".join(f"\n  {line}" for line in lines)
        raise UserError(f"{self._subject}: {self._count:,} problems:{listed}\n{remedy}")


def some(names: Collection[str], places: Mapping[str, str] | None = None, shown: int = 3) -> str:
    """Name the first of some names, each with its place if that is known.

    >>> some({"b", "a"}, {"a": "line 2"})
    "'a' (line 2), 'b'"
    """
    known = places or {}
    return first(
        [
            f"{name!r} ({known[name]})" if name in known else repr(name)
            for name in sorted(names, key=str)
        ],
        shown,
    )


def first(texts: Sequence[str], shown: int = 3) -> str:
    """List the first of some texts.

    >>> first(["line 2", "line 3"], 1)
    'line 2, …'
    """
    return ", ".join(texts[:shown]) + (", …" if len(texts) > shown else "")


def name_of(source: object, default: str) -> str:
    """Return a file's path, or how to call what is not a file."""
    return str(source) if isinstance(source, (str, PathLike)) else default


_POINTER = b"version https://git-lfs"


def check_no_pointer(path: Path) -> None:
    """Check that a file is not what Git LFS leaves of one that was not pulled.

    Raises:
        UserError: If it is.
    """
    try:
        with path.open("rb") as file:
            is_pointer = file.read(len(_POINTER)) == _POINTER
    except OSError:
        return
    if is_pointer:
        raise UserError(
            f"{path}: is a pointer of Git LFS, not the file itself. Run `git lfs install` and `git "
            "lfs pull` in the repository, or fetch it again"
        )


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, uncompressed.

    Raises:
        UserError: If it cannot be read, or is found not to be UTF-8 meanwhile.
    """
    check_no_pointer(path)
    try:
        with cast("Any", gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 ({error.reason}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UserError(
            f"{path}: cannot be read ({reason(error)}); expected a text file, gzip-compressed if "
            "and only if its name ends in .gz"
        ) from error
