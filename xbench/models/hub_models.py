"""Models on the Hugging Face hub: their commits, and single files of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from xbench._util.errors import UserError
from xbench._util.hub import hub_is_offline


def commit_of(name: str, revision: str | None, *, offline: bool, hint: str) -> str:
    """Return the commit of a model on the hub, or offline that in the local cache.

    Raises:
        UserError: If there is no such model, or it cannot be reached; the message ends with `hint`.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        if offline or hub_is_offline():
            folder = snapshot_download(
                name, revision=revision, local_files_only=True, allow_patterns="config.json"
            )
            return Path(folder).name
        return HfApi().model_info(name, revision=revision).sha or "unknown"
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"--model {name}: not in the local Hugging Face cache"
            f"{f' at revision {revision}' if revision else ''}, and "
            "--offline allows no download, nor does HF_HUB_OFFLINE"
        ) from error
    except Exception as error:
        raise UserError(
            f"--model {name}: the Hugging Face hub has no such model"
            f"{f' or revision {revision}' if revision else ''}, or cannot be reached "
            f"({type(error).__name__}). {hint}".rstrip()
        ) from error


def hub_file(name: str, commit: str, file: str) -> Path | None:
    """Return a file of a model in the local cache, fetched if need be; None if it has none."""
    from huggingface_hub import hf_hub_download

    with suppress(Exception):
        return Path(hf_hub_download(name, file, revision=commit))
    return None
