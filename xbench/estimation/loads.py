"""What is encoded for some tasks: the passages of each language, once for all tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xbench.catalogue import Setting
from xbench.ranking import distinct_texts
from xbench.tasks import ParallelRetrieval, RetrievalTask, StreamedRetrieval

SAMPLE = 4096
"""Passages of a language from which samples are drawn."""

SEED = 0


@dataclass(frozen=True)
class Load:
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


def loads_of(tasks: Sequence[RetrievalTask]) -> list[Load]:
    """Return what is encoded for some tasks, those of a dataset together."""
    by_dataset: dict[str, list[RetrievalTask]] = {}
    for task in tasks:
        by_dataset.setdefault(task.source.title, []).append(task)
    return [load for own in by_dataset.values() for load in _dataset_loads(own)]


def _dataset_loads(tasks: Sequence[RetrievalTask]) -> Iterator[Load]:
    settings = {task.setting for task in tasks}
    task = max(tasks, key=lambda task: len(task.subsets))
    task.load_data()
    if isinstance(task, StreamedRetrieval):
        for code, corpus in task.corpora.items():
            shards = [corpus.shards[0], corpus.shards[len(corpus.shards) // 2]]
            texts = [text for shard in dict.fromkeys(shards) for text in corpus.read(shard).texts]
            queries = {a: own.texts.texts for a, own in task.queries.items()}
            yield _load(task, code, corpus.passages, queries, texts, settings)
    elif isinstance(task, ParallelRetrieval):
        queries = {a: own.texts for a, own in task.corpus_data.queries.items()}
        for code in task.corpus_data.languages:
            texts = distinct_texts(task.corpus_data, [code])
            yield _load(task, code, len(texts), queries, texts, settings)


def _load(
    task: RetrievalTask,
    code: str,
    passages: int,
    queries: Mapping[str, Sequence[str]],
    texts: Sequence[str],
    settings: set[Setting],
) -> Load:
    own = queries.get(code, ())
    compared = sum(map(len, queries.values())) if settings - {"monolingual"} else len(own)
    sample = random.Random(SEED).sample(list(texts), min(SAMPLE, len(texts)))
    return Load(task.source.title, code, passages, compared, own, sample)
