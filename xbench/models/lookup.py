"""Find a model by what the user typed, without loading its weights."""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mteb
from mteb.models import CrossEncoderProtocol, EncoderProtocol, ModelMeta, SearchProtocol

from xbench._util.atomic_write import usable
from xbench._util.errors import UserError
from xbench._util.hub import hub_is_offline
from xbench.models.options import ModelOptions

BUILT_IN = {
    "xbench/bm25": "xbench.models.baselines.bm25:BM25",
    "xbench/char-ngram": "xbench.models.baselines.char_ngram:CharNgramEncoder",
}
"""The models that xbench brings, by name: module and class."""

TRAINING_RECORD = "xbench_training.json"
"""File next to a model that xbench trained: how, and on what."""

CHECKPOINTS = "checkpoints"
"""Folder of checkpoints next to a model that xbench trained; they are not the model."""


@dataclass(frozen=True)
class ModelSource:
    """A model that was found but not loaded.

    Attributes:
        meta: mteb's metadata; its name and revision name the results.
        identity: What decides the weights: the same identity, the same weights; None if unknown.
        load: Loads the model, an mteb model or a SentenceTransformer.
    """

    meta: ModelMeta
    identity: str | None
    load: Callable[[], Any]


def find_model(options: ModelOptions, *, offline: bool) -> ModelSource:
    """Find a model.

    Raises:
        UserError: If there is no such model, or an option does not apply to it.
    """
    name = options.model
    if name in BUILT_IN:
        return _built_in(options)
    if match := re.fullmatch(r"(.+\.py):(\w+)", name):
        return _factory(options, Path(match[1]), match[2])
    if Path(name).is_dir():
        return _folder(options, Path(name))
    if not re.fullmatch(r"[\w.-]+/[\w.-]+( \(.*\))?", name):
        raise _not_found(name)
    try:
        meta = mteb.get_model_meta(name)
    except KeyError as error:
        return _hub(options, offline=offline, unknown=error)
    if options.revision is not None:
        commit = options.revision
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            commit = _commit(options, offline=offline, hint="")
        meta = meta.model_copy(update={"revision": commit})
    return ModelSource(
        meta=meta,
        identity=f"{meta.name}@{meta.revision}",
        load=lambda: meta.load_model(device=options.device),
    )


def object_source(model: Any, options: ModelOptions) -> tuple[ModelOptions, ModelSource]:  # noqa: ANN401
    """Return a model that a user made, as a source, and its options under its name.

    A SentenceTransformer has the digest of its weights, modules and tokenizer as revision; an mteb
    model has what its metadata say.

    Args:
        model: A SentenceTransformer, an mteb encoder or an mteb search model.
        options: How to run it.

    Raises:
        UserError: If it is none of these, or has no name.
    """
    from xbench.models.identity import weights_digest
    from xbench.models.loading import is_sentence_transformer

    _refuse(options, "is an object", "revision", "device")

    def load() -> Any:  # noqa: ANN401
        return copy.deepcopy(model) if options.non_default_settings else model

    if is_sentence_transformer(model):
        known = model.model_card_data.base_model or getattr(model[0], "model_name_or_path", None)
        name = f"local/{re.sub(r'[^A-Za-z0-9_.-]+', '-', Path(known or 'model').name)}"
        return replace(options, model=name), _local_source(name, weights_digest(model), load)
    if not isinstance(model, (EncoderProtocol, SearchProtocol, CrossEncoderProtocol)):
        raise UserError(
            f"model: got a {type(model).__name__}; expected a name, a folder, a "
            "SentenceTransformer, or an mteb encoder or search model (EncoderProtocol, "
            "SearchProtocol)"
        )
    meta = getattr(model, "mteb_model_meta", None)
    if meta is None or not meta.name:
        raise UserError(
            f"model: a {type(model).__name__} without a name; set its mteb_model_meta to "
            "ModelMeta.create_empty({'name': 'organisation/name', 'revision': '1'})"
        )
    return replace(options, model=meta.name), ModelSource(meta, None, load)


def _built_in(options: ModelOptions) -> ModelSource:
    _refuse(options, "is built in", "revision", "device", *options.non_default_settings)
    module, _, attribute = BUILT_IN[options.model].partition(":")
    model_class = getattr(importlib.import_module(module), attribute)
    meta = model_class().mteb_model_meta
    return ModelSource(meta=meta, identity=f"{meta.name}@{meta.revision}", load=model_class)


def _factory(options: ModelOptions, path: Path, function: str) -> ModelSource:
    _refuse(options, "is called without arguments", "revision", "device")
    if not path.is_file():
        raise UserError(f"--model {options.model}: there is no file {path}")
    with usable(path, "Make it readable.", doing="read"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def load() -> Any:  # noqa: ANN401
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise UserError(f"--model {options.model}: {path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            return getattr(module, function)()
        except Exception as error:
            raise UserError(
                f"--model {options.model}: {path} or its factory {function}() failed: "
                f"{type(error).__name__}: {error}"
            ) from error

    name = f"local/{path.stem}-{function}"
    return _local_source(name, digest, load)


def _folder(options: ModelOptions, folder: Path) -> ModelSource:
    _refuse(options, "is a folder", "revision")
    if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
        raise UserError(
            f"--model {folder}: no sentence-transformers model there; expected modules.json or "
            "config.json in the folder"
        )
    digest = hashlib.sha256()
    with usable(folder, "Make all its files readable.", doing="read"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = path.relative_to(folder)
            if place.parts[0] != CHECKPOINTS:
                digest.update(f"{place}\0{_file_digest(path)}\n".encode())
    name = f"local/{folder.resolve().name}"
    source = _local_source(name, digest.hexdigest(), lambda: _sentence_transformer(options))
    meta = source.meta.model_copy(update={"training_datasets": _training_datasets(folder)})
    return replace(source, meta=meta)


def _training_datasets(folder: Path) -> set[str] | None:
    """Return what a model that xbench trained was trained on; None of another, which is unknown."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        record = json.loads((folder / TRAINING_RECORD).read_bytes())
        return {str(name) for name in record["training_datasets"]}
    return None


def _hub(options: ModelOptions, *, offline: bool, unknown: KeyError) -> ModelSource:
    _, found, suggestion = str(unknown.args[0]).partition("Did you mean")
    commit = _commit(options, offline=offline, hint=f"{found}{suggestion}")
    meta = ModelMeta.create_empty({"name": options.model, "revision": commit})
    return ModelSource(
        meta=meta,
        identity=f"{options.model}@{commit}",
        load=lambda: _sentence_transformer(options, revision=commit),
    )


def _commit(options: ModelOptions, *, offline: bool, hint: str) -> str:
    """Return the commit of a model on the hub, or offline that in the local cache."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    name, revision = options.model, options.revision
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


def _local_source(name: str, digest: str, load: Callable[[], Any]) -> ModelSource:
    meta = ModelMeta.create_empty({"name": name, "revision": digest[:12]})
    return ModelSource(meta=meta, identity=f"{name}@{digest}", load=load)


def _sentence_transformer(options: ModelOptions, revision: str | None = None) -> Any:  # noqa: ANN401
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(options.model, revision=revision, device=options.device)


def _refuse(options: ModelOptions, reason: str, *names: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) is not None]
    if given:
        raise UserError(
            f"{', '.join(given)} cannot be applied: --model {options.model} {reason}. "
            "Leave the option out."
        )


def _not_found(name: str) -> UserError:
    return UserError(
        f"--model {name!r}: expected a name in mteb's registry or on the Hugging Face hub "
        f"(organisation/name), a folder, {', '.join(BUILT_IN)}, or path/to/file.py:factory"
    )


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
