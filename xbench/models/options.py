"""What a user may say about a model."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

DType = Literal["float32", "float16", "bfloat16"]

DTYPES: tuple[DType, ...] = get_args(DType)


@dataclass(frozen=True)
class ModelOptions:
    """A model and how to run it.

    Attributes:
        model: Name in mteb's registry, sentence-transformers hub id or folder, ``xbench/bm25``,
            ``xbench/char-ngram``, or ``path/to/file.py:factory``.
        revision: Commit of the model; None for the registry's, or the newest.
        query_prompt: Text put before every query instead of the model's own prompt.
        passage_prompt: Text put before every passage instead of the model's own prompt.
        max_length: Maximum length in tokens, instead of the model's own.
        dtype: Type of the model's weights, instead of the model's own.
        device: Device to run on, as torch names it; None chooses.
        batch_size: Texts encoded at once.
    """

    model: str
    revision: str | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None
    max_length: int | None = None
    dtype: DType | None = None
    device: str | None = None
    batch_size: int = 32

    @property
    def non_default_settings(self) -> dict[str, str | int]:
        """The options that change a model's scores, as they name the folder of their results."""
        values = {
            "query_prompt": _named(self.query_prompt),
            "passage_prompt": _named(self.passage_prompt),
            "max_length": self.max_length,
            "dtype": self.dtype,
        }
        return {name: value for name, value in values.items() if value is not None}


def _named(prompt: str | None) -> str | None:
    """Return a name for a prompt that is safe in a path and different for different prompts.

    >>> _named("query: ")
    'query-08a8bf6b'
    """
    if prompt is None:
        return None
    words = re.sub(r"[^A-Za-z0-9]+", "-", prompt).strip("-")[:24]
    return f"{words}-{hashlib.sha256(prompt.encode()).hexdigest()[:8]}"
