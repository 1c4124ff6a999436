"""Models on the Hugging Face hub: their commits, and single files of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

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

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def commit_of(name: str, revision: str | None, *, offline: bool, hint: str) -> str:
    """Return the commit of a model on the hub, or offline that in the local cache.

    Raises:
        UserError: If there is no such model, or it cannot be reached; the message ends with `hint`.
    """
    from huggingface_hub import HfApi

    try:
        if offline or hub_is_offline():
            return _cached_commit(name, revision)
        return from_hub(name, lambda: HfApi().model_info(name, revision=revision).sha) or "unknown"
    except UserError as error:
        raise UserError(f"{error}. {hint}".rstrip(" .")) from None


def from_hub(name: str, ask: Callable[[], Result]) -> Result:
    """Return what the hub gives of a model, tried again while it fails.

    Raises:
        UserError: If the hub refuses, or fails for too long.
        Exception: What else is raised meanwhile.
    """
    try:
        return patiently(f"--model {name}", ask)
    except OutOfPatienceError as error:
        raise _unavailable(name, str(error), error.failure) from None
    except UserError:
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise _unavailable(name, failure.reason, failure) from None


def _unavailable(name: str, reason: str, failure: Failure) -> UserError:
    advice = failure.advice(has_token=get_token() is not None)
    what = "does not give it" if failure.status else "cannot be reached"
    return UserError(f"--model {name}: the Hugging Face hub {what} ({redacted(reason)}): {advice}")


def _cached_commit(name: str, revision: str | None) -> str:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            name, revision=revision, local_files_only=True, allow_patterns="config.json"
        )
        return Path(folder).name
    except LocalEntryNotFoundError as error:
        kept = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots"
        commits = [*kept.iterdir()] if revision is None and kept.is_dir() else []
        if not commits:
            raise UserError(
                f"--model {name}: not in the local Hugging Face cache"
                f"{f' at revision {revision}' if revision else ''}, and "
                "--offline allows no download, nor does HF_HUB_OFFLINE"
            ) from error
        newest = max(commits, key=lambda path: path.stat().st_mtime).name
        if len(commits) > 1:
            logger.warning(
                "%s: %d commits are in the local Hugging Face cache; taking %s, the newest there. "
                "Choose with --revision.",
                name,
                len(commits),
                newest,
            )
        return newest


def remember_newest(name: str) -> None:
    """Let Hugging Face's cache know what the newest commit is, as it is looked for offline."""
    from huggingface_hub import hf_hub_download

    with suppress(Exception):
        hf_hub_download(name, "config.json")


def hub_file(name: str, commit: str, file: str) -> Path | None:
    """Return a file of a model in the local cache, fetched if need be; None if it has none."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    try:
        return Path(hf_hub_download(name, file, revision=commit))
    except RemoteEntryNotFoundError:
        return None
    except LocalEntryNotFoundError as error:
        if failure_of(error) is not None:
            raise
        return None
