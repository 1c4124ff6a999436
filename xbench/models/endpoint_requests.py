"""Requests to an OpenAI-compatible endpoint: tried again where that helps, counted, and checked.

The key is known to the client alone; what a server says is repeated without it.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xbench._util.errors import UserError
from xbench._util.network import Failure, failure_of
from xbench.models.vectors import FloatArray

if TYPE_CHECKING:
    from openai import APIError

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
"""Seconds before a failed request is sent again: doubled each time, up to the second."""

NO_KEY = "none"
"""What is sent as key where there is none, as the client sends one in any case."""


class Requests:
    """Requests for embeddings.

    Args:
        url: Address that ends before ``/embeddings``.
        key: The key; None sends none.
        key_name: The environment variable that the key is in, for messages.
        retry_seconds: How long a request that fails is sent again.

    Attributes:
        count: Requests that were answered with embeddings.
        tokens: Tokens that the server reported for them; None if it reported none.
    """

    def __init__(self, url: str, key: str | None, key_name: str, retry_seconds: int) -> None:
        from openai import OpenAI

        self.count = 0
        self.tokens: int | None = None
        self._url, self._key, self._key_name = url, key, key_name
        self._retry_seconds = retry_seconds
        self._client = OpenAI(base_url=url, api_key=key or NO_KEY, max_retries=0)
        self._counting = threading.Lock()
        self._given_up = threading.Event()
        self._not_before = 0.0

    def __getstate__(self) -> None:
        raise TypeError("requests hold a key and stay in their process")

    def give_up(self) -> None:
        """End the waiting of requests that failed, for good."""
        self._given_up.set()

    def embeddings(
        self, model: str, texts: Sequence[str], fields: Mapping[str, Any], dimensions: int | None
    ) -> FloatArray:
        """Return the embeddings of some texts, shape (texts, dimensions).

        Args:
            model: Name of the model.
            texts: The texts of one request.
            fields: Other fields of the request.
            dimensions: Expected dimensions; None takes any.

        Raises:
            UserError: If the server cannot be reached, refuses, or answers with something else
                than one finite vector of these dimensions for each text.
        """
        content = self._answer(model, texts, fields)
        try:
            answer = json.loads(content)
            if not isinstance(answer, dict):
                raise ValueError(f"expected an object, got {type(answer).__name__}")
            vectors = _vectors(answer.get("data"), len(texts))
            usage = answer.get("usage")
        except (ValueError, TypeError) as error:
            raise UserError(self._without_key(f"{self._url}: {model}: {error}")) from None
        self._add(usage if isinstance(usage, dict) else {})
        _check(f"{self._url}: {model}", vectors, texts, dimensions)
        return vectors

    def _add(self, usage: Mapping[str, Any]) -> None:
        tokens = usage.get("total_tokens", usage.get("prompt_tokens"))
        with self._counting:
            self.count += 1
            if isinstance(tokens, int):
                self.tokens = tokens + (self.tokens or 0)

    def _answer(self, model: str, texts: Sequence[str], fields: Mapping[str, Any]) -> bytes:
        from openai import APIConnectionError, APIError, APIStatusError

        started, attempt = time.monotonic(), 0
        while True:
            self._wait_until(self._not_before)
            try:
                raw = self._client.embeddings.with_raw_response.create(
                    model=model, input=list(texts), extra_body=dict(fields)
                )
                return bytes(raw.content)
            except (APIConnectionError, APIStatusError) as error:
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.75, 1)
                failure = failure_of(error) or Failure(type(error).__name__)
                asked = failure.retry_after
                if asked is not None:
                    wait = asked + wait / 10
                left = started + self._retry_seconds - time.monotonic()
                if self._given_up.is_set() or not self._may_help(error, failure) or wait > left:
                    raise self._refused(error, model, texts, failure) from None
                if asked is not None:
                    self._not_before = max(self._not_before, time.monotonic() + asked)
                logger.debug("%s: sent again in %.1f s", self._url, wait)
                self._wait_until(time.monotonic() + wait)
                attempt += 1
            except APIError as error:
                raise self._refused(error, model, texts, Failure("")) from None

    def _wait_until(self, moment: float) -> None:
        self._given_up.wait(max(0.0, moment - time.monotonic()))

    def _may_help(self, error: APIError, failure: Failure) -> bool:
        """Return whether sending a request again may help."""
        if failure.status:
            return failure.is_transient and error.code != "insufficient_quota"
        unreached = type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout")
        return self.count > 0 or not unreached

    def _refused(
        self, error: APIError, model: str, texts: Sequence[str], failure: Failure
    ) -> UserError:
        status, asked = failure.status, failure.retry_after
        sent = f"the key in {self._key_name}" if self._key else "no key"
        if not status:
            why = type(error.__cause__ or error).__name__
            advice = f"cannot be reached ({why}). Is the server running, and the address right?"
        elif status in (401, 403):
            advice = (
                f"refused {sent} ({status}: {_said(error)}). Put a valid key into an environment "
                "variable, OPENAI_API_KEY or the one that --api-key-env names."
            )
        elif status == 404:
            advice = (
                f"not found (404: {_said(error)}). Expected an address to which /embeddings can be "
                "added, such as http://localhost:8080/v1, and a model that the server has."
            )
        else:
            longest = max(map(len, texts))
            advice = (
                f"refused {len(texts)} texts of up to {longest:,} characters ({status}: "
                f"{_said(error)})."
            )
            if asked is not None:
                advice += f" It asks to wait {asked:,.0f} s."
            if failure.is_transient:
                advice += (
                    f" Sent again for at most {self._retry_seconds} s: repeat the command later, "
                    "raise --retry-seconds, or lower --requests-at-once."
                )
        return UserError(self._without_key(f"{self._url}: {model}: {advice}"))

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _said(error: APIError) -> str:
    """Return what a server said of an error, in a line."""
    body: Any = error.body
    while isinstance(body, dict) and (inner := body.get("error") or body.get("message")):
        body = inner
    text = " ".join(str(body if body is not None else error.message).split())
    return text if len(text) <= 300 else f"{text[:300]} …"


def _vectors(data: Any, texts: int) -> FloatArray:  # noqa: ANN401
    """Return the embeddings in an answer, in the order of the texts.

    Raises:
        ValueError: If there is not one vector for each text, all of the same dimensions.
        TypeError: If an entry is not one.
    """
    if not isinstance(data, list) or not all(isinstance(own, dict) for own in data):
        raise ValueError("the answer has no list of embeddings in `data`")
    if len(data) != texts:
        raise ValueError(f"{len(data)} embeddings came back for {texts} texts")
    places = [own.get("index", place) for place, own in enumerate(data)]
    if sorted(places) != list(range(texts)):
        raise ValueError(f"the `index` of the embeddings is not 0 to {texts - 1}, each once")
    rows: list[Any] = [None] * texts
    for place, own in zip(places, data, strict=True):
        rows[place] = _row(own.get("embedding"))
    sizes = sorted({len(row) for row in rows})
    if len(sizes) > 1:
        raise ValueError(f"embeddings of {sizes[0]} and of {sizes[-1]} dimensions came back")
    return np.array(rows, np.float32)


def _row(embedding: Any) -> FloatArray:  # noqa: ANN401
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    row = np.array(embedding, np.float32)
    if row.ndim != 1:
        raise ValueError(f"an embedding of shape {row.shape} came back; expected a list of numbers")
    return row


def _check(who: str, vectors: FloatArray, texts: Sequence[str], dimensions: int | None) -> None:
    found = vectors.shape[1]
    if found == 0 or found != (dimensions or found):
        raise UserError(
            f"{who}: embeddings of {found} dimensions came back; expected "
            f"{dimensions or 'at least 1'}"
        )
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise UserError(
            f"{who}: the embeddings of {int(bad.sum())} of {len(texts)} texts hold NaN or "
            f"infinity, first of {texts[int(np.argmax(bad))][:80]!r}; expected finite numbers"
        )
