"""Models in folders: what they are, and what their files say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from xbench._util.atomic_write import usable
from xbench._util.errors import UserError
from xbench.models.options import ModelOptions
from xbench.models.source import ModelSource, identity_of, library_model, local_source, refuse

TRAINING_RECORD = "xbench_training.json"
"""File next to a model that xbench trained: how, and on what."""

CHECKPOINTS = "checkpoints"
"""Folder of checkpoints next to a model that xbench trained; they are not the model."""

ADAPTER = "adapter_config.json"
"""File of an adapter, whose other weights are elsewhere."""

MODEL_FILES = ("modules.json", "config.json", ADAPTER)
"""Files of which each model of sentence-transformers and each adapter has one."""


def folder_source(options: ModelOptions, folder: Path, plain: str) -> ModelSource:
    """Return the model of a folder, which is what its files are, but for checkpoints.

    Raises:
        UserError: If it has none, a file cannot be read, or an option does not apply.
    """
    refuse(options, "is a folder", "revision")
    if not any((folder / name).is_file() for name in MODEL_FILES):
        raise UserError(
            f"--model {folder}: no sentence-transformers model there; expected modules.json or "
            "config.json, or adapter_config.json of an adapter, in the folder"
        )
    digest = hashlib.sha256()
    with usable(folder, "Make all its files readable.", doing="read"):
        files = _files(folder)
        for path in files:
            digest.update(f"{path.relative_to(folder)}\0{_file_digest(path)}\n".encode())

    def load() -> Any:  # noqa: ANN401
        return library_model(options, lambda name: folder / name, plain)

    source = local_source(folder.resolve().name, digest.hexdigest(), load, options)
    known = {"training_datasets": _training_datasets(folder), "n_parameters": _parameters(files)}
    meta = source.meta.model_copy(update=known)
    identity = identity_of(str(source.identity), options)
    return replace(source, meta=meta, identity=identity, certain=not (folder / ADAPTER).is_file())


def _files(folder: Path) -> list[Path]:
    """Return the files of a model, in order; checkpoints next to it are not."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path.relative_to(folder).parts[0] != CHECKPOINTS]


def _training_datasets(folder: Path) -> set[str] | None:
    """Return what a model that xbench trained was trained on; None of another, which is unknown."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        record = json.loads((folder / TRAINING_RECORD).read_bytes())
        return {str(name) for name in record["training_datasets"]}
    return None


def _parameters(files: Sequence[Path]) -> int | None:
    """Return the number of parameters of a model; None of an adapter or of other formats.

    Only the headers of the files are read. Numbered positions do not count.
    """
    from safetensors import SafetensorError, safe_open

    weights_files = [path for path in files if path.suffix == ".safetensors"]
    if not weights_files or any(path.name == ADAPTER for path in files):
        return None
    with suppress(OSError, SafetensorError):
        found = 0
        for path in weights_files:
            with safe_open(path, "numpy") as weights:
                names = [name for name in weights.keys() if not name.endswith("position_ids")]  # noqa: SIM118
                found += sum(prod(weights.get_slice(name).get_shape()) for name in names)
        return found
    return None


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
