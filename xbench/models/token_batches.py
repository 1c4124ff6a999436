"""Texts tokenized once and encoded in batches of so many tokens, sorted by tokens.

sentence-transformers sorts texts by characters and cuts batches by count. Where scripts mix,
characters say little about tokens, so that much of what it computes is padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from xbench.models.vectors import FloatArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Task = Literal["query", "document"]
"""Role of a text in the words of sentence-transformers."""

CPU_TOKENS = 1024
"""Tokens of a batch on a CPU, where larger batches are not faster."""

USUAL_LENGTH = 512
"""Tokens of a text for which a batch size is usually chosen, whatever the maximum length."""

PIECE = {"cpu": 512}
GPU_PIECE = 8192
"""Texts whose embeddings leave the device together."""

PER_TOKEN = ("input_ids", "token_type_ids", "attention_mask")
"""Names under which a tokenizer gives one number for each token."""

_UNPADDED: dict[str, Any] = {"text": {"padding": False}, "common": {"return_tensors": None}}


@dataclass(frozen=True)
class Tokenized:
    """Texts as a model takes them, without padding.

    Attributes:
        columns: For each name, an array of shape (tokens,) for each text.
        shared: What all the texts have in common: modality, length of the prompt, task.
        lengths: Tokens of each text, shape (texts,).
        task: Role of the texts.
    """

    columns: Mapping[str, list[NDArray[np.int32]]]
    shared: Mapping[str, Any]
    lengths: NDArray[np.int64]
    task: Task

    def of(self, rows: NDArray[np.intp]) -> Tokenized:
        """Return some of the texts."""
        columns = {name: [own[i] for i in rows] for name, own in self.columns.items()}
        return Tokenized(columns, self.shared, self.lengths[rows], self.task)


class TokenBatches:
    """A SentenceTransformer, every module of which runs, on batches cut by tokens.

    Args:
        model: The model, for which `fits` is true.
        batch_size: How many texts a batch may hold if they are as long as usual; it holds more if
            they are shorter. On a CPU it holds less.

    Attributes:
        tokens: Tokens encoded so far.
        padding: Padding that was encoded with them.
    """

    def __init__(self, model: SentenceTransformer, batch_size: int) -> None:
        self.tokens = self.padding = 0
        self._model = model
        self._budget = batch_size * int(min(model.max_seq_length or USUAL_LENGTH, USUAL_LENGTH))
        if model.device.type == "cpu":
            self._budget = min(self._budget, CPU_TOKENS)

    def tokenize(self, texts: Sequence[str], prompt: str | None, task: Task) -> Tokenized:
        """Tokenize texts as the model does before it encodes them.

        Raises:
            ValueError: If the model makes something else of texts than tokens.
        """
        found = self._model.preprocess(
            list(texts), prompt=prompt, task=task, processing_kwargs=_UNPADDED
        )
        each = {name: value for name, value in found.items() if isinstance(value, list)}
        if "input_ids" not in each or set(each) - set(PER_TOKEN):
            raise ValueError(f"unknown features {sorted(found)}")
        columns = {
            name: [np.asarray(row, np.int32) for row in rows]
            for name, rows in each.items()
            if name != "attention_mask"
        }
        return Tokenized(
            columns=columns,
            shared={name: value for name, value in found.items() if name not in each},
            lengths=np.array([len(row) for row in columns["input_ids"]], np.int64),
            task=task,
        )

    def encode(self, tokenized: Tokenized) -> Iterator[tuple[NDArray[np.intp], FloatArray]]:
        """Yield indices of texts with their embeddings, the longest texts first.

        The embeddings of a piece are copied from the device while the next is computed.
        """
        self._model.eval()
        pending: _OnItsWay | None = None
        for batches in self._pieces(tokenized.lengths):
            following = _OnItsWay(batches, [self._forward(tokenized, rows) for rows in batches])
            if pending is not None:
                yield pending.arrived()
            pending = following
        if pending is not None:
            yield pending.arrived()

    def _pieces(self, lengths: NDArray[np.int64]) -> Iterator[list[NDArray[np.intp]]]:
        """Yield the batches of each piece.

        A batch depends on the texts from its longest on, so that a run that goes on after an
        interruption has the same batches as one that was not interrupted.
        """
        size = PIECE.get(self._model.device.type, GPU_PIECE)
        order = np.argsort(-lengths, kind="stable")
        start, piece, number = 0, [], 0
        while start < len(order):
            batch = order[start : start + max(1, self._budget // int(lengths[order[start]] or 1))]
            piece.append(batch)
            start, number = start + len(batch), number + len(batch)
            if number >= size or start == len(order):
                yield piece
                piece, number = [], 0

    @torch.inference_mode()
    def _forward(self, tokenized: Tokenized, rows: NDArray[np.intp]) -> torch.Tensor:
        lengths = tokenized.lengths[rows]
        self.tokens += int(lengths.sum())
        self.padding += int(lengths.max() * len(rows) - lengths.sum())
        features = self._padded(tokenized, rows)
        found = self._model({**features, **tokenized.shared}, task=tokenized.task)
        embeddings: torch.Tensor = found["sentence_embedding"]
        return embeddings[:, : self._model.truncate_dim].float()

    def _padded(self, tokenized: Tokenized, rows: NDArray[np.intp]) -> dict[str, torch.Tensor]:
        """Return a batch, shape (texts, tokens) each."""
        tokenizer, lengths = self._model.tokenizer, tokenized.lengths[rows]
        place, width = np.arange(lengths.max()), lengths.max()
        filled = place < lengths[:, None]
        if tokenizer.padding_side == "left":
            filled = place >= width - lengths[:, None]
        arrays = {"attention_mask": filled.astype(np.int64)}
        padding = {
            "input_ids": tokenizer.pad_token_id,
            "token_type_ids": tokenizer.pad_token_type_id,
        }
        for name, column in tokenized.columns.items():
            arrays[name] = np.full(filled.shape, padding[name], np.int64)
            arrays[name][filled] = np.concatenate([column[row] for row in rows])
        return {name: self._on_device(array) for name, array in arrays.items()}

    def _on_device(self, array: NDArray[np.int64]) -> torch.Tensor:
        tensor, device = torch.from_numpy(array), self._model.device
        if device.type == "cuda":
            return tensor.pin_memory().to(device, non_blocking=True)
        return tensor.to(device)


class _OnItsWay:
    """Embeddings of a piece that are being computed and copied from the device."""

    def __init__(self, batches: list[NDArray[np.intp]], computed: list[torch.Tensor]) -> None:
        self._rows, device = np.concatenate(batches), torch.cat(computed)
        self._event: torch.cuda.Event | None = None
        if device.device.type != "cuda":
            self._host = device.cpu()
            return
        self._host = torch.empty(device.shape, pin_memory=True)
        self._host.copy_(device, non_blocking=True)
        self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._event.record()

    def arrived(self) -> tuple[NDArray[np.intp], FloatArray]:
        """Wait for the embeddings, and return them after the indices of their texts."""
        if self._event is not None:
            self._event.synchronize()
        return self._rows, self._host.numpy()


def fits(model: Any) -> bool:  # noqa: ANN401
    """Return whether a model takes its texts as tokens from a tokenizer, and gives a vector each.

    So does a SentenceTransformer that begins with a Transformer, or with a Router of such, that
    pads its texts: not one that reads images or messages, expands queries, or packs texts.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    if type(model) is not SentenceTransformer or model.device.type not in ("cpu", "cuda", "mps"):
        return False
    if getattr(model, "_distributed_inference", None) is not None or _is_placed(model):
        return False
    first: Any = model[0]
    routes: Any = first.sub_modules.values() if type(first) is Router else [[first]]
    modules = [route[0] for route in routes]
    if not all(map(_takes_tokens, modules)):
        return False
    return len({_padding(module.tokenizer) for module in modules}) == 1


def _is_placed(model: Any) -> bool:  # noqa: ANN401
    """Return whether accelerate decides where the modules of a model are."""
    return bool(getattr(model, "_placement_is_delegated", False))


def _takes_tokens(module: Any) -> bool:  # noqa: ANN401
    from sentence_transformers.base.modules import Transformer

    return (
        type(module) is Transformer
        and getattr(module.processor, "is_fast", False)
        and module.tokenizer.pad_token_id is not None
        and "message" not in module.modality_config
        and module.query_expansion is None
        and not module.can_flatten_inputs
    )


def _padding(tokenizer: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return tokenizer.pad_token_id, tokenizer.pad_token_type_id, tokenizer.padding_side
