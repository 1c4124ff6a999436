"""Models that a user made in Python, as sources."""

from __future__ import annotations

import copy
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

from mteb.models import ModelMeta

from xbench.models.adapters import own_meta
from xbench.models.factories import made
from xbench.models.forms import is_object, library_class, unknown_form
from xbench.models.identity import object_digest
from xbench.models.names import checked_name, made_name
from xbench.models.options import ENDPOINT_OPTIONS, ModelOptions
from xbench.models.source import ModelSource, local_source, refuse

UNKNOWN_REVISION = "no_revision_available"
"""Revision of an object that says nothing of its own."""


def object_source(model: Any, options: ModelOptions) -> ModelSource:  # noqa: ANN401
    """Return a model that a user made, as a source.

    A model of sentence-transformers has the digest of its weights, modules, tokenizer and
    prompts as revision; an mteb model has what its metadata say.

    Args:
        model: An object of one of the forms, or a class or factory that makes one.
        options: How to run it.

    Raises:
        UserError: If it has none of the forms.
    """
    refuse(options, "is an object", "revision", "device", "trust_remote_code", *ENDPOINT_OPTIONS)

    def load() -> Any:  # noqa: ANN401
        found = made(model, options.model_kwargs, options.model)
        return copy.deepcopy(found) if options.non_default_settings else found

    if library_class(model) is not None:
        known = model.model_card_data.base_model or getattr(model[0], "model_name_or_path", None)
        found = Path(known or "model").name
        source = local_source(found, object_digest(model), load, options)
        return replace(source, is_object=True)
    if not is_object(model) and not callable(model):
        raise unknown_form(model, "model, which may be a name or a folder, too")
    meta = own_meta(model) or ModelMeta.create_empty(
        {"name": made_name(_called(model)), "revision": UNKNOWN_REVISION}
    )
    if options.name is not None:
        meta = meta.model_copy(update={"name": checked_name(options.name)})
    known = meta.revision != UNKNOWN_REVISION
    return ModelSource(meta, None, load, certain=False, is_object=True, is_known=known)


def _called(model: Any) -> str:  # noqa: ANN401
    """Return the name of a class or function, or that of an object's class."""
    while isinstance(model, functools.partial):
        model = model.func
    name = getattr(model, "__name__", None) or type(model).__name__
    return "function" if name == "<lambda>" else str(name)
