"""Where a model is served, as `--model http://localhost:8080/v1` and its options say."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from xbench._util.errors import UserError
from xbench.models.options import ModelOptions

DEFAULT_KEY = "OPENAI_API_KEY"
"""Environment variable that a key is in if no other is named."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")

NOT_OURS = ("model", "input")
"""Fields of a request that are never a user's own."""


@dataclass(frozen=True)
class RoleFields:
    """What the requests of a role say besides their texts.

    Attributes:
        model: Name of the model.
        fields: Other fields.
    """

    model: str
    fields: Mapping[str, Any]

    @property
    def dimensions(self) -> int | None:
        """The dimensions that are asked for, if any."""
        asked = self.fields.get("dimensions")
        return asked if isinstance(asked, int) else None


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served, and how it is asked.

    Attributes:
        url: Address that ends before ``/embeddings``.
        query: What requests for queries say.
        passage: What requests for passages say.
    """

    url: str
    query: RoleFields
    passage: RoleFields

    @property
    def name(self) -> str:
        """The name of the served model, or of both."""
        return "-".join(dict.fromkeys([self.query.model, self.passage.model]))

    @property
    def digest(self) -> str:
        """Digest of all that is known of the model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def is_endpoint(model: str) -> bool:
    """Return whether a text is the address of an endpoint."""
    return re.match("https?://", model, re.IGNORECASE) is not None


def endpoint_of(options: ModelOptions) -> Endpoint:
    """Return the endpoint that options name, which is not contacted.

    Raises:
        UserError: If the address or a field is wrong, or no model is named.
    """
    query = options.served_query_model or options.served_model
    passage = options.served_passage_model or options.served_model
    if query is None or passage is None:
        raise UserError(
            f"--model {_shown(options.model)}: which of the server's models? Name it with "
            "--served-model, or with --served-query-model and --served-passage-model"
        )
    url = _checked_url(options.model)
    roles = (
        ("query", query, options.served_query_options),
        ("passage", passage, options.served_passage_options),
    )
    return Endpoint(url, *(RoleFields(model, _fields(role, own)) for role, model, own in roles))


def _fields(role: str, fields: Mapping[str, Any] | None) -> dict[str, Any]:
    ours = [name for name in NOT_OURS if name in (fields or {})]
    if ours:
        raise UserError(
            f"--served-{role}-options: {ours[0]!r} is set by xbench; expected other fields of a "
            f'request, such as {{"input_type": "{role}"}}'
        )
    return dict(fields or {})


def _shown(url: str) -> str:
    """Return an address without what may be a key in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise UserError(
            f"--model {_shown(url)}: expected an address such as http://localhost:8080/v1, without "
            "user, password, '?' or '#'. Put a key into an environment variable, OPENAI_API_KEY or "
            "the one that --api-key-env names"
        )
    return url.rstrip("/").removesuffix("/embeddings")


def key_of(options: ModelOptions, url: str) -> tuple[str, str | None]:
    """Return the variable that the key is in, and the key, if there is one.

    The default variable is not for a server on another machine whose connection is not encrypted.
    """
    name = options.api_key_env
    if name is not None:
        key = os.environ.get(name)
        if not key:
            raise UserError(
                "--api-key-env: there is no environment variable of this name, or it is empty; "
                "expected the name of the variable that the key is in, such as MY_API_KEY"
            )
        return name, key
    parts = urlsplit(url)
    if parts.scheme.lower() == "http" and parts.hostname not in LOOPBACK:
        return DEFAULT_KEY, None
    return DEFAULT_KEY, os.environ.get(DEFAULT_KEY) or None
