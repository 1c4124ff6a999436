"""A model behind an OpenAI-compatible endpoint, as an mteb encoder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from mteb.models import ModelMeta

from xbench._util.errors import UserError
from xbench._util.hub import retry_seconds
from xbench.models.adapters import TextsEncoder
from xbench.models.calls import Call
from xbench.models.endpoint import Endpoint, key_of
from xbench.models.endpoint_requests import Requests
from xbench.models.options import ModelOptions
from xbench.models.parallel_calls import at_once
from xbench.models.vectors import FloatArray

logger = logging.getLogger(__name__)

PROBE = "Who built the old bridge over the river?"
"""Text that is encoded before any other, in each role."""


def endpoint_loader(options: ModelOptions, endpoint: Endpoint) -> Callable[[ModelMeta], Any]:
    """Return what makes an encoder of an endpoint, under a name.

    Raises:
        UserError: If the client library or the key is missing.
    """
    if find_spec("openai") is None:
        raise UserError(
            f"--model {endpoint.url}: needs the package openai: pip install 'xbench-mteb[api]'"
        )
    name, key = key_of(options, endpoint.url)

    def load(meta: ModelMeta) -> EndpointEncoder:
        requests = Requests(endpoint.url, key, name, retry_seconds())
        encoder = EndpointEncoder(
            meta, endpoint, requests, options.request_texts, options.requests_at_once
        )
        encoder.probe(prompts_differ=options.query_prompt != options.passage_prompt)
        return encoder

    return load


class EndpointEncoder(TextsEncoder):
    """A model behind an endpoint, as an mteb encoder.

    Args:
        meta: Name and revision.
        endpoint: Where the model is, and how it is asked.
        requests: What sends requests.
        texts_at_once: Texts in a request.
        calls: Requests that run at once.

    Attributes:
        texts_at_once: Texts in a request.
    """

    def __init__(
        self,
        meta: ModelMeta,
        endpoint: Endpoint,
        requests: Requests,
        texts_at_once: int,
        calls: int,
    ) -> None:
        super().__init__(endpoint, meta, self._vectors)
        self.texts_at_once = texts_at_once
        self._endpoint, self._requests, self._calls = endpoint, requests, calls
        self._dimensions: int | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens that the server has reported; None if it reported none."""
        return self._requests.tokens

    @property
    def usage(self) -> str:
        """What was sent, for messages."""
        tokens = "no tokens reported" if self.tokens is None else f"{self.tokens:,} tokens"
        return f"{self._requests.count:,} requests answered, {tokens}"

    def each(
        self, function: Callable[[list[str]], Any], batches: Iterable[list[str]]
    ) -> Iterator[tuple[list[str], Any]]:
        """Call a function with batches of texts, several at once; see `at_once`."""
        return at_once(function, batches, self._calls, self._requests.give_up)

    def _vectors(self, call: Call) -> FloatArray:
        size, texts = self.texts_at_once, list(call.texts)
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        if len(batches) == 1:
            return self._request(texts, is_query=call.is_query)
        found: list[Any] = [None] * len(batches)
        numbered = enumerate(batches)
        requested = at_once(
            lambda item: self._request(item[1], is_query=call.is_query),
            numbered,
            self._calls,
            self._requests.give_up,
        )
        for (place, _), vectors in requested:
            found[place] = vectors
        return np.concatenate(found)

    def _request(self, texts: list[str], *, is_query: bool) -> FloatArray:
        role = self._endpoint.query if is_query else self._endpoint.passage
        expected = role.dimensions or self._dimensions
        vectors = self._requests.embeddings(role.model, texts, role.fields, expected)
        self._dimensions = self._dimensions or vectors.shape[1]
        return vectors

    def probe(self, *, prompts_differ: bool) -> None:
        """Encode a text in each role, so that what is wrong is found before much is sent.

        Raises:
            UserError: If the endpoint is not there or refuses.
        """
        vectors = self._request([PROBE], is_query=True)
        name = self._endpoint.name
        if self._endpoint.query != self._endpoint.passage:
            if np.allclose(self._request([PROBE], is_query=False), vectors, rtol=0, atol=1e-6):
                logger.warning(
                    "%s: the server gives a text the same embedding as a query and as a passage. "
                    "If the model distinguishes them, check the names in --served-query-model and "
                    "--served-query-options, and those for passages.",
                    name,
                )
        elif not prompts_differ:
            logger.warning(
                "%s: queries and passages are sent alike. If the model distinguishes them, name "
                "their roles as the server expects them with --served-query-options and "
                "--served-passage-options, or give their prompts with --query-prompt and "
                "--passage-prompt if the server adds none.",
                name,
            )
