"""An mteb encoder as the engine sees it: texts in, vectors out, prompts and truncation known."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from datasets import Dataset
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import EncoderProtocol
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from xbench._util.errors import UserError
from xbench.models.adapters import TextsEncoder
from xbench.models.embedding_checks import errors_of_encode
from xbench.models.embedding_store import CHUNK, Encoded, Role
from xbench.models.identity import change_token, is_certain, model_identity
from xbench.models.inner import embedding_kind, max_length, sentence_transformer, similarity_name
from xbench.models.matrix_product import MatrixProduct
from xbench.models.parallel_calls import one_by_one
from xbench.models.prompts import PROMPT_TYPES, prompt_text
from xbench.models.token_batches import fits
from xbench.models.token_queue import WINDOW, QueuedTexts, TokenQueue
from xbench.models.vectors import (
    FloatArray,
    Matrices,
    Vectors,
    as_float32,
    sparse_rows,
    sparse_tensor,
    sparse_width,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class EncodingReport:
    """What a run encoded.

    Attributes:
        texts: Distinct texts that the ranks rest on.
        encoded: Of these, how many this process encoded; the others were stored before.
        truncated: Of these, how many were truncated at the model's maximum length.
        tokens: Tokens that a server reported for what was encoded; None if there is no server, or
            it reports none.
        seconds: Seconds that this process took to encode them; None if it encoded nothing, or was
            not timed.
    """

    texts: int
    encoded: int
    truncated: int
    tokens: int | None = None
    seconds: float | None = None


class MtebTextEncoder:
    """An mteb encoder with one task's metadata, from which models choose their prompts.

    Args:
        model: The encoder.
        metadata: Metadata of a task; the three tasks of a dataset give the same prompts.
        encode_kwargs: Keyword arguments of the model's `encode`.
    """

    def __init__(
        self, model: EncoderProtocol, metadata: TaskMetadata, encode_kwargs: Mapping[str, Any]
    ) -> None:
        self._model = model
        self._metadata = metadata
        self._kwargs = {**encode_kwargs, "show_progress_bar": False}
        self.kind = embedding_kind(model)
        self.name = str(model.mteb_model_meta.name)
        self.revision = str(model.mteb_model_meta.revision)
        self.batch_size = int(encode_kwargs.get("batch_size", 32))
        self._queue = self._token_queue()
        self.tokenizer_lock: AbstractContextManager[Any] = (
            nullcontext() if sentence_transformer(model) is None else threading.RLock()
        )
        own_chunk = getattr(model, "texts_at_once", None) or max(CHUNK, self.batch_size)
        self.chunk = own_chunk if self._queue is None else WINDOW
        self.sorts_all = self._queue is not None

    def _token_queue(self) -> TokenQueue | None:
        """Return what encodes texts sorted by tokens, if the model is one for it."""
        inner, usual = sentence_transformer(self._model), {"batch_size", "show_progress_bar"}
        if type(self._model) is not SentenceTransformerEncoderWrapper or set(self._kwargs) - usual:
            return None
        return TokenQueue(self, inner, self.batch_size) if inner and fits(inner) else None

    def prepare(self, texts: Sequence[str], role: Role) -> QueuedTexts | None:
        """Tokenize texts, so that they can be encoded later; None if that makes nothing faster."""
        return None if self._queue is None else self._queue.prepare(texts, role)

    def encode_prepared(self, queued: QueuedTexts, role: Role) -> Encoded:
        """Encode texts that were prepared.

        Raises:
            UserError: If the model fails.
        """
        return cast("TokenQueue", self._queue).encode(queued, role)

    def encode(self, texts: Sequence[str], role: Role) -> Encoded:
        """Encode some texts as queries or as passages.

        Raises:
            UserError: If the model fails.
        """
        queued = self.prepare(texts, role)
        if queued is not None:
            return self.encode_prepared(queued, role)
        return Encoded(vectors=self.own_vectors(texts, role), truncated=self.truncated(texts, role))

    def encode_each(
        self, batches: Iterable[list[str]], role: Role
    ) -> Iterator[tuple[list[str], Encoded]]:
        """Yield batches of texts with their embeddings, each as soon as it is encoded.

        Raises:
            UserError: If the model fails; what it had begun and did encode was yielded before.
        """
        if self._queue is not None:
            yield from self._queue.encode_each(batches, role)
            return
        each: Any = getattr(self._model, "each", one_by_one)
        yield from each(lambda texts: self.encode(texts, role), batches)

    @property
    def tokens(self) -> int | None:
        """Tokens that a server has reported for the texts so far, if the model is served."""
        return getattr(self._model, "tokens", None)

    def vectors(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return the embeddings of some texts, shape (texts, dimensions), or a matrix for each.

        Raises:
            UserError: If the model fails.
        """
        return self.encode(texts, role).vectors

    def own_vectors(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return the embeddings of some texts as the model's own `encode` makes them.

        Raises:
            UserError: If the model fails.
        """
        with self.tokenizer_lock, errors_of_encode(self.name, len(texts), role):
            if self.kind == "multi-vector":
                return [as_float32(own) for own in self._token_vectors(texts, role)]
            encoded = self._encoded(texts, role)
            return sparse_rows(encoded) if self.kind == "sparse" else as_float32(encoded)

    def _encoded(self, texts: Sequence[str], role: Role) -> Any:  # noqa: ANN401
        return self._model.encode(
            self._inputs(texts, role),
            task_metadata=self._metadata,
            hf_split=self._metadata.eval_splits[0],
            hf_subset=self._metadata.hf_subsets[0],
            prompt_type=PROMPT_TYPES[role],
            **cast("Any", self._kwargs),
        )

    def _inputs(self, texts: Sequence[str], role: Role) -> Any:  # noqa: ANN401
        """Return texts as mteb gives them to models; ours only read the batches."""
        if isinstance(self._model, TextsEncoder):
            return [{"text": list(texts)}]
        column = "query" if role == "query" else "body"
        dataset = Dataset.from_dict({"text": list(texts), column: list(texts)})
        return DataLoader(cast("Any", dataset), batch_size=self.batch_size)

    def _token_vectors(self, texts: Sequence[str], role: Role) -> Any:  # noqa: ANN401
        inner = self.sentence_transformer()
        if inner is None:
            return self._encoded(texts, role)
        encode: Any = inner.encode_query if role == "query" else inner.encode_document
        return encode(list(texts), prompt=self.prompt(role), **self._kwargs)

    def similarity(self, queries: Vectors, passages: Vectors) -> FloatArray:
        """Return the model's similarity of every query with every passage.

        Raises:
            UserError: If the model fails.
        """
        try:
            return as_float32(self._model.similarity(*self._as_tensors(queries, passages)))
        except Exception as error:
            raise UserError(
                f"{self.name}: similarity failed ({type(error).__name__}: {error}). What was "
                "encoded is kept."
            ) from error

    def _as_tensors(self, queries: Vectors, passages: Vectors) -> tuple[Any, Any]:
        if self.kind == "sparse" and isinstance(queries, list) and isinstance(passages, list):
            width = max(map(sparse_width, (queries, passages)))
            return sparse_tensor(queries, width), sparse_tensor(passages, width)
        if isinstance(queries, list) and isinstance(passages, list):
            return _tensors(queries), _tensors(passages)
        return torch.from_numpy(queries), torch.from_numpy(passages)

    def matrix_product(self, queries: Vectors) -> MatrixProduct | None:
        """Return the model's similarity to some queries as a matrix product, if it is one.

        That is so for the cosine and the dot product, which NumPy computes faster. What the model
        computes is found by asking it.
        """
        if isinstance(queries, list):
            return None
        random = np.random.default_rng(0)
        one, other = (random.standard_normal((n, queries.shape[1]), np.float32) for n in (2, 3))
        asked = self.similarity(one, other)
        for normalize in (False, True):
            if np.allclose(MatrixProduct(one, normalize)(other), asked, rtol=1e-4, atol=1e-5):
                return MatrixProduct(queries, normalize)
        return None

    def prompt(self, role: Role) -> str | None:
        """Return the text that the model puts before a text of a role, if that is known."""
        return prompt_text(self._model, self._metadata, role)

    def settings(self, role: Role) -> str:
        """Return what decides the embeddings of a role besides the weights."""
        inner = sentence_transformer(self._model)
        return json.dumps(
            {
                "role": role,
                "prompt": self.prompt(role),
                "maximum length": max_length(self._model),
                "dtype": None if inner is None else str(inner.dtype),
                "dimensions": getattr(inner, "truncate_dim", None),
                "encode": {
                    name: str(value)
                    for name, value in sorted(self._kwargs.items())
                    if name not in ("batch_size", "show_progress_bar")
                },
            }
        )

    def described(self, role: Role) -> dict[str, str | int | None]:
        """Return what `settings` says, each under the words in which it is reported."""
        settings = json.loads(self.settings(role))
        return {
            f"{role} prompt": settings["prompt"],
            "maximum length": settings["maximum length"],
            "dtype": settings["dtype"],
            "dimensions": settings["dimensions"],
            "options of encode": json.dumps(settings["encode"]),
        }

    def identity(self, role: Role) -> str | None:
        """Return the digest of what decides the embeddings of a role; None if it is not known."""
        weights = model_identity(self._model)
        if weights is None:
            return None
        return hashlib.sha256(f"{weights}\n{self.settings(role)}".encode()).hexdigest()[:32]

    def change_token(self) -> str:
        """Return a value that changes when the model's text attributes or weights change."""
        return change_token(self._model)

    @property
    def is_certain(self) -> bool:
        """Whether the same identity always means the same weights."""
        return is_certain(self._model)

    @property
    def similarity_name(self) -> str | None:
        """How the model compares embeddings, if that is known."""
        return similarity_name(self._model)

    def weights(self) -> str | None:
        """Return what distinguishes the model's weights from others, or None if it is not known."""
        return model_identity(self._model)

    def sentence_transformer(self) -> SentenceTransformer | None:
        """Return the SentenceTransformer inside the model, if there is one."""
        return sentence_transformer(self._model)

    def truncated(self, texts: Sequence[str], role: Role) -> NDArray[np.bool_]:
        """Return which texts are longer than the model's maximum length, shape (texts,)."""
        inner, limit = sentence_transformer(self._model), max_length(self._model)
        if inner is None or limit is None or not callable(inner.tokenizer):
            return np.zeros(len(texts), np.bool_)
        prompt = self.prompt(role) or ""
        with self.tokenizer_lock:
            tokens = inner.tokenizer(
                [prompt + text for text in texts], truncation=False, verbose=False
            )["input_ids"]
        return np.array([len(ids) > limit for ids in tokens], np.bool_)


def _tensors(matrices: Matrices) -> list[torch.Tensor]:
    return [torch.from_numpy(own) for own in matrices]
