"""A model that was found but not loaded, and how one of sentence-transformers is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mteb.models import ModelMeta

from xbench._util.errors import UserError
from xbench._util.garbage import no_collection
from xbench.models.names import checked_name, made_name
from xbench.models.options import ModelOptions

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


def identity_of(source: str, options: ModelOptions) -> str:
    """Return what decides the weights: where they are from, and with which arguments."""
    return f"{source} {options.arguments}" if options.arguments else source


def library_model(
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
