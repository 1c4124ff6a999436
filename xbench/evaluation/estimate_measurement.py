"""A short measurement of what a model does with samples of each corpus."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from xbench.data.download import DataLocation
from xbench.evaluation.estimate_workloads import SEED, Workload
from xbench.models.inner import max_length, sentence_transformer
from xbench.models.matrix_product import MatrixProduct
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions
from xbench.search.streamed.local_backend import AHEAD, read_ahead
from xbench.search.streamed.model_session import session_of
from xbench.search.streamed.scorers import Scorer
from xbench.search.streamed.shards import PIECE
from xbench.search.top_k import TopK, id_array
from xbench.tasks import RetrievalTask

ROUND = 256
"""Passages that are encoded together in the measurement."""


@dataclass(frozen=True)
class WorkloadEstimate:
    """What a workload takes.

    Attributes:
        workload: The workload.
        seconds: Time on this machine.
        tokens: Tokens of all its passages as the model reads them; None if they is not known.
    """

    workload: Workload
    seconds: float
    tokens: float | None


KNOWN = "a b"
"""A text that every tokenizer knows: one that does not know a language takes its time, too."""


class Measurement:
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

    def workload(self, workload: Workload) -> WorkloadEstimate:
        """Measure one workload."""
        with tempfile.TemporaryDirectory(prefix="xbench-") as folder:
            location = replace(self._location, cache_dir=Path(folder))
            queries = {workload.language: [*workload.own_queries[:32], KNOWN]}
            options = SearchOptions(show_progress=False)
            metadata = type(self._task).metadata
            with session_of(
                self._model, metadata, self._kwargs, queries, options, location
            ) as session:
                each = self._seconds_each(
                    session.backend.scorer, workload, len(queries[workload.language])
                )
        tokens = _tokens_each(self._model, workload.sample)
        return WorkloadEstimate(
            workload,
            seconds=workload.passages * each,
            tokens=None if tokens is None else workload.passages * tokens,
        )

    def _seconds_each(self, scorer: Scorer, workload: Workload, queries: int) -> float:
        """Return the seconds that a passage takes: to read, to encode, and to search."""
        rounds = [workload.sample[i : i + ROUND] for i in range(0, len(workload.sample), ROUND)]
        prepared = (
            (len(texts), scorer.prepare(sorted(texts, key=len, reverse=True), workload.language))
            for texts in cycle(rounds)
        )
        with closing(read_ahead(prepared, AHEAD)) as ready:
            size, first = next(ready)
            search = self._search_seconds(scorer, workload, scorer.read(first), size, queries)
            passages, started = 0, time.perf_counter()
            while time.perf_counter() - started < self._seconds:
                size, own = next(ready)
                scorer.read(own)
                passages += size
            return (time.perf_counter() - started) / passages + search

    def _search_seconds(
        self,
        scorer: Scorer,
        workload: Workload,
        read: Any,  # noqa: ANN401
        size: int,
        queries: int,
    ) -> float:
        """Return the seconds that the search takes for each passage."""
        if isinstance(read, np.ndarray):
            return workload.queries * self._pair_seconds(read.shape[1])
        scorer.set_statistics({workload.language: scorer.count(read)})
        started = time.perf_counter()
        scorer.scores(workload.language, (workload.language,), read)
        return (time.perf_counter() - started) / size * workload.queries / queries

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
    """Return the mean tokens of a passage as the model reads it; None if they is not known."""
    inner = sentence_transformer(model)
    if inner is None or not callable(inner.tokenizer):
        return None
    tokens = inner.tokenizer(list(sample[:ROUND]), truncation=False, verbose=False)["input_ids"]
    limit = max_length(model) or max(map(len, tokens))
    return float(np.mean([min(len(ids), limit) for ids in tokens]))


def parameters_of(model: Any) -> int | None:  # noqa: ANN401
    """Return the number of parameters that every token goes through: all but embeddings."""
    import torch

    inner = sentence_transformer(model)
    if inner is None:
        return None
    tables = {id(m.weight) for m in inner.modules() if isinstance(m, torch.nn.Embedding)}
    return sum(p.numel() for p in inner.parameters() if id(p) not in tables)
