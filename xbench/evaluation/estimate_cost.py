"""How long a model takes on some tasks, and how much memory: from a short measurement.

Passages of every corpus are encoded for some seconds in the way in which a run encodes them, and
the time is scaled to all passages. The time of a GPU that is not there is computed, not measured.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xbench._util.hub import hub_access
from xbench.data.download import DataLocation
from xbench.evaluation.estimate_measurement import Measurement, WorkloadEstimate, parameters_of
from xbench.evaluation.estimate_reranking import Reranking, estimate_reranking
from xbench.evaluation.estimate_workloads import Workload, workloads_of
from xbench.evaluation.evaluate_tasks import chosen_tasks
from xbench.evaluation.gpus import GPUS, UTILISATION
from xbench.evaluation.run_settings import Selection
from xbench.metrics.ranks import RUN_DEPTH
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions
from xbench.search.streamed.shards import PIECE


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    Attributes:
        workloads: What each corpus takes.
        memory: Peak memory of the process on this machine, in bytes.
        parameters: Parameters of the model that every token goes through; None if unknown.
        reranking: What a second stage takes, if there is one.
    """

    workloads: Sequence[WorkloadEstimate]
    memory: float
    parameters: int | None
    reranking: Reranking | None = None

    @property
    def seconds(self) -> float:
        """Time of all workloads, and of a second stage, on this machine."""
        second = 0.0 if self.reranking is None else self.reranking.seconds
        return sum(own.seconds for own in self.workloads) + second

    @property
    def tokens(self) -> float | None:
        """Tokens of all workloads; None if they are not known."""
        tokens = [own.tokens for own in self.workloads if own.tokens is not None]
        return sum(tokens) if len(tokens) == len(self.workloads) else None

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
        seconds: How long to measure in all, shared by the languages, and as long a second stage.

    Raises:
        UserError: If a name, file or option is wrong, or the model fails.
    """
    location = location or DataLocation.from_environment()
    with hub_access(offline=location.offline, retry_seconds=location.retry_seconds):
        tasks = chosen_tasks(selection, location, search or SearchOptions())
        source = find_model(options, offline=location.offline)
        workloads = workloads_of(tasks)
        model = load_model(source, replace(options, rerank=None))
        measure = Measurement(model, options, tasks[0], location, seconds / len(workloads))
        estimates = [measure.workload(workload) for workload in workloads]
        second = estimate_reranking(options, tasks, offline=location.offline, seconds=seconds)
    return Estimate(estimates, _memory(workloads), parameters_of(model), second)


def _memory(workloads: Sequence[Workload]) -> float:
    """Return what this process has used at most, and what a run needs beyond it."""
    queries = max(workload.queries for workload in workloads)
    best = 2 * queries * RUN_DEPTH * (len("en/1234567#89") + np.dtype(np.float32).itemsize)
    block = queries * PIECE * np.dtype(np.float32).itemsize
    return float(_used() + best + block)


def _used() -> int:
    """Return the peak memory of this process, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
