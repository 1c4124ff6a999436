"""Find a model by what the user typed, without loading its weights."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import mteb
from mteb.models import ModelMeta

from xbench._util.atomic_write import usable
from xbench._util.errors import UserError, did_you_mean
from xbench._util.garbage import no_collection
from xbench._util.hub import hub_is_offline
from xbench.models.endpoint import endpoint_of, is_endpoint
from xbench.models.endpoint_encoder import endpoint_loader
from xbench.models.hub_models import commit_of, from_hub, hub_file, remember_newest
from xbench.models.names import checked_name, made_name, public_name
from xbench.models.options import ENDPOINT_OPTIONS, ModelOptions
from xbench.models.python_code import NamedCode, named_code

BUILT_IN = {
    "xbench/bm25": "xbench.models.baselines.bm25:BM25",
    "xbench/char-ngram": "xbench.models.baselines.char_ngram:CharNgramEncoder",
}
"""The models that xbench brings, by name: module and class."""

OWN = "xbench/"
"""How their names begin."""

TRAINING_RECORD = "xbench_training.json"
"""File next to a model that xbench trained: how, and on what."""

CHECKPOINTS = "checkpoints"
"""Folder of checkpoints next to a model that xbench trained; they are not the model."""

ADAPTER = "adapter_config.json"
"""File of an adapter, whose other weights are elsewhere."""

MODEL_FILES = ("modules.json", "config.json", ADAPTER)
"""Files of which each model of sentence-transformers and each adapter has one."""

_COMMIT = re.compile(r"[0-9a-f]{40}")

_PART = r"(?![-.])(?![\w.-]*?(?:--|\.\.))[A-Za-z0-9_.-]*[A-Za-z0-9_]"
_HUB_NAME = re.compile(rf"{_PART}/{_PART}( \(.*\))?")
"""Names that models on the hub can have, and of mteb's registry."""

LIBRARY_CONFIG = "config_sentence_transformers.json"


@dataclass(frozen=True)
class ModelSource:
    """A model that was found but not loaded.

    Attributes:
        meta: mteb's metadata; its name and revision name the results.
        identity: What decides the weights: the same identity, the same weights; None if unknown.
        load: Loads the model, in any of the forms of `xbench.models.forms`.
        certain: Whether the same identity always means the same weights.
        is_object: Whether it is an object that the user made, and may change.
        is_known: Whether name and revision say which model it is; not of an object that has none.
        settings: What else makes its scores other than those of the model of that name.
        commit: Commit on the hub; None of a model that is not loaded from there.
        declares: Whether the model that is loaded may say more of itself than its source does.
    """

    meta: ModelMeta
    identity: str | None
    load: Callable[[], Any]
    certain: bool = True
    is_object: bool = False
    is_known: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    commit: str | None = None
    declares: bool = False


def find_model(
    options: ModelOptions, *, offline: bool, plain: str = "SentenceTransformer"
) -> ModelSource:
    """Find a model.

    Args:
        options: The model and how to load it.
        offline: Whether the network must not be used.
        plain: What sentence-transformers makes of a model of transformers.

    Raises:
        UserError: If there is no such model, or an option does not apply to it.
    """
    name = options.model
    if is_endpoint(name):
        return _endpoint(options, plain, offline=offline)
    refuse(options, "is not the address of an endpoint", *ENDPOINT_OPTIONS)
    if name in BUILT_IN:
        return _built_in(options)
    if code := named_code(name):
        return _code(options, code)
    if Path(name).is_dir():
        return _folder(options, Path(name), plain)
    if not _HUB_NAME.fullmatch(name) or Path(name).is_file() or _nearly_built_in(name):
        raise _not_found(name)
    refuse(options, "has a name of its own", "name")
    try:
        meta = mteb.get_model_meta(name)
    except KeyError as error:
        return _hub(options, plain, offline=offline, unknown=error)
    if options.revision is not None:
        commit = options.revision
        if not _COMMIT.fullmatch(commit):
            commit = commit_of(name, commit, offline=offline, hint="")
        meta = meta.model_copy(update={"revision": commit})
    arguments: dict[str, Any] = dict(options.model_kwargs or {})
    if options.trust_remote_code:
        arguments["trust_remote_code"] = True
    return ModelSource(
        meta=meta.model_copy(update={"name": public_name(str(meta.name))}),
        identity=_identity(f"{meta.name}@{meta.revision}", options),
        load=lambda: from_hub(name, partial(meta.load_model, device=options.device, **arguments)),
        commit=meta.revision if _COMMIT.fullmatch(meta.revision or "") else None,
    )


def _built_in(options: ModelOptions) -> ModelSource:
    refuse(options, "is built in", *_ALL_BUT_MODEL)
    module, _, attribute = BUILT_IN[options.model].partition(":")
    model_class = getattr(importlib.import_module(module), attribute)
    meta = model_class().mteb_model_meta
    return ModelSource(meta=meta, identity=f"{meta.name}@{meta.revision}", load=model_class)


_ALL_BUT_MODEL = (
    *("revision", "device", "query_prompt", "passage_prompt", "max_length", "dtype"),
    *("name", "model_kwargs", "trust_remote_code", "truncate_dim"),
)


def _endpoint(options: ModelOptions, plain: str, *, offline: bool) -> ModelSource:
    refuse(
        options,
        "is an endpoint",
        *("revision", "max_length", "dtype", "device", "batch_size", "model_kwargs"),
        *("trust_remote_code", "truncate_dim"),
    )
    if plain == "CrossEncoder":
        raise UserError(f"--model {options.model}: is an endpoint; expected a cross-encoder")
    endpoint = endpoint_of(options)
    load = endpoint_loader(options, endpoint)
    source = local_source(endpoint.name, endpoint.digest, lambda: load(source.meta), options)
    return replace(source, certain=False)


def _code(options: ModelOptions, code: NamedCode) -> ModelSource:
    from xbench.models.factories import made

    refuse(options, "is Python code", "revision", "device", "trust_remote_code")
    digest = code.digest()
    if options.arguments:
        digest = hashlib.sha256(f"{digest}\n{options.arguments}".encode()).hexdigest()
    source = local_source(
        code.name,
        digest,
        lambda: made(code.load(), options.model_kwargs, f"--model {options.model}"),
        options,
    )
    return replace(source, certain=False, declares=True)


def _folder(options: ModelOptions, folder: Path, plain: str) -> ModelSource:
    refuse(options, "is a folder", "revision")
    if not any((folder / name).is_file() for name in MODEL_FILES):
        raise UserError(
            f"--model {folder}: no sentence-transformers model there; expected modules.json or "
            "config.json, or adapter_config.json of an adapter, in the folder"
        )
    digest = hashlib.sha256()
    with usable(folder, "Make all its files readable.", doing="read"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = path.relative_to(folder)
            if place.parts[0] != CHECKPOINTS:
                digest.update(f"{place}\0{_file_digest(path)}\n".encode())

    def load() -> Any:  # noqa: ANN401
        return _library_model(options, lambda name: folder / name, plain)

    source = local_source(folder.resolve().name, digest.hexdigest(), load, options)
    known = {"training_datasets": _training_datasets(folder), "n_parameters": _parameters(folder)}
    meta = source.meta.model_copy(update=known)
    identity = _identity(str(source.identity), options)
    return replace(source, meta=meta, identity=identity, certain=not (folder / ADAPTER).is_file())


def _training_datasets(folder: Path) -> set[str] | None:
    """Return what a model that xbench trained was trained on; None of another, which is unknown."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        record = json.loads((folder / TRAINING_RECORD).read_bytes())
        return {str(name) for name in record["training_datasets"]}
    return None


def _parameters(folder: Path) -> int | None:
    """Return the number of parameters of a model; None of an adapter or of other formats.

    Only the headers of the files are read. Numbered positions are no parameters.
    """
    from safetensors import SafetensorError, safe_open

    files = [path for path in folder.rglob("*.safetensors") if CHECKPOINTS not in path.parts]
    if not files or (folder / ADAPTER).is_file():
        return None
    with suppress(OSError, SafetensorError):
        found = 0
        for path in files:
            with safe_open(path, "numpy") as weights:
                names = [name for name in weights.keys() if not name.endswith("position_ids")]  # noqa: SIM118
                found += sum(prod(weights.get_slice(name).get_shape()) for name in names)
        return found
    return None


def _hub(options: ModelOptions, plain: str, *, offline: bool, unknown: KeyError) -> ModelSource:
    _, found, suggestion = str(unknown.args[0]).partition("Did you mean")
    name = options.model
    hint = " ".join([f"{found}{suggestion}", *_no_folder(Path(name))]).strip()
    commit = commit_of(name, options.revision, offline=offline, hint=hint)

    def load() -> Any:  # noqa: ANN401
        if options.revision is None and not (offline or hub_is_offline()):
            remember_newest(name)
        return from_hub(
            name,
            lambda: _library_model(
                options, lambda file: hub_file(name, commit, file), plain, commit
            ),
        )

    meta = ModelMeta.create_empty({"name": name, "revision": commit})
    return ModelSource(meta, _identity(f"{name}@{commit}", options), load, commit=commit)


def local_source(
    found: str, digest: str, load: Callable[[], Any], options: ModelOptions
) -> ModelSource:
    """Return a model that is nowhere published, named by its user or by what was found.

    Raises:
        UserError: If the user's name for it is not valid.
    """
    made = made_name(found)
    name = made if options.name is None else checked_name(options.name)
    meta = ModelMeta.create_empty({"name": name, "revision": digest[:12]})
    return ModelSource(meta=meta, identity=f"{made}@{digest}", load=load)


def _identity(source: str, options: ModelOptions) -> str:
    return f"{source} {options.arguments}" if options.arguments else source


def _library_model(
    options: ModelOptions,
    file: Callable[[str], Path | None],
    plain: str,
    revision: str | None = None,
) -> Any:  # noqa: ANN401
    """Load a model of sentence-transformers, of the kind that its files name.

    Args:
        options: The model and how to load it.
        file: Gives a file of the model by name.
        plain: The kind of a model whose files name none, as it is one of transformers.
        revision: Commit of the model.
    """
    with no_collection():
        import sentence_transformers

    from xbench.models.forms import LIBRARY

    kind = _read(file(LIBRARY_CONFIG)).get("model_type")
    return getattr(sentence_transformers, kind if kind in LIBRARY else plain)(
        options.model,
        revision=revision,
        device=options.device,
        trust_remote_code=options.trust_remote_code,
        **(options.model_kwargs or {}),
    )


def _read(path: Path | None) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_bytes()) if path is not None else {}
        return found if isinstance(found, dict) else {}
    return {}


def refuse(options: ModelOptions, reason: str, *names: str) -> None:
    """Refuse options that a model has no use for.

    Raises:
        UserError: If one is given.
    """
    given = [f"--{name.replace('_', '-')}" for name in names if name in options.given]
    if given:
        raise UserError(
            f"{', '.join(given)} cannot be applied: --model {options.model} {reason}. "
            "Leave the option out."
        )


def _nearly_built_in(name: str) -> str:
    """Return a question that suggests a model that xbench brings, if its name was nearly typed."""
    return did_you_mean(name, BUILT_IN) if name.startswith(OWN) else ""


def _not_found(name: str) -> UserError:
    path, advice = Path(name), _nearly_built_in(name)
    if path.suffix == ".py":
        advice = f". Which class, function or object of the file? Write {name}:NAME"
    elif path.is_file():
        advice = ". This is a file; give the folder that it is in"
    elif not advice and (name.startswith(".") or (len(path.parts) > 1 and path.parent.is_dir())):
        advice = f". {' '.join(_no_folder(path)) or f'There is no folder {path}'}"
    return UserError(
        f"--model {name!r}: expected a name in mteb's registry or on the Hugging Face hub "
        f"(organisation/name), a folder, {', '.join(BUILT_IN)}, path/to/file.py:NAME, "
        f"package.module:NAME, or an address such as http://localhost:8080/v1{advice}"
    )


def _no_folder(path: Path) -> Iterator[str]:
    """Yield that a folder is not there, if it may have been meant: the one it is in is."""
    if path.parent.is_dir():
        there = sorted(own.name for own in path.parent.iterdir() if own.is_dir())
        where = "this folder" if path.parent == Path() else str(path.parent)
        yield (
            f"There is no folder {path}; {where} has {', '.join(there[:10]) or 'no folders'}"
            f"{did_you_mean(path.name, there)}"
        )


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
