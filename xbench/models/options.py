"""What a user may say about a model."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

from xbench._util.options import option

DType = Literal["float32", "float16", "bfloat16"]

DTYPES: tuple[DType, ...] = get_args(DType)


@dataclass(frozen=True)
class ModelOptions:
    """A model and how to run it; each field's metadata says what it does.

    A prompt, a length or a type that is None is the model's own.
    """

    model: str = option(
        help="Name in mteb's registry, sentence-transformers hub id or folder, xbench/bm25, "
        "xbench/char-ngram, or path/to/file.py:factory."
    )
    revision: str | None = option(
        None, help="Commit of the model [default: the registry's, or the newest]."
    )
    query_prompt: str | None = option(
        None, help="Text before every query, instead of the model's own prompt."
    )
    passage_prompt: str | None = option(
        None, help="Text before every passage, instead of the model's own prompt."
    )
    max_length: int | None = option(None, help="Maximum length in tokens.", kind=int, minimum=1)
    dtype: DType | None = option(None, help="Type of the model's weights.", choices=DTYPES)
    device: str | None = option(None, help="Device, as torch names it (cpu, cuda, cuda:1, mps).")
    batch_size: int = option(
        32, help="Texts encoded at once.", kind=int, minimum=1, show_default=True
    )

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
