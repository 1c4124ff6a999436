"""All texts of a role in one queue sorted by tokens, if that gives the model's own embeddings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xbench.models.embedding_checks import errors_of_encode
from xbench.models.embedding_store import CHUNK, Encoded, Role
from xbench.models.parallel_calls import one_ahead
from xbench.models.same_model import least_cosine
from xbench.models.token_batches import Task, TokenBatches, Tokenized
from xbench.models.vectors import FloatArray, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

WINDOW = 100_000
"""Texts that are tokenized and sorted together."""

FEWEST = 64
"""Texts from which on sorting is worth its trial."""

TRIAL = 8
"""Texts that are also encoded by the model itself, to see that the embeddings are the same."""

LEAST_COSINE = {"float32": 0.99999}
LEAST_COSINE_OF_HALF = 0.999
"""Cosine that both embeddings of each text of the trial have at least, by type of the weights."""

TASKS: dict[Role, Task] = {"query": "query", "passage": "document"}


class OwnEncoder(Protocol):
    """What a model does with texts by itself.

    Attributes:
        name: Name of the model, for messages.
        tokenizer_lock: Held by whoever uses the tokenizer, whose settings change with each call.
    """

    name: str
    tokenizer_lock: AbstractContextManager[Any]

    def prompt(self, role: Role) -> str | None:
        """Return the text that the model puts before a text of a role."""
        ...

    def own_vectors(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return the embeddings of texts as the model makes them."""
        ...

    def truncated(self, texts: Sequence[str], role: Role) -> NDArray[np.bool_]:
        """Return which texts are longer than the model's maximum length."""
        ...


@dataclass(frozen=True)
class QueuedTexts:
    """Texts that are ready to be encoded.

    Attributes:
        texts: The texts.
        tokenized: The same, tokenized.
        truncated: Which of them are longer than the model's maximum length, shape (texts,).
    """

    texts: Sequence[str]
    tokenized: Tokenized
    truncated: NDArray[np.bool_]


class TokenQueue:
    """Encodes texts sorted by tokens.

    Args:
        own: The model by itself.
        model: The SentenceTransformer inside it, for which `token_batches.fits` is true.
        batch_size: How many texts a batch may hold if they are as long as usual.
    """

    def __init__(self, own: OwnEncoder, model: SentenceTransformer, batch_size: int) -> None:
        self._own = own
        self._batches = TokenBatches(model, batch_size)
        self._least_cosine = LEAST_COSINE.get(
            str(model.dtype).removeprefix("torch."), LEAST_COSINE_OF_HALF
        )
        self._agrees: dict[Role, bool] = {}

    def prepare(self, texts: Sequence[str], role: Role) -> QueuedTexts | None:
        """Tokenize texts; None if they are few, or the model has to encode them itself."""
        if len(texts) < FEWEST or not self._agrees.get(role, True):
            return None
        try:
            with self._own.tokenizer_lock:
                tokenized = self._batches.tokenize(texts, self._own.prompt(role), TASKS[role])
            if role not in self._agrees:
                self._agrees[role] = self._try(texts, tokenized, role)
        except Exception:  # whatever it is, the model says it better itself
            self._agrees[role] = False
        if not self._agrees[role]:
            return None
        return QueuedTexts(texts, tokenized, self._truncated(texts, tokenized, role))

    def encode(self, queued: QueuedTexts, role: Role) -> Encoded:
        """Return the embeddings of texts that are ready.

        Raises:
            UserError: If the model fails.
        """
        pieces = list(self._pieces(queued, role))
        rows = np.argsort(np.concatenate([rows for rows, _ in pieces]))
        return Encoded(np.concatenate([own for _, own in pieces])[rows], queued.truncated)

    def encode_each(
        self, windows: Iterable[list[str]], role: Role
    ) -> Iterator[tuple[list[str], Encoded]]:
        """Yield texts with their embeddings, piece by piece.

        A window is tokenized while the one before it is encoded.

        Raises:
            UserError: If the model fails.
        """
        for texts, queued in one_ahead(lambda window: self.prepare(window, role), windows):
            if queued is None:
                yield from self._own_each(texts, role)
                continue
            for rows, vectors in self._pieces(queued, role):
                yield [texts[i] for i in rows.tolist()], Encoded(vectors, queued.truncated[rows])
        self._report()

    def _pieces(
        self, queued: QueuedTexts, role: Role
    ) -> Iterator[tuple[NDArray[np.intp], FloatArray]]:
        with errors_of_encode(self._own.name, len(queued.texts), role):
            yield from self._batches.encode(queued.tokenized)

    def _own_each(self, texts: list[str], role: Role) -> Iterator[tuple[list[str], Encoded]]:
        for start in range(0, len(texts), CHUNK):
            own = texts[start : start + CHUNK]
            yield own, Encoded(self._own.own_vectors(own, role), self._own.truncated(own, role))

    def _report(self) -> None:
        tokens, padding = self._batches.tokens, self._batches.padding
        if tokens:
            share = 100 * padding / (tokens + padding)
            logger.info("%s: %s tokens encoded, %.1f %% padding", self._own.name, tokens, share)
        self._batches.tokens = self._batches.padding = 0

    def _truncated(
        self, texts: Sequence[str], tokenized: Tokenized, role: Role
    ) -> NDArray[np.bool_]:
        """Return which texts were truncated: none but those that have the most tokens."""
        truncated = np.zeros(len(texts), np.bool_)
        longest = np.flatnonzero(tokenized.lengths == tokenized.lengths.max())
        truncated[longest] = self._own.truncated([texts[i] for i in longest.tolist()], role)
        return truncated

    def _try(self, texts: Sequence[str], tokenized: Tokenized, role: Role) -> bool:
        """Return whether some texts, none longer than most, have the model's own embeddings.

        They are encoded in other batches than the model's, so that they do not have them if a
        text's embedding depends on the others of its batch.
        """
        order = np.argsort(tokenized.lengths, kind="stable")
        middle = np.linspace(0, len(order) // 2, TRIAL).astype(np.intp)
        rows = np.concatenate([order[middle[::2]], order[middle[1::2]]])
        found = [
            vectors[np.argsort(own)]
            for part in np.split(rows, 2)
            for own, vectors in self._batches.encode(tokenized.of(part))
        ]
        own = self._own.own_vectors([texts[i] for i in rows.tolist()], role)
        return bool(least_cosine(np.concatenate(found), own) >= self._least_cosine)
