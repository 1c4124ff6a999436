"""Which of a hundred million ids occur more than once, in little memory."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from xbench._util.errors import UserError

_BITS = 6


class IdHashes:
    """The 64-bit hashes of ids, in temporary files by their first bits.

    Python's own hash of a string is taken, which differs from process to process.

    Args:
        folder: Folder for the temporary files, which vanish even if the process is killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> IdHashes:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files = [
                self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115
                for _ in range(1 << _BITS)
            ]
        except OSError as error:
            raise self._unusable(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stack.close()
        except OSError as full:
            raise self._unusable(full) from full

    def add(self, ids: Sequence[str]) -> None:
        """Take up some ids.

        Raises:
            UserError: If the disk is full.
        """
        hashes = np.sort(np.fromiter(map(hash, ids), np.int64, len(ids)).view(np.uint64))
        starts = np.arange(1, 1 << _BITS, dtype=np.uint64) << np.uint64(64 - _BITS)
        try:
            for file, part in zip(
                self._files, np.split(hashes, np.searchsorted(hashes, starts)), strict=True
            ):
                file.write(part.tobytes())
        except OSError as error:
            raise self._unusable(error) from error

    def repeated(self, most: int) -> set[int]:
        """Return hashes that occur more than once, as `hash` gives them.

        Args:
            most: Number of hashes to return at most.
        """
        found: set[int] = set()
        for file in self._files:
            file.seek(0)
            hashes = np.sort(np.frombuffer(file.read(), np.uint64))
            again = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
            found.update(again[: most - len(found)].view(np.int64).tolist())
        return found

    def _unusable(self, error: OSError) -> UserError:
        return UserError(
            f"{self._folder}: cannot keep temporary files of 8 bytes per passage "
            f"({error.strerror}). Make room or choose another --cache-dir"
        )
