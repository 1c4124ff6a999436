"""Load a model and set it up as the options say."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import torch
from mteb.models import ModelMeta

from xbench._util.errors import UserError
from xbench._util.network import redacted
from xbench.models.adapters import TextsEncoder
from xbench.models.forms import ENCODERS, as_model, library_class
from xbench.models.identity import remember_identity
from xbench.models.inner import sentence_transformer
from xbench.models.lookup import BUILT_IN
from xbench.models.options import ModelOptions
from xbench.models.prompts import saved_prompts, use_all_prompts, with_prompt
from xbench.models.reranked import Reranked
from xbench.models.source import ModelSource

logger = logging.getLogger(__name__)


def load_model(source: ModelSource, options: ModelOptions) -> Any:  # noqa: ANN401
    """Load a model with its own prompts, then apply the options that deviate from them.

    Returns:
        An mteb encoder, search model or cross-encoder, or a `Reranked` of two of them.

    Raises:
        UserError: If the model cannot be loaded or an option does not apply to it.
    """
    try:
        found = source.load()
    except UserError:
        raise
    except Exception as error:
        raise _cannot_be_loaded(error, options) from error
    if isinstance(found, Reranked):
        return found
    model = as_model(found, source.meta, f"--model {options.model}")
    if library_class(found) in ENCODERS:
        use_all_prompts(model)
    _apply(model, options)
    _warn_without_prompts(model, source.meta, options)
    if source.identity is not None:
        remember_identity(model, source.identity, certain=source.certain)
    return model


def _cannot_be_loaded(error: Exception, options: ModelOptions) -> UserError:
    reason = redacted(str(error))
    if "trust_remote_code" in reason and not options.trust_remote_code:
        return UserError(
            f"--model {options.model}: needs Python code that comes with it. Read that code, and "
            "allow it with --trust-remote-code."
        )
    if "peft" in reason.lower() and find_spec("peft") is None:
        return UserError(
            f"--model {options.model}: is an adapter, for which the package peft is needed: "
            "pip install peft"
        )
    return UserError(
        f"--model {options.model}: cannot be loaded ({type(error).__name__}: {reason})"
    )


def _apply(model: Any, options: ModelOptions) -> None:  # noqa: ANN401
    names = [name for name in options.non_default_settings if name != "model_kwargs"]
    inner = sentence_transformer(model)
    if isinstance(model, TextsEncoder):
        names = [name for name in names if not name.endswith("_prompt")]
    if names and (inner is None or not hasattr(model, "model_prompts")):
        given = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        raise UserError(
            f"{given} cannot be applied: --model {options.model} is a {type(model).__name__}, not "
            "a sentence-transformers model. Leave the option out."
        )
    if options.max_length is not None:
        try:
            inner.max_seq_length = options.max_length  # type: ignore[union-attr]
        except AttributeError as error:
            raise UserError(
                f"--max-length cannot be applied: {options.model} has no maximum length"
            ) from error
    if options.dtype is not None:
        inner.to(getattr(torch, options.dtype))  # type: ignore[union-attr]
    if options.truncate_dim is not None:
        _truncate(inner, options.truncate_dim, options.model)
    prompts = dict(getattr(model, "model_prompts", None) or {})
    for role, prompt in (("query", options.query_prompt), ("document", options.passage_prompt)):
        if prompt is not None:
            prompts = with_prompt(prompts, role, prompt)
            model.model_prompts = prompts


def _truncate(inner: Any, dimensions: int, name: str) -> None:  # noqa: ANN401
    if library_class(inner) != "SentenceTransformer":
        raise UserError(
            f"--truncate-dim cannot be applied: {name} is a {type(inner).__name__}. "
            "Leave the option out."
        )
    whole = inner.get_embedding_dimension()
    if whole is not None and dimensions > whole:
        raise UserError(
            f"--truncate-dim {dimensions}: the embeddings of {name} have {whole} dimensions; "
            "expected at most that many"
        )
    inner.truncate_dim = dimensions


def _warn_without_prompts(model: Any, meta: ModelMeta, options: ModelOptions) -> None:  # noqa: ANN401
    inner = sentence_transformer(model)
    if inner is None or options.model in BUILT_IN or meta.loader is not None:
        return
    if not any({**saved_prompts(model), **(model.model_prompts or {})}.values()):
        logger.warning(
            "%s says nothing of prompts: queries and passages are encoded as they are. If the "
            "model was trained with prompts, give them with --query-prompt and --passage-prompt.",
            options.model,
        )
