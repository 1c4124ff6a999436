"""Files fetched once, whatever is in the way: a download goes on where it stopped, and is checked.

While a file is fetched it is ``.NAME.part``, until it is whole and has the right digest; the next
try, or the next process, asks for what is missing of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests
from tqdm.auto import tqdm

from xbench._util.atomic_write import locked, usable
from xbench._util.errors import UserError
from xbench._util.network import (
    Failure,
    OutOfPatienceError,
    Patience,
    failure_of,
    get_token,
)

TIMEOUT = (10, 30)
"""Seconds to wait for a connection, and for the next bytes."""

DAMAGED_TRIES = 3
"""How often a file is fetched whose content is not what was expected."""

_CHUNK = 1 << 16
_SHA256_LENGTH = 64
_ADVICE = "Make room or choose another --cache-dir; what arrived is kept."


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server, and where it is kept.

    Attributes:
        name: What messages call it.
        url: Its address, without signatures.
        path: Where it is kept.
        digest: SHA-256, or the 40 digits of git's blob id.
        size: Bytes; None if that is not known.
        on_hub: Whether to send the token for the Hugging Face hub.
    """

    name: str
    url: str
    path: Path
    digest: str
    size: int | None = None
    on_hub: bool = False

    @property
    def part(self) -> Path:
        """Where it is while it is fetched."""
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def is_there(self) -> bool:
        """Whether it is there as a whole."""
        if not self.path.is_file():
            return False
        if self.size is not None:
            return self.path.stat().st_size == self.size
        return digest_of(self.path, self.digest) == self.digest

    @property
    def bytes_there(self) -> int:
        """How many of its bytes are there."""
        if self.is_there:
            return self.path.stat().st_size
        return self.part.stat().st_size if self.part.is_file() else 0


def digest_of(path: Path, like: str) -> str:
    """Return the digest of a file, of the same kind as another digest."""
    if len(like) == _SHA256_LENGTH:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while content := file.read(1 << 20):
            digest.update(content)
    return digest.hexdigest()


def summary(files: Sequence[RemoteFile]) -> str:
    """Return how much there is to fetch of some files, and how much is there."""
    there = [file for file in files if file.is_there]
    counts = f"{len(files)} files, {len(there)} of them there"
    if any(file.size is None for file in files):
        return counts
    total = sum(file.size or 0 for file in files)
    missing = total - sum(file.bytes_there for file in files)
    return f"{counts}; {_size(missing)} of {_size(total)} to fetch"


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def check_room(files: Sequence[RemoteFile]) -> None:
    """Check that some files fit on the disk.

    Raises:
        UserError: If they do not.
    """
    missing = sum((file.size or 0) - file.bytes_there for file in files if file.size)
    if not missing:
        return
    folder = files[0].path.parent
    place = next(own for own in (folder, *folder.parents) if own.is_dir())
    free = shutil.disk_usage(place).free
    if missing > free:
        raise UserError(
            f"{folder}: {_size(missing)} are to be fetched, and {_size(free)} are free. Make room, "
            "choose another --cache-dir, or evaluate fewer --languages at a time"
        )


def fetch(file: RemoteFile) -> Path:
    """Fetch a file unless it is there, and return where it is.

    One process at a time fetches it, and others wait for it.

    Raises:
        UserError: If it cannot be fetched, or what arrives is not what was expected.
    """
    if file.is_there:
        return file.path
    lock = file.path.with_name(f".{file.path.name}.lock")
    with usable(file.path, _ADVICE, doing="written"), locked(lock):
        if file.is_there:
            return file.path
        for _ in range(DAMAGED_TRIES):
            _Download(file).run()
            found = digest_of(file.part, file.digest)
            if found == file.digest:
                file.part.replace(file.path)
                return file.path
            file.part.unlink()
    raise UserError(
        f"{file.name}: what arrived is damaged; expected sha256 {file.digest}, found {found}. "
        "Something between here and the server changes it, such as a proxy or the login page of a "
        "network; nothing of it is kept"
    )


class _Download:
    """One file that is fetched, whatever ends its answers.

    Args:
        file: The file.
    """

    def __init__(self, file: RemoteFile) -> None:
        self._file, self._size = file, file.size
        self._patience = Patience(file.name)
        self._ignores_ranges = False

    def run(self) -> None:
        """Fetch what is missing of the part.

        Raises:
            UserError: If the server refuses, or fails for too long.
        """
        best = start = self._length()
        name, size = self._file.name, self._size
        bar = tqdm(desc=name, total=size, initial=start, unit="B", unit_scale=True, disable=None)
        with bar:
            while start != self._size:
                failure = Failure("the connection ended early")
                try:
                    self._append(start)
                except requests.RequestException as error:
                    failure = failure_of(error) or Failure(str(error))
                start = self._length()
                bar.update(start - bar.n)
                if start > best:
                    best = start
                    self._patience.progressed()
                elif start != self._size:
                    self._wait(failure)

    def _wait(self, failure: Failure) -> None:
        if not failure.is_transient:
            raise self._given_up(failure, failure.reason)
        try:
            self._patience.wait(failure)
        except OutOfPatienceError as error:
            raise self._given_up(failure, str(error)) from None

    def _given_up(self, failure: Failure, reason: str) -> UserError:
        there = self._length()
        kept = f" {_size(there)} are kept; the same command goes on from there." if there else ""
        advice = failure.advice(has_token=get_token() is not None if self._file.on_hub else None)
        if self._ignores_ranges:
            advice = (
                "every answer begins at the first byte and ends early: a proxy in between ignores "
                "ranges; fetch the file without it"
            )
        return UserError(
            f"{self._file.name}: cannot be fetched ({reason}). {advice[0].upper()}{advice[1:]}, or "
            f"name a local copy with --data-dir.{kept}"
        )

    def _length(self) -> int:
        """Return how many bytes of the part are there; one that is too long is thrown away."""
        part = self._file.part
        length = part.stat().st_size if part.is_file() else 0
        if self._size is not None and length > self._size:
            part.unlink()
            return 0
        return length

    def _append(self, start: int) -> None:
        """Write what the server answers to the part."""
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-"}
        if self._file.on_hub and (token := get_token()):
            headers["Authorization"] = f"Bearer {token}"
        with requests.get(self._file.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            begin, total = _span(answer, start)
            self._size = self._size if self._size is not None else total
            if begin not in (0, start) or total not in (None, self._size):
                kind = answer.headers.get("Content-Type")
                raise _UnexpectedAnswerError(f"{total} bytes of {kind}; expected {self._size}")
            if begin == total:
                return
            self._ignores_ranges = begin != start
            with self._file.part.open("r+b" if begin else "wb") as part:
                part.seek(begin)
                for content in answer.iter_content(_CHUNK):
                    part.write(content)
                part.flush()
                os.fsync(part.fileno())
                self._size = self._size if self._size is not None else part.tell()


def _span(answer: requests.Response, start: int) -> tuple[int, int | None]:
    """Return where an answer begins in the file, and the bytes of the whole file, if known.

    Raises:
        requests.HTTPError: If the server refuses to answer.
    """
    span = answer.headers.get("Content-Range", "").strip()
    if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        match = re.fullmatch(r"bytes \*/(\d+)", span)
        if match and int(match[1]) == start:
            return start, start
    if not answer.ok:
        raise requests.HTTPError(response=answer)
    if match := re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", span):
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


class _UnexpectedAnswerError(requests.RequestException):
    """An answer that is not a part of the file."""
