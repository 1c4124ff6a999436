"""Searching on Ray: shards are spread over workers, and what they find is merged here.

A shard that is lost with its worker is given to another one, and a new worker takes the place of
the lost one. A shard gives the same whoever searches it, so that this costs time and nothing else.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench._util.ray_cluster import connect, import_ray, kept_environment
from xbench.data.streamed.corpus import StreamedCorpus
from xbench.search.options import SearchOptions
from xbench.search.streamed.ray_worker import IN_FLIGHT, Worker
from xbench.search.streamed.scorers import MakesScorer, Scorer
from xbench.search.streamed.shards import Result, ShardTask

RETRIES = 3
"""How often a shard that was lost with its worker is tried again."""

PATIENCE = 60.0
"""Seconds without any worker after which that is reported."""

LOGS = "Ray's logs (by default /tmp/ray/session_latest/logs on the worker's machine) may say why"

logger = logging.getLogger(__name__)


class RayBackend:
    """Searches shards with workers on a Ray cluster.

    Args:
        scorer: What scores passages, here.
        make_scorer: Makes the same scorer in a worker.
        options: Where the cluster is, and how many workers to start.

    Raises:
        UserError: If Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(self, scorer: Scorer, make_scorer: MakesScorer, options: SearchOptions) -> None:
        self.scorer = scorer
        self._ray = import_ray("--backend ray")
        self._owns_connection = not self._ray.is_initialized()
        if self._owns_connection:
            connect(self._ray, options.ray_address)
        try:
            self._workers = _Workers(self._ray, make_scorer, options.ray_workers)
        except BaseException:
            self._disconnect()
            raise

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
        running: dict[Any, tuple[Any, int]] = {}
        lost: Counter[int] = Counter()
        while waiting or running:
            while waiting and (worker := self._workers.take()):
                shard = waiting.popleft()
                running[worker.run.remote(self._workers.maker, content, shard, state())] = (
                    worker,
                    shard,
                )
            ready = self._workers.wait(list(running))
            if ready is None:
                continue
            worker, shard = running.pop(ready)
            try:
                result = self._result(ready)
            except self._ray.exceptions.RayError as error:
                lost[shard] += 1
                if lost[shard] > RETRIES:
                    raise UserError(
                        f"Ray: shard {shard} of {corpus.language} was lost {lost[shard]} times "
                        f"with its worker ({type(error).__name__}): the model ends the process, or "
                        f"there is too little memory for --batch-size. {LOGS}. What was finished "
                        "before is kept"
                    ) from error
                waiting.appendleft(shard)
                self._workers.replace(worker)
                continue
            self._workers.give_back(worker)
            progress(corpus.shards[shard].passages)
            yield shard, result

    def _result(self, reference: Any) -> Any:  # noqa: ANN401
        """Return what a worker gives, or raise what it raised."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(str(error.cause)) from error
            if isinstance(error.cause, Exception):
                raise error.cause from error
            raise RuntimeError(str(error)) from error

    def close(self) -> None:
        """Stop the workers, and a cluster that was started for them."""
        self._workers.close()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._owns_connection:
            self._ray.shutdown()


class _Workers:
    """The workers, each of which takes some shards at once; some may still be starting.

    Args:
        ray: The library.
        make_scorer: Makes a scorer in a worker.
        number: How many workers; None takes one per GPU, or per core.

    Attributes:
        maker: Reference to `make_scorer`.
    """

    def __init__(self, ray: Any, make_scorer: MakesScorer, number: int | None) -> None:  # noqa: ANN401
        self._ray = ray
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if make_scorer.uses_gpu else 0
        cores = int(resources.get("CPU", 0))
        number = number or gpus or cores
        if not number:
            raise UserError(
                "--backend ray: the cluster has neither a GPU nor a core; add a machine to it, or "
                "say with --ray-workers how many workers to wait for"
            )
        each = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        environment = {"env_vars": _environment(threads=max(1, cores // number))}
        self._actor = ray.remote(Worker).options(
            max_concurrency=IN_FLIGHT, runtime_env=environment, **each
        )
        self.maker = ray.put(make_scorer)
        self._starting: dict[Any, Any] = {}
        self._started: list[Any] = []
        self._free: deque[Any] = deque()
        self._failures = 0
        self._told = False
        for _ in range(number):
            self._start()

    def _start(self) -> None:
        worker = self._actor.remote(str(Path.cwd()))
        self._starting[worker.ready.remote()] = worker

    def take(self) -> Any | None:  # noqa: ANN401
        """Return a worker that can take a shard, or None if there is none."""
        return self._free.popleft() if self._free else None

    def give_back(self, worker: Any) -> None:  # noqa: ANN401
        """Take note that a worker has finished a shard."""
        if worker in self._started:
            self._free.append(worker)

    def replace(self, worker: Any) -> None:  # noqa: ANN401
        """Start a worker in the place of one that was lost."""
        if worker in self._started:
            self._started.remove(worker)
            self._free = deque(other for other in self._free if other != worker)
            self._stop(worker)
            self._start()

    def wait(self, running: list[Any]) -> Any | None:  # noqa: ANN401
        """Wait until a shard is done, and return its reference; None if a worker has started.

        Raises:
            UserError: If workers cannot be started.
        """
        done, _ = self._ray.wait([*running, *self._starting], num_returns=1, timeout=PATIENCE)
        if not done and not self._started and not self._told:
            logger.warning(
                "Ray: no worker has started within %.0f s; waiting for a free GPU or core", PATIENCE
            )
            self._told = True
        if not done or done[0] not in self._starting:
            return done[0] if done else None
        worker = self._starting.pop(done[0])
        try:
            self._ray.get(done[0])
        except self._ray.exceptions.RayError as error:
            self._failures += 1
            if self._failures > RETRIES:
                reason = str(error).strip().splitlines() or [type(error).__name__]
                raise UserError(
                    f"Ray: workers cannot be started ({reason[-1]}). xbench must be installed on "
                    f"every machine of the cluster, in the same version. {LOGS}"
                ) from error
            self._stop(worker)
            self._start()
        else:
            self._failures = 0
            self._started.append(worker)
            self._free.extend([worker] * IN_FLIGHT)
        return None

    def _stop(self, worker: Any) -> None:  # noqa: ANN401
        with suppress(Exception):
            self._ray.kill(worker)

    def close(self) -> None:
        """Stop all workers."""
        for worker in (*self._started, *self._starting.values()):
            self._stop(worker)


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: its threads, and whether the network may be touched."""
    return {"RAYON_NUM_THREADS": str(threads), **kept_environment(threads)}
