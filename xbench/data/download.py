"""The datasets' files: fetched once from their pinned source, or read from a local folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from xbench._util.errors import UserError
from xbench._util.options import option
from xbench.data.catalogue import Dataset


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


@dataclass(frozen=True)
class DataLocation:
    """Where data is read from and kept.

    Attributes:
        data_dir: Local folder with one folder per dataset (``xquad-r/ar.json``); None to download.
        cache_dir: Folder for downloads and embeddings.
        offline: Whether the network must not be touched.
    """

    data_dir: Path | None
    cache_dir: Path
    offline: bool

    @classmethod
    def from_environment(
        cls,
        data_dir: Path | None = None,
        cache_dir: Path | None = None,
        offline: bool = False,
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
        )


def dataset_files(
    dataset: Dataset, languages: Sequence[str], location: DataLocation
) -> dict[str, Path]:
    """Return the checked file of each language, after downloading what is not there.

    Raises:
        UserError: If a file is missing, damaged or cannot be fetched.
    """
    try:
        return {code: _file(dataset, code, location) for code in languages}
    except OSError as error:
        raise UserError(
            f"{error.filename or location.cache_dir}: cannot be used ({error.strerror}); choose "
            "another --data-dir or --cache-dir"
        ) from error


def _file(dataset: Dataset, code: str, location: DataLocation) -> Path:
    name = f"{dataset.folder}/{code}.json"
    expected = dataset.sha256[code]
    if location.data_dir is not None:
        return _checked(location.data_dir / name, expected, _LOCAL_ADVICE)
    folder = location.cache_dir / "data" / dataset.revision
    path = folder / name
    if location.offline:
        return _checked(path, expected, _OFFLINE_ADVICE)
    if not path.exists() or _sha256(path) != expected:
        _download(dataset.url.format(revision=dataset.revision, path=name), expected, path)
    return path


_LOCAL_ADVICE = (
    "Put the file of that digest there, or leave out --data-dir and XBENCH_DATA_DIR to download it."
)
_OFFLINE_ADVICE = (
    "Run `xbench download` with a network, leave out --offline, or name a copy with --data-dir."
)


def _checked(path: Path, expected: str, advice: str) -> Path:
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected a file with sha256 {expected}. {advice}")
    found = _sha256(path)
    if found != expected:
        raise UserError(
            f"{path}: damaged or another version ({path.stat().st_size} bytes, sha256 {found}); "
            f"expected sha256 {expected}. {advice}"
        )
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _download(url: str, expected: str, path: Path) -> None:
    import pooch
    import requests

    path.unlink(missing_ok=True)
    try:
        pooch.retrieve(
            url, f"sha256:{expected}", fname=path.name, path=path.parent, progressbar=False
        )
    except requests.exceptions.RequestException as error:
        raise UserError(
            f"{url}: cannot be fetched ({error}). Check the network, or name a local copy with "
            f"--data-dir; nothing was left at {path}."
        ) from error
    except ValueError as error:
        raise UserError(
            f"{url}: what arrived is damaged; expected sha256 {expected}. Try again; nothing was "
            f"left at {path}."
        ) from error
