"""What can be a model: each form of object, and how it becomes an mteb model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mteb.models import CrossEncoderProtocol, EncoderProtocol, ModelMeta

from xbench._util.errors import UserError
from xbench.models.adapters import NamedCrossEncoder, NamedEncoder, NamedSearch, TextsEncoder
from xbench.models.calls import accepts, by_role, langchain, plain_function, texts_first

LIBRARY = {
    "SentenceTransformer": "SentenceTransformerEncoderWrapper",
    "SparseEncoder": "SparseEncoderWrapper",
    "MultiVectorEncoder": "MultiVectorWrapper",
    "CrossEncoder": "CrossEncoderWrapper",
}
"""The models of sentence-transformers, and what mteb wraps each in."""

ENCODERS = tuple(name for name in LIBRARY if name != "CrossEncoder")


@dataclass(frozen=True)
class Form:
    """A form of model.

    Attributes:
        words: What it is, for messages.
        fits: Whether an object has this form.
        adapt: Makes an mteb model of the object, under the name of its metadata.
    """

    words: str
    fits: Callable[[Any], bool]
    adapt: Callable[[Any, ModelMeta], Any]


def library_class(thing: Any) -> str | None:  # noqa: ANN401
    """Return which of sentence-transformers' models an object is, or None.

    By the class names, as importing sentence-transformers takes seconds.
    """
    for cls in type(thing).__mro__:
        if cls.__name__ in LIBRARY and cls.__module__.startswith("sentence_transformers"):
            return cls.__name__
    return None


def _wrapped(thing: Any, meta: ModelMeta) -> Any:  # noqa: ANN401
    from mteb.models import sentence_transformer_wrapper as wrappers

    config = getattr(thing, "config", None)
    if config is not None and not hasattr(config, "_commit_hash"):
        config._commit_hash = None  # mteb before 2.26.22 reads what transformers has no more.
    wrapper = getattr(wrappers, LIBRARY[library_class(thing) or ""])(thing)
    own = {"name": meta.name, "revision": meta.revision}
    wrapper.mteb_model_meta = wrapper.mteb_model_meta.model_copy(update=own)
    return wrapper


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda thing: all(callable(getattr(thing, name, None)) for name in names)


def _is_mteb_encoder(thing: Any) -> bool:  # noqa: ANN401
    if not _has("encode")(thing):
        return False
    known = accepts(thing.encode)
    return "task_metadata" in known or (
        isinstance(thing, EncoderProtocol) and not known & {"task_name", "sentences"}
    )


def _is_mteb_cross_encoder(thing: Any) -> bool:  # noqa: ANN401
    return isinstance(thing, CrossEncoderProtocol) or (
        _has("predict")(thing) and "task_metadata" in accepts(thing.predict)
    )


FUNCTION = Form(
    "a function from a list of texts to an array of shape (texts, dimensions)",
    lambda thing: callable(thing) and not inspect.isclass(thing),
    lambda thing, meta: TextsEncoder(thing, meta, plain_function(thing)),
)

FORMS = (
    Form(
        "a model of sentence-transformers (SentenceTransformer, SparseEncoder, "
        "MultiVectorEncoder, CrossEncoder)",
        lambda thing: library_class(thing) is not None,
        _wrapped,
    ),
    Form("an mteb search model (index and search)", _has("index", "search"), NamedSearch.of),
    Form("an mteb cross-encoder (predict)", _is_mteb_cross_encoder, NamedCrossEncoder.of),
    Form("an mteb encoder (encode with task_metadata)", _is_mteb_encoder, NamedEncoder.of),
    Form(
        "an object with embed_documents and embed_query, as in LangChain",
        _has("embed_documents", "embed_query"),
        lambda thing, meta: TextsEncoder(thing, meta, langchain(thing)),
    ),
    Form(
        "an object with encode_query and encode_document",
        _has("encode_query", "encode_document"),
        lambda thing, meta: TextsEncoder(
            thing, meta, by_role(thing.encode_query, thing.encode_document)
        ),
    ),
    Form(
        "an object with encode_queries and encode_corpus",
        _has("encode_queries", "encode_corpus"),
        lambda thing, meta: TextsEncoder(
            thing, meta, by_role(thing.encode_queries, thing.encode_corpus)
        ),
    ),
    Form(
        "an object with encode(list of texts)",
        _has("encode"),
        lambda thing, meta: TextsEncoder(thing, meta, texts_first(thing.encode)),
    ),
    FUNCTION,
)
"""The forms; the first that fits is taken."""


def is_object(thing: Any) -> bool:  # noqa: ANN401
    """Return whether a thing has a form of model already, as a class or a function has not."""
    others = (form for form in FORMS if form is not FUNCTION)
    return _may_be(thing) and any(form.fits(thing) for form in others)


def _may_be(thing: Any) -> bool:  # noqa: ANN401
    """Return whether a thing is neither a class nor of Python's own types: texts can be encoded."""
    return not inspect.isclass(thing) and not isinstance(thing, str | bytes)


def as_model(thing: Any, meta: ModelMeta, model: str) -> Any:  # noqa: ANN401
    """Return an object as an mteb model.

    Args:
        thing: The object.
        meta: Name and revision for a model that has none of its own.
        model: What the user called it, for messages.

    Raises:
        UserError: If it has none of the forms.
    """
    for form in FORMS:
        if _may_be(thing) and form.fits(thing):
            return form.adapt(thing, meta)
    raise unknown_form(thing, model)


def unknown_form(thing: Any, model: str) -> UserError:  # noqa: ANN401
    """Return the error for an object that is not a model."""
    forms = "; ".join(form.words for form in FORMS)
    return UserError(f"{model}: got a {type(thing).__name__}; expected one of: {forms}")
