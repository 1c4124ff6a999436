"""What a user may say about a model."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from xbench._util.options import option

DType = Literal["float32", "float16", "bfloat16"]

DTYPES: tuple[DType, ...] = get_args(DType)


SIMPLE = ("model", "revision", "query_prompt", "passage_prompt", "max_length", "dtype", "device")
"""Options that every record of a run names; the others are named where they are set."""


ENDPOINT_OPTIONS = (
    *("served_model", "served_query_model", "served_passage_model"),
    *("served_query_options", "served_passage_options", "api_key_env"),
    *("request_texts", "requests_at_once"),
)
"""Options of a model behind an endpoint only."""


@dataclass(frozen=True)
class ModelOptions:
    """A model and how to run it; each field's metadata says what it does.

    A prompt, a length or a type that is None is the model's own.
    """

    model: str = option(
        help="Name in mteb's registry, sentence-transformers hub id or folder, xbench/bm25, "
        "xbench/char-ngram, path/to/file.py:NAME, package.module:NAME, or the address of an "
        "OpenAI-compatible endpoint such as http://localhost:8080/v1."
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
    name: str | None = option(
        None,
        help="Name of a folder, file, object or served model in its results, organisation/model "
        "[default: local/ and its own].",
    )
    model_kwargs: dict[str, Any] | None = option(
        None,
        help="Arguments of the class or factory that makes the model, as JSON such as "
        "'{\"dim\": 256}'.",
        kind=dict,
    )
    trust_remote_code: bool = option(
        False, help="Run Python code that comes with the model.", kind=bool
    )
    truncate_dim: int | None = option(
        None, help="Keep the first dimensions of each embedding only.", kind=int, minimum=1
    )
    rerank: str | None = option(
        None, help="Cross-encoder that ranks again what the model ranks first; as --model."
    )
    rerank_top: int = option(
        100, help="Passages of each query that --rerank takes.", kind=int, minimum=1
    )
    served_model: str | None = option(None, help="Endpoint: name of the model there.")
    served_query_model: str | None = option(
        None, help="Endpoint: name of the model that encodes queries, if it is another."
    )
    served_passage_model: str | None = option(
        None, help="Endpoint: name of the model that encodes passages, if it is another."
    )
    served_query_options: dict[str, Any] | None = option(
        None,
        help="Endpoint: other fields of the requests for queries, as JSON such as "
        '\'{"input_type": "query"}\'.',
        kind=dict,
    )
    served_passage_options: dict[str, Any] | None = option(
        None, help="Endpoint: other fields of the requests for passages, as JSON.", kind=dict
    )
    api_key_env: str | None = option(
        None, help="Endpoint: environment variable that the key is in [default: OPENAI_API_KEY]."
    )
    request_texts: int = option(
        64, help="Endpoint: texts in a request.", kind=int, minimum=1, show_default=True
    )
    requests_at_once: int = option(
        8, help="Endpoint: requests that run at once.", kind=int, minimum=1, show_default=True
    )

    @property
    def non_default_settings(self) -> dict[str, str | int]:
        """The options that change a model's scores, as they name the folder of their results."""
        values = {
            "query_prompt": _named(self.query_prompt),
            "passage_prompt": _named(self.passage_prompt),
            "max_length": self.max_length,
            "dtype": self.dtype,
            "model_kwargs": _named(self.arguments),
            "truncate_dim": self.truncate_dim,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def arguments(self) -> str | None:
        """The arguments of the class or factory as JSON, whatever the order they were given in."""
        return json.dumps(self.model_kwargs, sort_keys=True) if self.model_kwargs else None

    @property
    def given(self) -> dict[str, Any]:
        """The options that are not at their defaults, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in values.items() if value != defaults[name]}

    @property
    def recorded(self) -> dict[str, Any]:
        """The options as the record of a run has them."""
        return {name: getattr(self, name) for name in (*SIMPLE, "batch_size")} | self.given


def _named(text: str | None) -> str | None:
    """Return a name for a text that is safe in a path and different for different texts.

    >>> _named("query: ")
    'query-08a8bf6b'
    """
    if text is None:
        return None
    words = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:24]
    return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
