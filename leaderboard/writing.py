"""Write the files of a site: those that differ; and remove those that are no longer part of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from os import cpu_count
from pathlib import Path
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from xbench._util.atomic_write import usable, write_atomically
from xbench._util.errors import UserError
from xbench._util.worker_pool import worker_pool

Result = TypeVar("Result")
Part = Callable[[], Iterable[tuple[str, bytes]]]
"""What gives some files of a site: the place and the content of each."""

MANIFEST = "site-files.txt"
"""File of a site that lists its files, so that a later build knows those that are its own."""

INDEX = "index.html"
"""The first page; where the list names it, the folder is that of a site."""

MANIFEST_LIMIT = 2**24
"""Bytes of the list that are looked at."""

_PLACE = re.compile(r"(?:(?:assets|data|datasets|models|sums|views)/)?[A-Za-z0-9][\w.-]*", re.ASCII)
"""Places that the files of a site have."""


def write_site(output: Path, parts: Sequence[Part]) -> None:
    """Write the files of a site and remove those of an earlier one that are not among them.

    Only files that the earlier site listed as its own are removed. The list names the first page
    before that is written, so that an interrupted build can be repeated.

    Raises:
        UserError: If the folder has a first page that no earlier site listed, or a file cannot be
            written.
    """
    listed = _listed(output)
    if INDEX not in listed:
        if os.path.lexists(output / INDEX):
            raise UserError(
                f"{output / INDEX}: not written by `xbench leaderboard build`, as no {MANIFEST} "
                "next to it lists it; choose another --output, or move that page elsewhere"
            )
        _write_list(output, {INDEX, *listed})
    written = in_processes(lambda number: _write(output, parts[number]()), len(parts))
    own = {path for paths in written for path in paths}
    for path in listed - own:
        _remove(output, path)
    _write_list(output, own)


def in_processes(function: Callable[[int], Result], number: int) -> list[Result]:
    """Return what a function gives for 0 to number - 1, computed on all processors.

    The processes are copies of this one, so that nothing is handed over but numbers and results;
    where there are no such copies, this one does everything.
    """
    if not sys.platform.startswith("linux") or min(number, cpu_count() or 1) < 2:
        return [function(i) for i in range(number)]
    _shared.append(function)
    try:
        processes = min(number, cpu_count() or 1)
        with worker_pool(processes, "fork", partial(threadpool_limits, 1)) as pool:
            return list(pool.map(_call, range(number)))
    finally:
        _shared.pop()


_shared: list[Callable[[int], Any]] = []
"""The function that the copies of this process find in it."""


def _call(number: int) -> Any:  # noqa: ANN401
    return _shared[-1](number)


def _write(output: Path, files: Iterable[tuple[str, bytes]]) -> list[str]:
    """Write the files that are not there with the same content, and return the places of all."""
    places = []
    for path, content in files:
        place = output / path
        with usable(place):
            same = not place.is_symlink() and place.is_file() and place.read_bytes() == content
        if not same:
            write_atomically(place, content, lasting=False)
        places.append(path)
    return places


def _write_list(output: Path, places: Iterable[str]) -> None:
    _write(output, [(MANIFEST, "".join(f"{place}\n" for place in sorted(places)).encode())])


def _listed(output: Path) -> set[str]:
    """Return the files that an earlier site listed, at places that files of a site have."""
    try:
        with (output / MANIFEST).open("rb") as file:
            lines = file.read(MANIFEST_LIMIT).decode("ascii").split("\n")
    except (OSError, ValueError):
        return set()
    return {line for line in lines if _PLACE.fullmatch(line) and line != MANIFEST}


def _remove(output: Path, path: str) -> None:
    """Remove a regular file, if it is in the folder and not behind a link."""
    place = output / path
    with suppress(OSError):
        if place.parent.resolve().is_relative_to(output.resolve()) and not place.is_symlink():
            place.unlink(missing_ok=True)
