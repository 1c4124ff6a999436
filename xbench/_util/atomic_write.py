"""Writing files whole or not at all, and saying what is wrong with a place where that fails."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xbench._util.errors import UserError, reason

if TYPE_CHECKING:
    from filelock import FileLock

ADVICE = "Make room or choose another place; what was finished before is kept."


REFUSALS = {
    number
    for name in ("EACCES", "EDQUOT", "EFBIG", "EISDIR", "ENOSPC", "ENOTDIR", "EPERM", "EROFS")
    if (number := getattr(errno, name, None)) is not None
}
"""What a disk says where it cannot be written, in the system's numbers."""


def write_atomically(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a file whole or not at all, making its folder.

    Args:
        path: The file.
        content: What it shall hold.
        lasting: Whether to wait until a loss of power cannot undo it; not needed for what can be
            made again.

    Raises:
        UserError: If the disk is full or the place cannot be written.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with usable(path, doing="written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def usable(
    place: Path,
    advice: str = ADVICE,
    *,
    doing: str = "used",
    refusals: Container[int] | None = None,
) -> Iterator[None]:
    """Report what the disk refuses meanwhile as an error that names the place.

    Args:
        place: The file or folder.
        advice: What to do about it.
        doing: What cannot be done with the place.
        refusals: Numbers of the errors to report, where others may have nothing to do with the
            place; by default all.

    Raises:
        UserError: If the disk refuses something.
    """
    try:
        yield
    except (OSError, NotImplementedError) as error:
        if refusals is not None and getattr(error, "errno", None) not in refusals:
            raise
        raise UserError(f"{place}: cannot be {doing} ({reason(error)}). {advice}") from error


def file_lock(path: Path) -> FileLock:
    """Make a lock file and its folder, and return the lock, which is free.

    A file system that takes no files would make the lock wait for ever.

    Raises:
        OSError: If the file cannot be made.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch()
    return FileLock(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for another process that holds it; its folder is made.

    Raises:
        UserError: If the place cannot be written, or its disk knows no locks.
    """
    with usable(path, doing="locked"):
        lock = file_lock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def check_place(path: Path) -> None:
    """Check that a file could be written, or a folder made, before anything long is done for it.

    Nothing is made. What passes may still fail when it is written.

    Raises:
        UserError: If the closest folder above that exists is none, or may not be written.
    """
    with usable(path, doing="written"):
        there = next((own for own in (path, *path.parents) if os.path.lexists(own)), Path())
        if there != path and not there.is_dir():
            raise NotADirectoryError(0, f"{there} is not a folder")
        if not os.access(there, os.W_OK | (os.X_OK if there.is_dir() else 0)):
            raise PermissionError(0, f"{there} may not be written")
