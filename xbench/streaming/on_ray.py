"""Searching on Ray: shards are spread over workers, and what they find is merged here.

A worker that is lost is started again by Ray, and its shards are searched again. A shard gives the
same whoever searches it, so that a lost worker costs time and nothing else.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from xbench.errors import UserError
from xbench.passages import StreamedCorpus
from xbench.search import ScoreArray
from xbench.streaming.local import AHEAD, read_ahead
from xbench.streaming.options import SearchOptions
from xbench.streaming.scorers import Scorer
from xbench.streaming.shards import Result, ShardTask, pieces_of

IN_FLIGHT = 2
"""Shards that a worker has at once: it reads and prepares one while it scores the other."""

RETRIES = 5
"""How often a shard is tried again that was with a worker when that was lost."""


class RayBackend:
    """Searches shards with workers on a Ray cluster.

    Args:
        scorer: What scores passages, here.
        make_scorer: Makes the same scorer in a worker.
        options: Where the cluster is, and how many workers to start.

    Raises:
        UserError: If Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(
        self, scorer: Scorer, make_scorer: Callable[[], Scorer], options: SearchOptions
    ) -> None:
        self.scorer = scorer
        self._ray = _import_ray()
        self._owns_connection = not self._ray.is_initialized()
        if self._owns_connection:
            self._connect(options)
        self._workers = self._start(make_scorer, options.ray_workers)

    def _connect(self, options: SearchOptions) -> None:
        address = options.ray_address or os.environ.get("RAY_ADDRESS") or "local"
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            raise UserError(
                f"--ray-address {address}: no Ray cluster can be reached there "
                f"({type(error).__name__}: {error}). Start one with `ray start --head`, or leave "
                "the option out for one on this machine"
            ) from error

    def _start(self, make_scorer: Callable[[], Scorer], number: int | None) -> list[Any]:
        resources = self._ray.cluster_resources()
        gpus, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
        each = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        actor = self._ray.remote(Worker).options(
            max_concurrency=IN_FLIGHT, max_restarts=-1, max_task_retries=RETRIES, **each
        )
        maker = self._ray.put(make_scorer)
        return [actor.remote(maker) for _ in range(number or gpus or cores)]

    def run(
        self,
        task: ShardTask[Result],
        corpus: StreamedCorpus,
        shards: Sequence[int],
        state: Callable[[], Any],
        progress: Callable[[int], object],
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index of each shard, in the order in which workers finish, and its result.

        Raises:
            UserError: If a worker fails, or a shard was lost with too many workers.
        """
        content = self._ray.put((task, corpus))
        waiting = deque(shards)
        free = deque(self._workers * IN_FLIGHT)
        running: dict[Any, tuple[Any, int]] = {}
        while waiting or running:
            while waiting and free:
                worker, shard = free.popleft(), waiting.popleft()
                running[worker.run.remote(content, shard, state())] = worker, shard
            (ready,), _ = self._ray.wait(list(running), num_returns=1)
            worker, shard = running.pop(ready)
            result = self._result(ready, corpus, shard)
            free.append(worker)
            progress(corpus.shards[shard].passages)
            yield shard, result

    def _result(self, reference: Any, corpus: StreamedCorpus, shard: int) -> Any:  # noqa: ANN401
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(str(error.cause)) from error
            raise
        except self._ray.exceptions.RayError as error:
            raise UserError(
                f"Ray: shard {shard} of {corpus.language} was lost {RETRIES + 1} times with its "
                f"worker ({type(error).__name__}); the worker's log, or too little memory for "
                "--batch-size, may tell why. What was finished before is kept"
            ) from error

    def close(self) -> None:
        """Stop the workers, and a cluster that was started for them."""
        for worker in self._workers:
            self._ray.kill(worker)
        if self._owns_connection:
            self._ray.shutdown()


class Worker:
    """Searches shards in a process of its own; the scorer is made when the first one comes.

    Args:
        make_scorer: Makes the scorer.
    """

    def __init__(self, make_scorer: Callable[[], Scorer]) -> None:
        self._make_scorer = make_scorer
        self._scorer: Scorer | None = None
        self._lock = threading.Lock()

    def run(
        self,
        content: tuple[ShardTask[Result], StreamedCorpus],
        shard: int,
        state: Any,  # noqa: ANN401
    ) -> Result:
        """Return what a task gives of a shard."""
        task, corpus = content
        with self._lock:
            self._scorer = self._scorer or self._make_scorer()
        scorer = _OneAtATime(self._scorer, self._lock)
        pieces = pieces_of(scorer, corpus, corpus.shards[shard])
        with closing(read_ahead(pieces, AHEAD)) as ready:
            return task.run(scorer, ready, state)


class _OneAtATime:
    """A scorer that two shards share: one piece is scored at a time, while others are prepared."""

    def __init__(self, scorer: Scorer, lock: threading.Lock) -> None:
        self._scorer, self._lock = scorer, lock
        self.learns = scorer.learns

    def prepare(self, texts: Sequence[str], language: str) -> Any:  # noqa: ANN401
        """Prepare passages while others are scored."""
        return self._scorer.prepare(texts, language)

    def read(self, prepared: Any) -> Any:  # noqa: ANN401
        """Read passages when no others are read."""
        with self._lock:
            return self._scorer.read(prepared)

    def scores(self, query_language: str, pool: tuple[str, ...], read: Any) -> ScoreArray:  # noqa: ANN401
        """Return the scores of passages."""
        return self._scorer.scores(query_language, pool, read)

    def truncated(self, prepared: Any) -> int:  # noqa: ANN401
        """Return how many of the passages were cut."""
        return self._scorer.truncated(prepared)

    def count(self, prepared: Any) -> Any:  # noqa: ANN401
        """Count in passages."""
        return self._scorer.count(prepared)

    def learn(self, counted: Mapping[str, Any]) -> None:
        """Take note of what was counted."""
        with self._lock:
            self._scorer.learn(counted)

    def forget(self) -> None:
        """Do nothing: others may need what is kept."""

    def close(self) -> None:
        """Do nothing: others may need the model."""


def _import_ray() -> Any:  # noqa: ANN401
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "--backend ray needs Ray: pip install 'xbench-mteb[ray]', or leave the option out"
        ) from error
    return ray
