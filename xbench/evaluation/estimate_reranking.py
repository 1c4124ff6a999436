"""What a second stage takes: how many pairs a cross-encoder reads, and how long a pair takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xbench._util.errors import UserError
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.models.forms import as_model
from xbench.models.options import ModelOptions
from xbench.models.reranked import cross_encoder_source
from xbench.search.search_model_ranks import arguments, searcher_of
from xbench.tasks import ParallelCorpusRetrieval, RetrievalTask, StreamedRetrieval


@dataclass(frozen=True)
class Reranking:
    """What a second stage takes.

    Attributes:
        pairs: Pairs of a query and a passage, at most.
        seconds: Time on this machine.
    """

    pairs: int
    seconds: float


def estimate_reranking(
    options: ModelOptions, tasks: Sequence[RetrievalTask], *, offline: bool, seconds: float
) -> Reranking | None:
    """Measure the cross-encoder for some seconds; None if there is none.

    Raises:
        UserError: If there is no such cross-encoder, or the tasks cannot be ranked again.
    """
    if options.rerank is None:
        return None
    if any(isinstance(task, StreamedRetrieval) for task in tasks):
        raise UserError("--rerank cannot be applied to corpora that are streamed (MIRACL)")
    source = cross_encoder_source(options.rerank, options, offline=offline)
    second = as_model(source.load(), source.meta, f"--rerank {options.rerank}")
    own = [task for task in tasks if isinstance(task, ParallelCorpusRetrieval)]
    for task in own:
        task.load_data()
    pairs = sum(_pairs(task, options.rerank_top) for task in own)
    return Reranking(pairs, pairs * _pair_seconds(second, own[0], options, seconds))


def _pairs(task: ParallelCorpusRetrieval, top: int) -> int:
    """Return how many pairs a task has: the first passages of each query of each subset."""
    corpus: ParallelCorpus = task.corpus_data
    pairs = 0
    for subset in task.subsets.values():
        pool = sum(len(corpus.passages[code]) for code in subset.passage_languages)
        asked = corpus.relevant_passages(subset.query_language, subset.passage_languages)
        pairs += len(asked) * min(top, pool)
    return pairs


def _pair_seconds(
    second: Any,  # noqa: ANN401
    task: ParallelCorpusRetrieval,
    options: ModelOptions,
    seconds: float,
) -> float:
    """Return the seconds that a pair takes; the first query is not counted."""
    searcher = searcher_of(second)
    name = task.hf_subsets[0]
    content = task.dataset[name][task.source.split]
    kwargs = {"batch_size": options.batch_size, "show_progress_bar": False}
    common = arguments(type(task).metadata, name, kwargs)
    searcher.index(content["corpus"], **common)
    passages = content["corpus"]["id"][: options.rerank_top]
    queries = content["queries"]
    pairs, started = 0, time.perf_counter()
    for number in range(len(queries)):
        query = queries.select([number])
        top_ranked = {query["id"][0]: passages}
        searcher.search(query, top_k=len(passages), top_ranked=top_ranked, **common)
        if number == 0:
            started = time.perf_counter()
            continue
        pairs += len(passages)
        if time.perf_counter() - started > seconds:
            break
    return (time.perf_counter() - started) / max(1, pairs)
