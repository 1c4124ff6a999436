"""Tokenizing ahead: the next passages are tokenized while the model encodes these."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Batches = Mapping[tuple[str, ...], Any]
"""What a model's `preprocess` returns for each batch of texts."""


class TokenizedAhead:
    """A SentenceTransformer whose batches may be tokenized before it asks for them.

    Its `preprocess` is asked with the arguments that the model itself gave last, by a thread that
    is ahead, and the model is then served what came of it. A batch that was not foreseen is
    tokenized when it is asked for, so that nothing but time depends on the foresight.

    Args:
        model: The model, from now on served by this object.
        batch_size: Texts that the model takes at once.

    Attributes:
        served: How many batches were ready when the model asked for them.
        lock: Held while the tokenizer works: its maximum length is set again each time, so that
            two threads would spoil each other's texts. Others who use the tokenizer must hold it.
    """

    def __init__(self, model: SentenceTransformer, batch_size: int) -> None:
        self.served = 0
        self._model = model
        self._batch_size = batch_size
        self._preprocess = model.preprocess
        self._arguments: dict[str, Any] | None = None
        self._ready: dict[tuple[str, ...], Any] = {}
        self.lock = threading.Lock()
        model.preprocess = self._serve  # type: ignore[method-assign, assignment]

    def close(self) -> None:
        """Give the model its own `preprocess` back."""
        del self._model.preprocess

    def prepare(self, texts: Sequence[str]) -> Batches:
        """Tokenize texts in the batches in which the model will ask for them, longest first."""
        arguments = self._arguments
        if arguments is None:
            return {}
        order = np.argsort([-len(text) for text in texts])
        ready = {}
        for start in range(0, len(texts), self._batch_size):
            batch = [texts[i] for i in order[start : start + self._batch_size]]
            with self.lock:
                ready[tuple(batch)] = self._preprocess(batch, **arguments)
        return ready

    def expect(self, batches: Batches) -> None:
        """Serve these batches to the model when it next encodes."""
        self._ready = dict(batches)

    def _serve(self, inputs: Sequence[Any], **arguments: Any) -> Any:  # noqa: ANN401
        ready = None
        if arguments == self._arguments and all(isinstance(text, str) for text in inputs):
            ready = self._ready.pop(tuple(inputs), None)
        if ready is not None:
            self.served += 1
            return ready
        self._arguments = arguments
        with self.lock:
            return self._preprocess(inputs, **arguments)
