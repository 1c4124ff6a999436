"""How objects that encode texts are called: each form as one function of texts and role."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch

from xbench._util.errors import UserError
from xbench.models.vectors import FloatArray, as_float32


class PromptTypeOfMteb1(str, Enum):
    """The role of a text, as mteb 1.x gave it to encoders."""

    query = "query"
    passage = "passage"


@dataclass(frozen=True)
class Call:
    """Texts to encode.

    Attributes:
        texts: The texts.
        is_query: Whether they are queries; they are passages otherwise.
        task: Name of the task.
        batch_size: Texts that the model takes at once.
    """

    texts: Sequence[str]
    is_query: bool
    task: str
    batch_size: int


EncodeTexts = Callable[[Call], Any]


def accepts(function: Any) -> frozenset[str]:  # noqa: ANN401
    """Return the names of a function's parameters; none if they are not known."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()


def texts_first(encode: Callable[..., Any]) -> EncodeTexts:
    """Call `encode` with texts, and with what it has a parameter for: mteb 1.x's, batch size."""
    known = accepts(encode)

    def call(texts: Call) -> FloatArray:
        role = PromptTypeOfMteb1.query if texts.is_query else PromptTypeOfMteb1.passage
        offered = {
            "task_name": texts.task,
            "prompt_type": role,
            "batch_size": texts.batch_size,
            "show_progress_bar": False,
        }
        named = {name: value for name, value in offered.items() if name in known}
        return _in_batches(lambda batch: encode(batch, **named), texts, whole="batch_size" in named)

    return call


def by_role(query: Callable[..., Any], passage: Callable[..., Any]) -> EncodeTexts:
    """Call one method for queries and another for passages."""
    queries, passages = texts_first(query), texts_first(passage)
    return lambda texts: (queries if texts.is_query else passages)(texts)


def langchain(model: Any) -> EncodeTexts:  # noqa: ANN401
    """Call LangChain's `embed_query` with each query, and `embed_documents` with passages."""

    def call(texts: Call) -> FloatArray:
        if texts.is_query:
            return _in_batches(lambda batch: [model.embed_query(text) for text in batch], texts)
        return _in_batches(model.embed_documents, texts)

    return call


def plain_function(function: Callable[[list[str]], Any]) -> EncodeTexts:
    """Call a function with batches of texts."""
    return lambda texts: _in_batches(function, texts)


def _in_batches(
    encode: Callable[[list[str]], Any], texts: Call, *, whole: bool = False
) -> FloatArray:
    """Return the embeddings of texts that are encoded in batches, or all at once.

    Raises:
        UserError: If not one vector comes back for each text.
    """
    size = len(texts.texts) if whole else texts.batch_size
    return np.concatenate(list(_batches(encode, list(texts.texts), max(1, size))))


def _batches(
    encode: Callable[[list[str]], Any], texts: list[str], size: int
) -> Iterator[FloatArray]:
    dimensions = None
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        vectors = _stacked(encode(batch))
        dimensions = dimensions or vectors.shape[1:]
        if vectors.shape != (len(batch), *dimensions) or vectors.ndim != 2:
            raise UserError(
                f"encode returned an array of shape {vectors.shape} for {len(batch)} texts; "
                f"expected ({len(batch)}, {dimensions[0] if dimensions else 'dimensions'})"
            )
        yield vectors


def _stacked(vectors: Any) -> FloatArray:  # noqa: ANN401
    if isinstance(vectors, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in vectors):
        vectors = torch.stack(list(vectors))
    return as_float32(vectors)
