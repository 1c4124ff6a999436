"""Evaluate a model on tasks: data, embeddings, ranks, scores, and the results on disk."""

from __future__ import annotations

import datetime
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mteb.models import ModelMeta
from mteb.results import TaskResult

from xbench.catalogue import TASK_VERSION
from xbench.errors import UserError
from xbench.languages import language
from xbench.models.options import ModelOptions
from xbench.models.source import ModelSource, find_model
from xbench.plugin import find_task
from xbench.results import (
    PER_QUERY_SUFFIX,
    PerQuery,
    agree,
    read_per_query,
    read_result,
    result_content,
    write_per_query,
    write_result,
)
from xbench.run_settings import Selection, run_settings
from xbench.sources import DataLocation
from xbench.summaries import write_summary
from xbench.tasks import ParallelRetrieval

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """A task's results and where they lie.

    Attributes:
        result: mteb's result as a dictionary.
        ranks: The ranks behind the scores.
        path: The result file.
        skipped: Whether the results were there before.
    """

    result: dict[str, Any]
    ranks: PerQuery
    path: Path
    skipped: bool


def evaluate(
    options: ModelOptions,
    selection: Selection,
    *,
    output: Path = Path("results"),
    location: DataLocation | None = None,
    overwrite: bool = False,
    show_progress: bool = True,
) -> list[Evaluated]:
    """Evaluate a model on tasks and write the results.

    A task whose results are there is skipped, and a model is loaded only if some task is not. A
    run that deviates from the model's own settings, or that is on part of the languages, is stored
    as mteb stores experiments, apart from the standard results.

    Args:
        options: The model and how to run it.
        selection: What to evaluate on.
        output: Folder of all results.
        location: Where the data and the caches are; by default as the environment says.
        overwrite: Whether to evaluate tasks whose results are there.
        show_progress: Whether to show progress bars.

    Raises:
        UserError: If a name, file or option is wrong, or the model misbehaves; the results of
            the tasks that were finished are kept.
    """
    location = location or DataLocation.from_environment()
    tasks = _tasks(selection, location)
    source = find_model(options, offline=location.offline)
    experiment = {**options.deviations, **selection.deviations}
    meta = source.meta.model_copy(update={"experiment_kwargs": experiment or None})
    folder = result_folder(output, meta)
    run = _Run(options, selection, source, meta, folder, show_progress)
    return [(None if overwrite else run.finished(task)) or run.evaluate(task) for task in tasks]


def result_folder(output: Path, meta: ModelMeta) -> Path:
    """Return the folder of a model's results, as mteb lays them out."""
    folder = output / meta.model_name_as_path() / str(meta.revision)
    return folder / "experiments" / meta.experiment_name if meta.experiment_name else folder


def _tasks(selection: Selection, location: DataLocation) -> list[ParallelRetrieval]:
    for code in selection.languages:
        language(code)
    tasks = [
        find_task(name)(
            passage_form=selection.passage_form, languages=selection.languages, location=location
        )
        for name in dict.fromkeys(selection.tasks)
    ]
    kept = [task for task in tasks if task.subsets]
    if not kept:
        raise UserError(
            f"--languages {','.join(selection.languages)}: no subset of "
            f"{', '.join(selection.tasks)} has all its languages among these; `xbench tasks NAME` "
            "lists the languages of a task"
        )
    for task in tasks:
        if task not in kept:
            logger.warning("%s has no subset in these languages; left out", task.task_name)
    return kept


@dataclass
class _Run:
    """One model on some tasks; the model is loaded when the first task needs it."""

    options: ModelOptions
    selection: Selection
    source: ModelSource
    meta: ModelMeta
    folder: Path
    show_progress: bool
    _model: Any = None

    def finished(self, task: ParallelRetrieval) -> Evaluated | None:
        """Return a task's results if they are there, whole and of this dataset and version."""
        name = task.task_name
        result = read_result(self.folder, name)
        if result is None or result["dataset_revision"] != task.metadata.revision:
            return None
        if {subset["hf_subset"] for subset in result["scores"]["test"]} != set(task.hf_subsets):
            return None
        try:
            ranks = read_per_query(self.folder / f"{name}{PER_QUERY_SUFFIX}")
        except UserError as error:
            logger.warning("%s", error)
            return None
        expected = (TASK_VERSION, task.metadata.revision, task.passage_form, set(task.hf_subsets))
        found = (ranks.task_version, ranks.dataset_revision, ranks.passage_form, set(ranks.subsets))
        if found != expected or not agree(result, ranks):
            return None
        return Evaluated(result, ranks, self.folder / f"{name}.json", skipped=True)

    def evaluate(self, task: ParallelRetrieval) -> Evaluated:
        """Evaluate the model on a task and write the results."""
        from xbench.models.loading import load_model

        started = time.monotonic()
        task.load_data()
        if self._model is None:
            self._model = load_model(self.source, self.options)
        encode_kwargs = {
            "batch_size": self.options.batch_size,
            "show_progress_bar": self.show_progress,
        }
        ranks = PerQuery(
            task=task.task_name,
            dataset_revision=task.metadata.revision,
            passage_form=task.passage_form,
            multilingual=task.setting == "multilingual",
            subsets=task.ranks(self._model, encode_kwargs),
        )
        scores: Any = task.scores(ranks.subsets)
        result = TaskResult.from_task_results(
            task,
            {"test": scores},
            evaluation_time=time.monotonic() - started,
            date=datetime.datetime.now(tz=datetime.timezone.utc),
        ).to_dict()
        result["date"] = result["date"].timestamp()
        result["task_name"] = task.task_name
        write_per_query(self.folder, ranks)
        write_summary(self.folder, ranks, result_content(result))
        write_result(
            self.folder,
            result,
            self.meta.to_dict(),
            run_settings(self._model, task, self.options, self.selection),
        )
        self._report_truncation(task)
        path = self.folder / f"{task.task_name}.json"
        return Evaluated(result, ranks, path, skipped=False)

    def _report_truncation(self, task: ParallelRetrieval) -> None:
        from xbench.models.loading import sentence_transformer

        inner = sentence_transformer(self._model)
        if inner is not None and task.report is not None and task.report.truncated:
            logger.warning(
                "%s: %.1f %% of the texts were cut at %s tokens",
                task.task_name,
                100 * task.report.truncated / task.report.texts,
                inner.max_seq_length,
            )
