"""Evaluate a model on tasks: data, embeddings, ranks, scores, and the results on disk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xbench._util.atomic_write import check_place
from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.download import DataLocation
from xbench.data.perturbation import WITH_TRANSLATIONS
from xbench.evaluation.failure_file import check_failures
from xbench.evaluation.model_run import Evaluated, ModelRun
from xbench.evaluation.mteb_plugin import find_task
from xbench.evaluation.run_settings import Selection
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.models.reranked import cross_encoder_source, reranked_source
from xbench.models.source import ModelSource
from xbench.search.options import SearchOptions
from xbench.search.variants import Variant
from xbench.tasks import RetrievalTask, StreamedRetrieval

logger = logging.getLogger(__name__)


def evaluate(
    options: ModelOptions,
    selection: Selection,
    *,
    source: ModelSource | None = None,
    second: Any = None,  # noqa: ANN401
    output: Path = Path("results"),
    location: DataLocation | None = None,
    search: SearchOptions | None = None,
    overwrite: bool = False,
    show_progress: bool = True,
    save_runs: bool = False,
    save_failures: bool = False,
    variants: Sequence[Variant] = (),
) -> list[Evaluated]:
    """Evaluate a model on tasks and write the results.

    A task whose results are there is skipped, and a model is loaded only if some task is not. A
    run that deviates from the model's own settings, or that is on part of the languages, is stored
    as mteb stores experiments, apart from the standard results.

    Args:
        options: The model and how to run it.
        selection: What to evaluate on.
        source: The model; by default the one that its options name.
        second: The cross-encoder that ranks again; by default the one that the options name.
        output: Folder of all results.
        location: Where the data and the caches are; by default as the environment says.
        search: How to search corpora that are streamed.
        overwrite: Whether to evaluate tasks whose results are there.
        show_progress: Whether to show progress bars.
        save_runs: Whether to write what is retrieved in TREC's format, next to the results; a task
            that has results and no runs is run again for them, and its results stay.
        save_failures: Whether to write the questions that the model fails most, likewise.
        variants: What to make of the embeddings; each has results of its own, after those of the
            embeddings themselves.

    Raises:
        UserError: If a name, file or option is wrong, or the model misbehaves; the results of
            the tasks that were finished are kept.
    """
    location = location or DataLocation.from_environment()
    search = replace(search or SearchOptions(), show_progress=show_progress)
    check_place(output)
    with hub_access(offline=location.offline, retry_seconds=location.retry_seconds):
        tasks = chosen_tasks(selection, location, search)
        if variants:
            _check_variants(options, tasks)
        if save_failures:
            check_failures(tasks)
        if options.rerank is not None and (save_runs or save_failures):
            given = "--save-runs" if save_runs else "--save-failures"
            raise UserError(f"{given} cannot be applied with --rerank. Leave one of them out")
        source = source or find_model(options, offline=location.offline)
        if options.rerank is not None:
            other = options.rerank if second is None else second
            stage = cross_encoder_source(other, options, offline=location.offline)
            source = reranked_source(source, stage, options)
        run = ModelRun(
            options,
            selection,
            search,
            source,
            output,
            show_progress,
            location,
            tasks,
            save_runs,
            save_failures,
        )
        pooled_first = sorted(tasks, key=lambda task: not task.run_first)
        try:
            found = {
                (task.task_name, variant): run.result(task, variant, overwrite=overwrite)
                for task in pooled_first
                for variant in (None, *variants)
            }
        finally:
            run.report_usage()
    return [found[task.task_name, variant] for variant in (None, *variants) for task in tasks]


def _check_variants(options: ModelOptions, tasks: Sequence[RetrievalTask]) -> None:
    streamed = [task.task_name for task in tasks if isinstance(task, StreamedRetrieval)]
    if streamed:
        raise UserError(
            f"--variants cannot be applied to {', '.join(streamed)}: the embeddings of streamed "
            "passages are not kept, so that each variant would encode them again. Leave the option "
            "out, or choose other tasks"
        )
    if options.rerank is not None:
        raise UserError("--variants cannot be applied with --rerank. Leave one of them out")


def chosen_tasks(
    selection: Selection, location: DataLocation, search: SearchOptions
) -> list[RetrievalTask]:
    """Return the chosen tasks that have a subset in the chosen languages.

    Raises:
        UserError: If there is no such task, or no subset is left.
    """
    classes = [find_task(name) for name in dict.fromkeys(selection.tasks)]
    tasks = [
        cls(
            passage_form=selection.passage_form,
            languages=selection.languages,
            location=location,
            search=search,
        )
        for cls in [*classes, *(cls for own in selection.own for cls in own.task_classes)]
    ]
    for task in tasks:
        switched = [step for step in selection.perturb if step.startswith(WITH_TRANSLATIONS)]
        if switched and isinstance(task, StreamedRetrieval):
            raise UserError(
                f"--perturb {switched[0]} cannot be applied to {task.task_name}, whose queries "
                "have no translations. Leave it out, or choose other tasks"
            )
        task.perturb, task.perturb_seed = selection.perturb, selection.perturb_seed
    kept = [task for task in tasks if task.subsets]
    if not kept:
        raise UserError(
            f"--languages {','.join(selection.languages)}: no subset of "
            f"{', '.join(task.task_name for task in tasks)} has all its languages among these; "
            f"there are {', '.join(dict.fromkeys(a for t in tasks for a in t.source.languages))}"
        )
    for task in tasks:
        if task not in kept:
            logger.warning("%s has no subset in these languages; skipped", task.task_name)
    return kept
