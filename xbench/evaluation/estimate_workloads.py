"""What is encoded for some tasks: the passages of each language, once for all tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from xbench.data.streamed.corpus import first_rows
from xbench.search.exact_ranks import distinct_texts
from xbench.tasks import ParallelCorpusRetrieval, RetrievalTask, StreamedRetrieval

SAMPLE = 4096
"""Passages of a language from which samples are drawn."""

HUB_SAMPLE = 2048
"""Passages of a language that are fetched from the hub."""

SEED = 0


@dataclass(frozen=True)
class Workload:
    """What is encoded of one language of a dataset, once for all chosen tasks.

    Attributes:
        dataset: Title of the dataset.
        language: ISO 639-1 code.
        passages: Number of passages.
        queries: Number of queries that are compared with each passage.
        own_queries: Texts of the queries of the language.
        sample: Some of the passages.
    """

    dataset: str
    language: str
    passages: int
    queries: int
    own_queries: Sequence[str]
    sample: Sequence[str]


def workloads_of(tasks: Sequence[RetrievalTask]) -> list[Workload]:
    """Return what is encoded for some tasks, those of a dataset together."""
    by_dataset: dict[str, list[RetrievalTask]] = {}
    for task in tasks:
        by_dataset.setdefault(task.source.title, []).append(task)
    return [workload for own in by_dataset.values() for workload in _dataset_workloads(own)]


def _dataset_workloads(tasks: Sequence[RetrievalTask]) -> Iterator[Workload]:
    settings = {task.setting for task in tasks}
    task = max(tasks, key=lambda task: len(task.subsets))
    if isinstance(task, StreamedRetrieval):
        samples = _local_samples(task) if task.location.data_dir else _hub_samples(task)
    else:
        samples = _parallel_samples(cast("ParallelCorpusRetrieval", task))
    found = list(samples)
    every = sum(len(queries) for _, _, queries, _ in found)
    for code, passages, queries, texts in found:
        compared = every if settings - {"monolingual"} else len(queries)
        sample = random.Random(SEED).sample(list(texts), min(SAMPLE, len(texts)))
        yield Workload(task.source.title, code, passages, compared, queries, sample)


Samples = Iterator[tuple[str, int, Sequence[str], Sequence[str]]]
"""Language, number of its passages, its queries, and some of its passages."""


def _parallel_samples(task: ParallelCorpusRetrieval) -> Samples:
    task.load_data()
    for code in task.corpus_data.languages:
        texts = distinct_texts(task.corpus_data, [code])
        yield code, len(texts), task.corpus_data.queries[code].texts, texts


def _local_samples(task: StreamedRetrieval) -> Samples:
    task.load_data()
    for code, corpus in task.corpora.items():
        shards = dict.fromkeys([corpus.shards[0], corpus.shards[len(corpus.shards) // 2]])
        texts = [text for shard in shards for text in corpus.read(shard).texts]
        yield code, corpus.passages, task.queries[code].texts.texts, texts


def _hub_samples(task: StreamedRetrieval) -> Samples:
    """Read the first passages only: the whole would have to be fetched to know more."""
    for code in task.needed:
        files = task.read_language(code, task.location)
        rows = first_rows(files.passages, HUB_SAMPLE)
        texts = [row[1] for row in rows if isinstance(row, tuple)]
        yield code, task.source.passages[code], files.topics.texts, texts
