"""What a run sends to an endpoint: characters, requests and tokens, found without sending any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.download import DataLocation
from xbench.evaluation.estimate_reranking import Reranking, estimate_reranking
from xbench.evaluation.estimate_workloads import Workload, workloads_of
from xbench.evaluation.evaluate_tasks import chosen_tasks
from xbench.evaluation.run_settings import Selection
from xbench.models.endpoint import endpoint_of
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.models.same_model import TEXTS
from xbench.search.options import SearchOptions


@dataclass(frozen=True)
class Sent:
    """What is sent of one language of a dataset, or for another purpose.

    Attributes:
        dataset: Title of the dataset, or the purpose.
        language: ISO 639-1 code; empty for another purpose.
        texts: Queries and passages.
        requests: Requests that they are sent in.
        characters: Characters of the texts, prompts included.
        tokens: Tokens of the texts; None if no tokenizer is named.
    """

    dataset: str
    language: str
    texts: int
    requests: int
    characters: float
    tokens: float | None


@dataclass(frozen=True)
class RequestsEstimate:
    """What a run sends if nothing of it is stored.

    Attributes:
        sent: What is sent of each language.
        checks: What is sent at most to see which model answers.
        reranking: What a second stage takes on this machine.
    """

    sent: Sequence[Sent]
    checks: Sent
    reranking: Reranking | None


def estimate_requests(
    options: ModelOptions,
    selection: Selection,
    *,
    tokenizer: str | None = None,
    location: DataLocation | None = None,
    search: SearchOptions | None = None,
    seconds: float = 60.0,
) -> RequestsEstimate:
    """Return what an evaluation of a served model sends; nothing is sent for it.

    Args:
        options: The model and how to run it.
        selection: What to evaluate on.
        tokenizer: Name or folder of a tokenizer to count tokens with.
        location: Where the data is; by default as the environment says.
        search: How to read corpora that are streamed.
        seconds: How long to measure a cross-encoder of a second stage.

    Raises:
        UserError: If a name, file or option is wrong.
    """
    location = location or DataLocation.from_environment()
    with hub_access(offline=location.offline):
        find_model(options, offline=location.offline)
        count = None if tokenizer is None else _counter(tokenizer)
        tasks = chosen_tasks(selection, location, search or SearchOptions())
        sent = [_sent(workload, options, count) for workload in workloads_of(tasks)]
        second = estimate_reranking(options, tasks, offline=location.offline, seconds=seconds)
    return RequestsEstimate(sent, _checks(sent, options), second)


def _counter(name: str) -> Callable[[Sequence[str]], float]:
    """Return what gives the mean number of tokens of some texts.

    Raises:
        UserError: If there is no such tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name)
    except Exception as error:
        raise UserError(
            f"--tokenizer {name}: cannot be loaded ({type(error).__name__}); expected a folder or "
            "a name on the Hugging Face hub, such as intfloat/multilingual-e5-small"
        ) from error

    def mean(texts: Sequence[str]) -> float:
        found = tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        return float(np.mean([len(ids) for ids in found])) if found else 0.0

    return mean


def _sent(
    workload: Workload, options: ModelOptions, count: Callable[[Sequence[str]], float] | None
) -> Sent:
    queries = list(dict.fromkeys(workload.own_queries))
    roles = (
        (queries, len(queries), options.query_prompt or ""),
        (workload.sample, workload.passages, options.passage_prompt or ""),
    )
    size = options.request_texts
    characters, tokens = 0.0, 0.0
    for texts, number, prompt in roles:
        whole = [prompt + text for text in texts]
        characters += number * float(np.mean([len(text) for text in whole] or [0]))
        tokens += number * count(whole) if count else 0
    return Sent(
        workload.dataset,
        workload.language,
        texts=len(queries) + workload.passages,
        requests=-(-len(queries) // size) - (-workload.passages // size),
        characters=characters,
        tokens=tokens if count else None,
    )


def _checks(sent: Sequence[Sent], options: ModelOptions) -> Sent:
    """Return what is sent besides: a text of each role, and eight of each for every dataset."""
    endpoint = endpoint_of(options)
    first = 1 if endpoint.query == endpoint.passage else 2
    datasets = len({own.dataset for own in sent})
    compared = 2 * TEXTS * datasets
    texts = sum(own.texts for own in sent)
    share = (first + compared) / texts
    tokens = [own.tokens for own in sent if own.tokens is not None]
    return Sent(
        "checks",
        "",
        texts=first + compared,
        requests=first + 2 * datasets * -(-TEXTS // options.request_texts),
        characters=share * sum(own.characters for own in sent),
        tokens=share * sum(tokens) if tokens else None,
    )
