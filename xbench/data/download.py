"""The datasets' files: fetched once from their pinned source, or read from a local folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from xbench._util.atomic_write import usable
from xbench._util.errors import UserError
from xbench._util.hub import RETRY_SECONDS, retrying
from xbench._util.options import option
from xbench.data.datasets import Dataset

if TYPE_CHECKING:
    from xbench.data.fetch import RemoteFile


@dataclass(frozen=True)
class LocationOptions:
    """Where data is read from and kept; each field's metadata says what it does."""

    data_dir: Path | None = option(
        None,
        help="Read the datasets from this folder (xquad-r/ar.json …) instead of downloading them "
        "[env: XBENCH_DATA_DIR].",
        kind=Path,
        exists=True,
    )
    cache_dir: Path | None = option(
        None,
        help="Where downloads and embeddings are kept [env: XBENCH_CACHE_DIR; default: the user's "
        "cache folder].",
        kind=Path,
    )
    offline: bool = option(False, help="Never touch the network.", kind=bool)
    retry_seconds: int = option(
        RETRY_SECONDS,
        help="How long a server that fails is tried again, with growing waits; what arrived is "
        "kept.",
        kind=int,
        minimum=0,
        show_default=True,
    )


@dataclass(frozen=True)
class DataLocation:
    """Where data is read from and kept.

    Attributes:
        data_dir: Local folder with one folder per dataset (``xquad-r/ar.json``); None to download.
        cache_dir: Folder for downloads and embeddings.
        offline: Whether the network must not be touched.
        retry_seconds: For how long a server that fails is tried again.
    """

    data_dir: Path | None
    cache_dir: Path
    offline: bool
    retry_seconds: int = RETRY_SECONDS

    @classmethod
    def from_environment(
        cls,
        data_dir: Path | None = None,
        cache_dir: Path | None = None,
        offline: bool = False,
        retry_seconds: int = RETRY_SECONDS,
    ) -> DataLocation:
        """Take what is not given from the environment.

        ``XBENCH_DATA_DIR``, ``XBENCH_CACHE_DIR`` and ``XBENCH_OFFLINE`` stand for the three; the
        default cache is the user's cache folder.
        """
        environment = os.environ
        data = data_dir or environment.get("XBENCH_DATA_DIR")
        cache = cache_dir or environment.get("XBENCH_CACHE_DIR")
        return cls(
            data_dir=Path(data) if data else None,
            cache_dir=Path(cache) if cache else Path(platformdirs.user_cache_dir("xbench")),
            offline=offline or environment.get("XBENCH_OFFLINE", "0") not in ("", "0", "false"),
            retry_seconds=retry_seconds,
        )


def remote_files(
    dataset: Dataset, languages: Sequence[str], location: DataLocation
) -> dict[str, RemoteFile]:
    """Return where the file of each language is fetched from, and where it is kept."""
    from xbench.data.fetch import RemoteFile

    found = {}
    for code in languages:
        name = f"{dataset.folder}/{code}.json"
        found[code] = RemoteFile(
            name=f"{dataset.title}: {name}",
            url=dataset.url.format(revision=dataset.revision, path=name),
            path=location.cache_dir / "data" / dataset.revision / name,
            digest=dataset.sha256[code],
        )
    return found


def dataset_files(
    dataset: Dataset, languages: Sequence[str], location: DataLocation
) -> dict[str, Path]:
    """Return the checked file of each language, after downloading what is not there.

    Raises:
        UserError: If a file is missing, damaged or cannot be fetched.
    """
    from xbench.data.fetch import fetch

    if location.data_dir is not None:
        folder = location.data_dir / dataset.folder
        return {
            code: _checked(folder / f"{code}.json", dataset.sha256[code], _LOCAL_ADVICE)
            for code in languages
        }
    remote = remote_files(dataset, languages, location)
    if location.offline:
        return {a: _checked(own.path, own.digest, _OFFLINE_ADVICE) for a, own in remote.items()}
    with retrying(location.retry_seconds):
        return {code: fetch(own) for code, own in remote.items()}


_LOCAL_ADVICE = (
    "Put the file of that digest there, or omit --data-dir and XBENCH_DATA_DIR to download it."
)
_OFFLINE_ADVICE = (
    "Run `xbench download` with a network, omit --offline, or name a copy with --data-dir."
)


def _checked(path: Path, expected: str, advice: str) -> Path:
    from xbench.data.fetch import digest_of
    from xbench.data.text_files import check_no_pointer

    if not path.is_file():
        raise UserError(f"{path}: no such file; expected a file with sha256 {expected}. {advice}")
    check_no_pointer(path)
    with usable(path, "Make it readable, or choose another --data-dir.", doing="read"):
        found = digest_of(path, expected)
    if found != expected:
        raise UserError(
            f"{path}: damaged or another version ({path.stat().st_size} bytes, sha256 {found}); "
            f"expected sha256 {expected}. {advice}"
        )
    return path
