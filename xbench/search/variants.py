"""Variants of embeddings: the first dimensions of each, as bytes, or as bits.

They come from the embeddings of one run of the model. In int8, each dimension is divided into 255
equal steps between its least and its greatest value in the passages; queries outside that range get
its end. A binary embedding has the sign of each dimension, and is compared by the number of
equal signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from xbench._util.errors import UserError
from xbench.models.vectors import FloatArray
from xbench.results.variant_names import label

QUANTIZATIONS = ("int8", "binary")
STEPS = 255


@dataclass(frozen=True)
class Variant:
    """What is made of embeddings.

    Attributes:
        dim: Number of the first dimensions that are kept; None keeps all.
        quantize: How each number is kept: int8 or binary; None as it is.
    """

    dim: int | None = None
    quantize: str | None = None

    @property
    def settings(self) -> dict[str, int | str]:
        """What makes the results other than those of the model, as they are named."""
        own = {"dim": self.dim, "quantize": self.quantize}
        return {name: value for name, value in own.items() if value is not None}

    @property
    def recorded(self) -> dict[str, int | str]:
        """The variant as the record of a run has it."""
        return self.settings | ({"ranges": "passages"} if self.quantize == "int8" else {})

    @property
    def option(self) -> str:
        """The variant as `--variants` takes it."""
        return ";".join(f"{name}={value}" for name, value in self.settings.items())

    def __str__(self) -> str:
        return label(self.settings)


def variants_of(lists: Sequence[str]) -> tuple[Variant, ...]:
    """Return the variants that lists name: of each list, every dimension × every quantisation.

    Raises:
        UserError: If a list is wrong.

    >>> [str(own) for own in variants_of(["dim=64,128", "dim=64;quantize=int8,binary"])]
    ['dim=64', 'dim=128', 'dim=64,int8', 'dim=64,binary']
    """
    return tuple(dict.fromkeys(own for text in lists for own in _of_list(text)))


def _of_list(text: str) -> list[Variant]:
    dims: list[int | None] = []
    kinds: list[str | None] = []
    for part in filter(None, re.split(r"[;\s]+", text)):
        name, _, values = part.partition("=")
        given = [value for value in values.split(",") if value]
        if name == "dim" and given and all(re.fullmatch("[1-9][0-9]{0,5}", own) for own in given):
            dims += map(int, given)
        elif name == "quantize" and given and set(given) <= set(QUANTIZATIONS):
            kinds += given
        else:
            raise UserError(
                f"--variants {text!r}: {part!r}; expected dim=64,128, quantize=int8,binary, or "
                "both with ';' between them"
            )
    if not (dims or kinds):
        raise UserError("--variants: an empty list; expected such as dim=64,128")
    return [Variant(*own) for own in product(dims or [None], kinds or [None])]


class VariantVectors:
    """Makes a variant of embeddings.

    Args:
        variant: The variant.
        passages: Embeddings of all passages, from which ranges are taken, shape (passages,
            dimensions).
        name: Name of the model, for messages.

    Raises:
        UserError: If there are no such dimensions, or not one vector for each text.
    """

    def __init__(self, variant: Variant, passages: Any, name: str) -> None:  # noqa: ANN401
        if not isinstance(passages, np.ndarray):
            raise UserError(
                f"--variants cannot be applied: {name} gives a text several vectors, or a sparse "
                "one. Leave the option out."
            )
        whole = passages.shape[1]
        if variant.dim is not None and variant.dim > whole:
            raise UserError(
                f"--variants dim={variant.dim}: the embeddings of {name} have {whole} dimensions; "
                "expected at most that many"
            )
        self._variant = variant
        own = passages[:, : variant.dim]
        self._least = own.min(axis=0)
        step = (own.max(axis=0) - self._least) / STEPS
        self._step = np.where(step > 0, step, 1).astype(np.float32)

    def __call__(self, vectors: FloatArray) -> FloatArray:
        """Return the variant of some embeddings, decoded, shape (texts, kept dimensions)."""
        own = vectors[:, : self._variant.dim]
        if self._variant.quantize == "binary":
            return np.where(own > 0, 1, -1).astype(np.float32)
        if self._variant.quantize == "int8":
            codes = np.clip(np.rint((own - self._least) / self._step), 0, STEPS)
            return np.asarray(self._least + codes * self._step, np.float32)
        return np.ascontiguousarray(own)
