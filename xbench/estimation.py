"""How long a model takes on some tasks, and how much memory: from a short measurement.

Passages of every corpus are encoded for some seconds in the way in which a run encodes them, and
the time is scaled to all passages. The time of a GPU that is not there is computed, not measured.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from xbench.catalogue import Setting
from xbench.errors import UserError
from xbench.evaluation import chosen_tasks
from xbench.models.encoder import MatrixProduct
from xbench.models.loading import load_model, sentence_transformer
from xbench.models.options import ModelOptions
from xbench.models.source import find_model
from xbench.ranking import distinct_texts
from xbench.run_settings import Selection
from xbench.search import PLACES, TopK, id_array
from xbench.sources import DataLocation
from xbench.streaming.local import AHEAD, read_ahead
from xbench.streaming.options import SearchOptions
from xbench.streaming.scorers import Scorer
from xbench.streaming.shards import PIECE
from xbench.tasks import ParallelRetrieval, RetrievalTask, StreamedRetrieval
from xbench.tasks.sessions import session_of

SAMPLE = 4096
"""Passages of a language from which samples are drawn."""

ROUND = 256
"""Passages that are encoded together in the measurement."""

SEED = 0
UTILISATION = 0.3
"""Share of a GPU's peak rate that encoding is taken to reach."""

GPUS: Mapping[str, tuple[float, int]] = {
    "t4": (65, 16),
    "v100": (125, 32),
    "l4": (121, 24),
    "a10": (125, 24),
    "a100": (312, 80),
    "l40s": (362, 48),
    "h100": (989, 80),
    "h200": (989, 141),
    "b200": (2250, 180),
}
"""Peak rate in half precision without sparsity, in TFLOPS, and memory in GB (data sheets)."""


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


@dataclass(frozen=True)
class LoadEstimate:
    """What a load takes.

    Attributes:
        load: The load.
        seconds: Time on this machine.
        tokens: Tokens of all its passages as the model reads them; None if they cannot be told.
    """

    load: Load
    seconds: float
    tokens: float | None


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    Attributes:
        loads: What each corpus takes.
        memory: Peak memory of the process on this machine, in bytes.
        parameters: Parameters of the model that every token goes through; None if unknown.
    """

    loads: Sequence[LoadEstimate]
    memory: float
    parameters: int | None

    @property
    def seconds(self) -> float:
        """Time of all loads on this machine."""
        return sum(own.seconds for own in self.loads)

    @property
    def tokens(self) -> float | None:
        """Tokens of all loads; None if they cannot be told."""
        tokens = [own.tokens for own in self.loads if own.tokens is not None]
        return sum(tokens) if len(tokens) == len(self.loads) else None

    def gpu_seconds(self, gpu: str) -> float | None:
        """Return the time on a GPU as it is computed; None if it cannot be.

        Two operations for each parameter and token, at `UTILISATION` of the peak rate in half
        precision. Attention, reading and search are not counted.
        """
        if self.tokens is None or self.parameters is None:
            return None
        rate, _ = GPUS[gpu]
        return 2 * self.parameters * self.tokens / (UTILISATION * rate * 1e12)


def estimate(
    options: ModelOptions,
    selection: Selection,
    *,
    location: DataLocation | None = None,
    search: SearchOptions | None = None,
    seconds: float = 60.0,
) -> Estimate:
    """Measure a model for some seconds and say what a run would take.

    Args:
        options: The model and how to run it.
        selection: What to evaluate on.
        location: Where the data is; by default as the environment says.
        search: How to read corpora that are streamed.
        seconds: How long to measure in all, shared by the languages.

    Raises:
        UserError: If a name, file or option is wrong, or the model fails.
    """
    location = location or DataLocation.from_environment()
    tasks = chosen_tasks(selection, location, search or SearchOptions())
    loads = _loads(tasks)
    model = load_model(find_model(options, offline=location.offline), options)
    measure = _Measurement(model, options, tasks[0], location, seconds / len(loads))
    estimates = [measure.load(load) for load in loads]
    return Estimate(estimates, _memory(loads), _parameters(model))


def check_gpu(name: str | None) -> None:
    """Check that a GPU's rate is known.

    Raises:
        UserError: If it is not.
    """
    if name is not None and name.lower() not in GPUS:
        raise UserError(f"--gpu {name}: unknown; known are {', '.join(GPUS)}")


def _loads(tasks: Sequence[RetrievalTask]) -> list[Load]:
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


class _Measurement:
    """Measures what a model does with samples."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        options: ModelOptions,
        task: RetrievalTask,
        location: DataLocation,
        seconds: float,
    ) -> None:
        self._model, self._task, self._location, self._seconds = model, task, location, seconds
        self._kwargs = {"batch_size": options.batch_size, "show_progress_bar": False}
        self._pairs: dict[int, float] = {}

    def load(self, load: Load) -> LoadEstimate:
        """Measure one load."""
        with tempfile.TemporaryDirectory(prefix="xbench-") as folder:
            location = replace(self._location, cache_dir=Path(folder))
            queries = {load.language: list(load.own_queries[:32]) or ["?"]}
            options = SearchOptions(show_progress=False)
            metadata = type(self._task).metadata
            with session_of(
                self._model, metadata, self._kwargs, queries, options, location
            ) as session:
                each = self._seconds_each(session.backend.scorer, load, len(queries[load.language]))
        tokens = _tokens_each(self._model, load.sample)
        return LoadEstimate(
            load,
            seconds=load.passages * each,
            tokens=None if tokens is None else load.passages * tokens,
        )

    def _seconds_each(self, scorer: Scorer, load: Load, queries: int) -> float:
        """Return the seconds that a passage takes: to read, to encode, and to search."""
        rounds = [load.sample[i : i + ROUND] for i in range(0, len(load.sample), ROUND)]
        prepared = (
            (len(texts), scorer.prepare(sorted(texts, key=len, reverse=True), load.language))
            for texts in cycle(rounds)
        )
        with closing(read_ahead(prepared, AHEAD)) as ready:
            size, first = next(ready)
            search = self._search_seconds(scorer, load, scorer.read(first), size, queries)
            passages, started = 0, time.perf_counter()
            while time.perf_counter() - started < self._seconds:
                size, own = next(ready)
                scorer.read(own)
                passages += size
            return (time.perf_counter() - started) / passages + search

    def _search_seconds(
        self,
        scorer: Scorer,
        load: Load,
        read: Any,  # noqa: ANN401
        size: int,
        queries: int,
    ) -> float:
        """Return the seconds that the search takes for each passage."""
        if isinstance(read, np.ndarray):
            return load.queries * self._pair_seconds(read.shape[1])
        scorer.learn({load.language: scorer.count(read)})
        started = time.perf_counter()
        scorer.scores(load.language, (load.language,), read)
        return (time.perf_counter() - started) / size * load.queries / queries

    def _pair_seconds(self, dimensions: int) -> float:
        """Return the seconds that one query and passage take, when few passages are the best."""
        if dimensions not in self._pairs:
            vectors = np.random.default_rng(SEED).standard_normal((3 * PIECE, dimensions))
            queries, *pieces = np.split(vectors.astype(np.float32), 3)
            product, ids = (
                MatrixProduct(queries, normalize=True),
                id_array(["en/1234567#89"] * PIECE),
            )
            floor = np.quantile(product(pieces[0]), 0.999, axis=1).astype(np.float32)
            top = TopK(PIECE, ids.itemsize, floor=floor)
            started = time.perf_counter()
            for piece in pieces:
                top.add(product(piece), ids)
            self._pairs[dimensions] = (time.perf_counter() - started) / (len(pieces) * PIECE**2)
        return self._pairs[dimensions]


def _tokens_each(model: Any, sample: Sequence[str]) -> float | None:  # noqa: ANN401
    """Return the mean tokens of a passage as the model reads it; None if they cannot be told."""
    inner = sentence_transformer(model)
    if inner is None or not callable(inner.tokenizer):
        return None
    tokens = inner.tokenizer(list(sample[:ROUND]), truncation=False, verbose=False)["input_ids"]
    limit = inner.max_seq_length or max(map(len, tokens))
    return float(np.mean([min(len(ids), limit) for ids in tokens]))


def _parameters(model: Any) -> int | None:  # noqa: ANN401
    """Return the number of parameters that every token goes through: all but embeddings."""
    import torch

    inner = sentence_transformer(model)
    if inner is None:
        return None
    tables = {id(m.weight) for m in inner.modules() if isinstance(m, torch.nn.Embedding)}
    return sum(p.numel() for p in inner.parameters() if id(p) not in tables)


def _memory(loads: Sequence[Load]) -> float:
    """Return what this process has used at most, and what a run needs beyond it."""
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    queries = max(load.queries for load in loads)
    best = 2 * queries * PLACES * (len("en/1234567#89") + np.dtype(np.float32).itemsize)
    block = queries * PIECE * np.dtype(np.float32).itemsize
    return float(used + best + block)
