"""A dataset of the Hugging Face hub at a commit: its files, each fetched when it is first read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench._util.hub import hub_is_offline
from xbench._util.network import (
    Failure,
    OutOfPatienceError,
    failure_of,
    get_token,
    patiently,
    redacted,
)
from xbench.data.download import DataLocation
from xbench.data.fetch import RemoteFile, fetch

LISTING = ".files.json"
"""What the hub said of the files of a folder, kept next to them."""

_BLOCK = 1 << 16
"""Bytes that are fetched together of a file of which little is read."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class HubDataset:
    """A dataset at a commit; what a commit has never changes, so it is asked for once.

    Attributes:
        name: Name on the hub (``mteb/MIRACLRetrieval``).
        revision: The commit.
        cache_dir: Where its files are kept.
        offline: Whether the network must not be used.
    """

    name: str
    revision: str
    cache_dir: Path
    offline: bool

    @classmethod
    def at(cls, name: str, revision: str, location: DataLocation) -> HubDataset:
        """Return a dataset whose files are kept where a location says."""
        return cls(name, revision, location.cache_dir, location.offline)

    @property
    def folder(self) -> Path:
        """Where its files are kept."""
        return self.cache_dir / "hub" / self.name.replace("/", "--") / self.revision

    def files(self, folder: str) -> tuple[RemoteFile, ...]:
        """Return the files in a folder of the dataset, in the order of their names.

        Raises:
            UserError: If they are not known and cannot be asked for.
        """
        path = self.folder / folder / LISTING
        try:
            listed = json.loads(path.read_bytes())
            return tuple(self._file(*entry) for entry in listed)
        except (OSError, ValueError, TypeError):
            listed = self._asked(folder)
        write_atomically(path, json.dumps(listed).encode())
        return tuple(self._file(*entry) for entry in listed)

    def fetched(self, file: RemoteFile) -> Path:
        """Return where a file is, after it was fetched unless Hugging Face's cache has it.

        Raises:
            UserError: If it cannot be fetched.
        """
        from huggingface_hub import try_to_load_from_cache

        if file.is_there:
            return file.path
        path = str(file.path.relative_to(self.folder))
        cached = try_to_load_from_cache(
            self.name, path, revision=self.revision, repo_type="dataset"
        )
        if isinstance(cached, str) and Path(cached).stat().st_size == file.size:
            return Path(cached)
        if self._is_offline:
            raise self._never_fetched(path)
        return fetch(file)

    def snapshot(self, folder: str) -> Path | None:
        """Return the dataset in Hugging Face's cache, if offline it is known from there only."""
        from huggingface_hub import snapshot_download

        if not self._is_offline or (self.folder / folder / LISTING).is_file():
            return None
        try:
            found = snapshot_download(
                self.name, repo_type="dataset", revision=self.revision, local_files_only=True
            )
        except (OSError, ValueError):
            return None
        return Path(found)

    @property
    def _is_offline(self) -> bool:
        return self.offline or hub_is_offline()

    def _never_fetched(self, path: str) -> UserError:
        return UserError(
            f"{self.name}: {path} was not fetched at revision {self.revision} (looked in "
            f"{self.folder}). Run `xbench download` with a network, name a local copy with "
            "--data-dir, or omit --offline and HF_HUB_OFFLINE"
        )

    def _asked(self, folder: str) -> list[tuple[str, int, str]]:
        """Ask the hub for path, size and digest of the files in a folder."""
        if self._is_offline:
            raise self._never_fetched(folder)
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        def ask() -> list[tuple[str, int, str]]:
            tree = HfApi().list_repo_tree(
                self.name, folder, revision=self.revision, repo_type="dataset"
            )
            return sorted(
                (own.path, own.size, own.lfs.sha256 if own.lfs else own.blob_id)
                for own in tree
                if isinstance(own, RepoFile)
            )

        return self.asked(folder, ask)

    def asked(self, folder: str, ask: Callable[[], Result]) -> Result:
        """Return what the hub answers to a question about a folder, tried again while it fails.

        Raises:
            UserError: If it refuses, or fails for too long.
        """
        try:
            return patiently(f"{self.name} ({folder})", ask)
        except UserError:
            raise
        except OutOfPatienceError as error:
            raise self._unreadable(folder, str(error), error.failure) from None
        except Exception as error:
            failure = failure_of(error)
            reason = failure.reason if failure else f"{type(error).__name__}: {error}"
            raise self._unreadable(folder, reason, failure) from None

    def _unreadable(self, folder: str, reason: str, failure: Failure | None) -> UserError:
        advice = (failure or Failure(reason)).advice(has_token=get_token() is not None)
        return UserError(
            f"{self.name} ({folder}): cannot be read at revision {self.revision} "
            f"({redacted(reason)[:500]}). {advice[0].upper()}{advice[1:]}, or name a local copy "
            "with --data-dir"
        )

    @contextmanager
    def opened(self, file: RemoteFile) -> Iterator[BinaryIO]:
        """Open a file that is not there, of which ranges are fetched as they are read."""
        from huggingface_hub import HfFileSystem

        path = file.path.relative_to(self.folder)
        address = f"datasets/{self.name}@{self.revision}/{path}"
        with HfFileSystem().open(address, block_size=_BLOCK, cache_type="blockcache") as content:
            yield content

    def _file(self, path: str, size: int, digest: str) -> RemoteFile:
        from huggingface_hub import constants

        return RemoteFile(
            name=f"{self.name}: {path}",
            url=f"{constants.ENDPOINT}/datasets/{self.name}/resolve/{self.revision}/{quote(path)}",
            path=self.folder / path,
            digest=digest,
            size=size,
            on_hub=True,
        )
