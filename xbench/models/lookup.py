"""Find a model by what the user typed, without loading its weights."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import mteb
from mteb.models import ModelMeta

from xbench._util.errors import UserError, did_you_mean
from xbench._util.hub import hub_is_offline
from xbench.models.endpoint import endpoint_of, is_endpoint
from xbench.models.endpoint_encoder import endpoint_loader
from xbench.models.hub_models import commit_of, from_hub, hub_file, remember_newest
from xbench.models.model_folder import folder_source
from xbench.models.names import public_name
from xbench.models.options import ENDPOINT_OPTIONS, ModelOptions
from xbench.models.python_code import NamedCode, named_code
from xbench.models.source import ModelSource, identity_of, library_model, local_source, refuse

BUILT_IN = {
    "xbench/bm25": "xbench.models.baselines.bm25:BM25",
    "xbench/char-ngram": "xbench.models.baselines.char_ngram:CharNgramEncoder",
}
"""The models that xbench brings, by name: module and class."""

OWN = "xbench/"
"""How their names begin."""


_COMMIT = re.compile(r"[0-9a-f]{40}")

_PART = r"(?![-.])(?![\w.-]*?(?:--|\.\.))[A-Za-z0-9_.-]*[A-Za-z0-9_]"
_HUB_NAME = re.compile(rf"{_PART}/{_PART}( \(.*\))?")
"""Names that models on the hub can have, and of mteb's registry."""


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
        return folder_source(options, Path(name), plain)
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
        identity=identity_of(f"{meta.name}@{meta.revision}", options),
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
            lambda: library_model(
                options, lambda file: hub_file(name, commit, file), plain, commit
            ),
        )

    meta = ModelMeta.create_empty({"name": name, "revision": commit})
    return ModelSource(meta, identity_of(f"{name}@{commit}", options), load, commit=commit)


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
