"""Runs carried out: trained, measured and forgotten, one after another or several at a time."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from xbench._util.errors import UserError
from xbench._util.ray_cluster import connect, import_ray, kept_environment
from xbench._util.worker_pool import worker_pool
from xbench.data.download import DataLocation
from xbench.training.studies.evaluations import Evaluation, TaskEvaluation
from xbench.training.studies.grid import Run, evaluation_key
from xbench.training.studies.workplace import RUN, Workplace, write_record

if TYPE_CHECKING:
    from xbench.training.evaluator import ModelInTraining

logger = logging.getLogger(__name__)

MODEL = "model"


def carry_out(
    runs: Sequence[Run],
    workplace: Workplace,
    processes: int = 1,
    progress: Callable[[str], None] | None = None,
    ray_address: str | None = None,
) -> None:
    """Train and measure what is missing; runs that were interrupted begin again.

    Args:
        runs: The runs, none equal to another.
        workplace: Where they are.
        processes: Runs at a time; each of several is a process of one thread.
        progress: Called with a line when a run is finished.
        ray_address: Ray cluster that carries the runs out, on machines that share all folders.

    Raises:
        UserError: If data that models are measured on cannot be had, before anything is trained;
            or if a run cannot be carried out; those that were finished are kept.
    """
    waiting = [run for run in runs if workplace.missing(run)]
    workplace.load_test_data(waiting)
    say = progress or (lambda line: None)
    if ray_address is not None:
        _carry_out_on_ray(waiting, workplace, ray_address, say)
        return
    if processes == 1:
        for number, run in enumerate(waiting, 1):
            carry_out_one(run, workplace)
            say(_line(run, workplace, number, len(waiting)))
        return
    with worker_pool(processes, "spawn", _one_thread) as pool:
        futures = {pool.submit(carry_out_one, run, workplace): run for run in waiting}
        try:
            for number, (future, run) in enumerate(futures.items(), 1):
                future.result()
                say(_line(run, workplace, number, len(waiting)))
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def _carry_out_on_ray(
    waiting: Sequence[Run], workplace: Workplace, address: str, say: Callable[[str], None]
) -> None:
    ray = import_ray("--ray-address")
    connect(ray, address)
    location = workplace.location
    data_dir = location.data_dir and location.data_dir.absolute()
    location = replace(location, data_dir=data_dir, cache_dir=location.cache_dir.absolute())
    shared = replace(workplace, location=location)
    try:
        gpus = min(1, ray.cluster_resources().get("GPU", 0))
        environment = {"env_vars": {"TOKENIZERS_PARALLELISM": "false", **kept_environment(1)}}
        task = ray.remote(num_cpus=1, num_gpus=gpus, runtime_env=environment)(carry_out_one)
        running = {task.remote(run, shared): run for run in waiting}
        for number in range(1, len(waiting) + 1):
            (ready, *_), _ = ray.wait(list(running))
            run = running.pop(ready)
            try:
                ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, UserError):
                    raise UserError(str(error.cause)) from error
                raise
            say(_line(run, workplace, number, len(waiting)))
    finally:
        ray.shutdown()


def _line(run: Run, workplace: Workplace, number: int, total: int) -> str:
    minutes = workplace.record(run).get("seconds", 0) / 60
    seed = f", seed {run.seed}" if run.stages else ""
    return f"{number} of {total}: {run.condition}{seed}, {minutes:.1f} minutes"


def _one_thread() -> None:
    import torch

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def carry_out_one(run: Run, workplace: Workplace) -> None:
    """Train a model, measure it, and delete it.

    Raises:
        UserError: If it cannot be trained or measured.
    """
    from filelock import FileLock
    from sentence_transformers import SentenceTransformer

    from xbench.training.evaluator import ModelInTraining

    folder = workplace.run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        missing = workplace.missing(run)
        if not missing:
            return
        began = time.monotonic()
        try:
            place = _model(run, folder, workplace)
        except UserError as error:
            wanted = workplace.places.models / run.start
            if wanted.is_dir():
                raise
            raise UserError(
                f"{error}. Nor is there a folder {wanted}; name the one that has it with --models"
            ) from error
        start = SentenceTransformer(str(place))
        if run.max_length is not None:
            start.max_seq_length = run.max_length
        model = ModelInTraining(start)
        with TemporaryDirectory(dir=folder) as kept:
            for evaluation in missing:
                found = _measured(model, evaluation, workplace.location, Path(kept))
                own = {"evaluation": evaluation.model_dump(mode="json"), **found}
                write_record(folder / f"{evaluation_key(evaluation)}.json", own)
        known = workplace.record(run)
        seconds = known.get("seconds", 0) + time.monotonic() - began
        write_record(folder / RUN, known | {"seconds": round(seconds, 1)})
        del model, start
        gc.collect()
        if not workplace.keep_models:
            shutil.rmtree(folder / MODEL, ignore_errors=True)


def _measured(
    model: ModelInTraining, evaluation: Evaluation, location: DataLocation, kept: Path
) -> dict[str, Any]:
    from xbench.training.studies.measuring import measure
    from xbench.training.studies.measuring_tasks import measure_task

    if isinstance(evaluation, TaskEvaluation):
        return measure_task(model, evaluation, kept)
    return measure(model, evaluation, location)


def _model(run: Run, folder: Path, workplace: Workplace) -> Path | str:
    """Return the model to measure, trained if it is not there, with the record of how it was."""
    from xbench.training.record import read_record
    from xbench.training.run import train

    current = workplace.places.model(run.start)
    if not run.stages:
        write_record(folder / RUN, {"condition": run.condition, "stages": []})
        return current
    whole = folder / MODEL / f"stage-{len(run.stages)}"
    if (whole / ".whole").exists():
        return whole
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    stages = []
    for number, stage in enumerate(run.stages, 1):
        output = folder / MODEL / f"stage-{number}"
        settings = workplace.places.settings(_without_checkpoints(stage), current, run.seed, output)
        current = str(train(settings, workplace.location))
        found = read_record(output) or {}
        stages.append(
            {name: found.get(name) for name in ("pairs", "versions", "results")}
            | {
                "settings": {k: v for k, v in stage.items() if k != "data"},
            }
        )
    write_record(folder / RUN, {"condition": run.condition, "seed": run.seed, "stages": stages})
    (whole / ".whole").touch()
    return whole


def _without_checkpoints(stage: dict[str, Any]) -> dict[str, Any]:
    own = stage.get("training_arguments", {})
    quiet = {"save_strategy": "no", "disable_tqdm": True, "logging_steps": 10}
    return {**stage, "training_arguments": quiet | own}
