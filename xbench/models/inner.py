"""What is known of a model: what it encodes texts into, how long they may be, how they compare."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mteb.models import CrossEncoderProtocol, EncoderProtocol, SearchProtocol
from mteb.models.model_meta import ScoringFunction

from xbench.models.forms import ENCODERS, library_class
from xbench.models.known_model import KnownModel
from xbench.models.vectors import Kind

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def sentence_transformer(model: Any) -> SentenceTransformer | None:  # noqa: ANN401
    """Return the encoder of sentence-transformers inside an mteb model, if there is one.

    A SparseEncoder and a MultiVectorEncoder share all that is used of a SentenceTransformer; of a
    model without its weights, what is known of it does.
    """
    inner = getattr(model, "model", None)
    known = isinstance(model, KnownModel) or library_class(inner) in ENCODERS
    return inner if known else None


def embedding_kind(model: Any) -> Kind | None:  # noqa: ANN401
    """Return what an mteb model encodes a text into; None if it is not an encoder.

    mteb searches with a MultiVectorEncoder itself; as its embeddings can be had, it is an encoder.
    """
    kind = library_class(getattr(model, "model", None))
    if kind == "MultiVectorEncoder":
        return "multi-vector"
    if isinstance(model, SearchProtocol | CrossEncoderProtocol):
        return None
    if not isinstance(model, EncoderProtocol):
        return None
    if kind == "SparseEncoder":
        return "sparse"
    max_sim = model.mteb_model_meta.similarity_fn_name == ScoringFunction.MAX_SIM
    return "multi-vector" if max_sim else "dense"


def max_length(model: Any) -> int | None:  # noqa: ANN401
    """Return the maximum length of a text in tokens; None if it is not known or there is none."""
    inner = sentence_transformer(model)
    length = None if inner is None else inner.max_seq_length
    return None if length is None or math.isinf(length) else int(length)


def dtype(model: Any) -> str | None:  # noqa: ANN401
    """Return the type of a model's weights, if it is known."""
    inner = sentence_transformer(model)
    return None if inner is None else str(inner.dtype).removeprefix("torch.")


def similarity_name(model: Any) -> str | None:  # noqa: ANN401
    """Return how a model compares embeddings: cosine, dot, euclidean, manhattan or maxsim."""
    inner = sentence_transformer(model)
    return None if inner is None else str(inner.similarity_fn_name)
