"""Load a model and set it up as the options say."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from mteb.models import ModelMeta
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

from xbench._util.errors import UserError
from xbench.models.identity import remember_identity
from xbench.models.lookup import BUILT_IN, ModelSource
from xbench.models.options import ModelOptions

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


def load_model(source: ModelSource, options: ModelOptions) -> Any:  # noqa: ANN401
    """Load a model with its own prompts, then apply the options that deviate from them.

    Returns:
        An mteb encoder or search model.

    Raises:
        UserError: If the model cannot be loaded or an option does not apply to it.
    """
    try:
        model = source.load()
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"--model {options.model}: cannot be loaded ({type(error).__name__}: {error})"
        ) from error
    if is_sentence_transformer(model):
        model = SentenceTransformerEncoderWrapper(model)
    _check_protocol(model, options)
    _apply(model, options)
    _warn_without_prompts(model, source.meta, options)
    if source.identity is not None:
        remember_identity(model, source.identity)
    return model


def sentence_transformer(model: Any) -> SentenceTransformer | None:  # noqa: ANN401
    """Return the SentenceTransformer inside an mteb model, if there is one."""
    inner = getattr(model, "model", None)
    return inner if is_sentence_transformer(inner) else None


def is_sentence_transformer(model: Any) -> TypeGuard[SentenceTransformer]:  # noqa: ANN401
    """Decide by the class names, as importing sentence-transformers takes seconds."""
    return any(
        cls.__name__ == "SentenceTransformer" and cls.__module__.startswith("sentence_transformers")
        for cls in type(model).__mro__
    )


def _check_protocol(model: Any, options: ModelOptions) -> None:  # noqa: ANN401
    from mteb.models import CrossEncoderProtocol, EncoderProtocol, SearchProtocol

    if not isinstance(model, (EncoderProtocol, SearchProtocol, CrossEncoderProtocol)):
        raise UserError(
            f"--model {options.model}: got a {type(model).__name__}; expected an mteb encoder or "
            "search model (EncoderProtocol, SearchProtocol) or a SentenceTransformer"
        )


def _apply(model: Any, options: ModelOptions) -> None:  # noqa: ANN401
    if not options.non_default_settings:
        return
    inner = sentence_transformer(model)
    if inner is None or not isinstance(model, SentenceTransformerEncoderWrapper):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options.non_default_settings)
        raise UserError(
            f"{names} cannot be applied: --model {options.model} is a {type(model).__name__}, not "
            "a sentence-transformers model. Leave the option out."
        )
    if options.max_length is not None:
        try:
            inner.max_seq_length = options.max_length
        except AttributeError as error:
            raise UserError(
                f"--max-length cannot be applied: {options.model} has no maximum length"
            ) from error
    if options.dtype is not None:
        inner.to(getattr(torch, options.dtype))
    prompts = dict(model.model_prompts or {})
    for role, prompt in (("query", options.query_prompt), ("document", options.passage_prompt)):
        if prompt is not None:
            prompts = _with_prompt(prompts, role, prompt)
    model.model_prompts = prompts or None


def _with_prompt(prompts: dict[str, str], role: str, prompt: str) -> dict[str, str]:
    """Return prompts in which a role has this one, whatever more specific ones mteb would prefer.

    >>> _with_prompt({"Retrieval": "a: ", "Retrieval-query": "b: "}, "query", "q: ")
    {'Retrieval-document': 'a: ', 'query': 'q: '}
    """
    other = "document" if role == "query" else "query"
    kept = {}
    for key, text in prompts.items():
        if key == other or key.endswith(f"-{other}"):
            kept[key] = text
        elif key != role and not key.endswith(f"-{role}"):
            kept.setdefault(f"{key}-{other}", text)
    return {**kept, role: prompt}


def _warn_without_prompts(model: Any, meta: ModelMeta, options: ModelOptions) -> None:  # noqa: ANN401
    inner = sentence_transformer(model)
    if inner is None or options.model in BUILT_IN or meta.loader is not None:
        return
    if not any((getattr(model, "model_prompts", None) or {}).values()):
        logger.warning(
            "%s says nothing of prompts: queries and passages are encoded as they are. If the "
            "model was trained with prompts, give them with --query-prompt and --passage-prompt.",
            options.model,
        )
