"""Evaluate a model on tasks: data, embeddings, ranks, scores, and the results on disk."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mteb.models import ModelMeta
from mteb.results import TaskResult

from xbench._util.atomic_write import check_place
from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.catalogue import TASK_VERSION
from xbench.data.download import DataLocation
from xbench.evaluation.mteb_plugin import find_task
from xbench.evaluation.object_record import ObjectRecord
from xbench.evaluation.run_files import RunFiles
from xbench.evaluation.run_settings import Selection, run_settings
from xbench.metrics import PoolRanks
from xbench.models.encoder import MtebTextEncoder
from xbench.models.inner import embedding_kind, max_length
from xbench.models.known_model import KnownModel, known_model, remember_model
from xbench.models.lookup import ModelSource, find_model
from xbench.models.options import ModelOptions
from xbench.models.prompts import warn_of_unused
from xbench.models.reranked import Reranked, cross_encoder_source, reranked_source
from xbench.results.reading import read_ranks, read_result
from xbench.results.store import (
    PER_QUERY_SUFFIX,
    PerQuery,
    agree,
    read_settings,
    result_content,
    subset_scores,
    write_per_query,
    write_result,
)
from xbench.results.stored_summary import write_summary
from xbench.search.options import SearchOptions
from xbench.search.variants import Variant
from xbench.tasks import RetrievalTask, StreamedRetrieval
from xbench.tasks.parallel import ParallelCorpusRetrieval

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """A task's results and where they are.

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
    source: ModelSource | None = None,
    second: Any = None,  # noqa: ANN401
    output: Path = Path("results"),
    location: DataLocation | None = None,
    search: SearchOptions | None = None,
    overwrite: bool = False,
    show_progress: bool = True,
    save_runs: bool = False,
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
        source = source or find_model(options, offline=location.offline)
        if options.rerank is not None:
            other = options.rerank if second is None else second
            stage = cross_encoder_source(other, options, offline=location.offline)
            source = reranked_source(source, stage, options)
        run = _Run(
            options, selection, search, source, output, show_progress, location, tasks, save_runs
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


def result_folder(output: Path, meta: ModelMeta) -> Path:
    """Return the folder of a model's results, as mteb lays them out."""
    folder = output / meta.model_name_as_path() / str(meta.revision)
    return folder / "experiments" / meta.experiment_name if meta.experiment_name else folder


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
        if selection.perturb and isinstance(task, StreamedRetrieval):
            raise UserError(
                f"--perturb cannot be applied to {task.task_name}, whose corpus is streamed. Leave "
                "the option out, or choose other tasks"
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


def _data_changed(folder: Path, task: RetrievalTask) -> bool:
    """Return whether a result is known to be of other files than those of the local folder now."""
    lines = [line for line in read_settings(folder) if line.get("task") == task.task_name]
    own = lines[-1].get("xbench") if lines else None
    recorded = own.get("data") if isinstance(own, dict) else None
    changed = bool(task.data_digest and recorded) and recorded != task.data_digest
    if changed:
        logger.warning(
            "%s: the data have changed since it was evaluated; evaluating it again", task.task_name
        )
    return changed


@dataclass
class _Run:
    """One model on some tasks; the model is loaded when the first task needs it."""

    options: ModelOptions
    selection: Selection
    search: SearchOptions
    source: ModelSource
    output: Path
    show_progress: bool
    location: DataLocation
    tasks: Sequence[RetrievalTask]
    save_runs: bool
    _model: Any = None
    _ranked: set[str] = field(default_factory=set)

    def meta(self, task: RetrievalTask) -> ModelMeta:
        """Return the model's metadata, with what makes its result other than the standard one."""
        non_default_settings = {
            **self.options.non_default_settings,
            **self.source.settings,
            **self.selection.non_default_settings,
            **task.non_default_settings,
            **(task.variant.settings if task.variant else {}),
        }
        if not task.partial:
            non_default_settings.pop("languages", None)
        return self.source.meta.model_copy(
            update={"experiment_kwargs": non_default_settings or None}
        )

    def folder(self, task: RetrievalTask) -> Path:
        """Return the folder of a task's results."""
        return result_folder(self.output, self.meta(task))

    def finished(self, task: RetrievalTask) -> Evaluated | None:
        """Return a task's results if they are there, whole and of this dataset and version."""
        name = task.task_name
        task.inspect_data()
        folder = self.folder(task)
        result = read_result(folder, name)
        if result is None or result["dataset_revision"] != task.metadata.revision:
            return None
        if {subset["hf_subset"] for subset in subset_scores(result)} != set(task.hf_subsets):
            return None
        try:
            ranks = read_ranks(folder / f"{name}{PER_QUERY_SUFFIX}")
        except UserError as error:
            logger.warning("%s", error)
            return None
        expected = (TASK_VERSION, task.metadata.revision, task.passage_form, set(task.hf_subsets))
        found = (ranks.task_version, ranks.dataset_revision, ranks.passage_form, set(ranks.subsets))
        if found != expected or not agree(result, ranks) or _data_changed(folder, task):
            return None
        if not self._is_same_object(task):
            return None
        return Evaluated(result, ranks, folder / f"{name}.json", skipped=True)

    def result(self, task: RetrievalTask, variant: Variant | None, *, overwrite: bool) -> Evaluated:
        """Return a task's results; what is missing of results and runs is made."""
        task.variant = variant
        found = None if overwrite else self.finished(task)
        if found is None:
            return self.evaluate(task)
        if self.save_runs and not RunFiles(self.output, found.path.parent, task).complete():
            self._ranks(task)
        return found

    def _ranks(self, task: RetrievalTask) -> dict[str, PoolRanks]:
        """Run the model on a task, and write what it retrieves if that is wanted."""
        task.load_data()
        model = self._model_for(task)
        if isinstance(task, StreamedRetrieval):
            commit = self.source.commit or self.options.revision
            task.model_options = replace(self.options, revision=commit)
        task.same_model = task.source.title in self._ranked
        files = RunFiles(self.output, self.folder(task), task) if self.save_runs else None
        task.keep_lists = None if files is None else files.write
        ranks = task.ranks(model, self._encode_kwargs)
        self._ranked.add(task.source.title)
        if files is not None:
            files.write_languages()
        return ranks

    def evaluate(self, task: RetrievalTask) -> Evaluated:
        """Evaluate the model on a task and write the results."""
        started = time.monotonic()
        found = self._ranks(task)
        ranks = PerQuery(
            task=task.task_name,
            dataset_revision=task.metadata.revision,
            passage_form=task.passage_form,
            multilingual=task.setting == "multilingual",
            subsets=found,
            groups=task.groups,
        )
        scores: Any = task.scores(ranks.subsets)
        result = TaskResult.from_task_results(
            task,
            {task.source.split: scores},
            evaluation_time=time.monotonic() - started,
            date=datetime.datetime.now(tz=datetime.timezone.utc),
        ).to_dict()
        result["date"] = result["date"].timestamp()
        result["task_name"] = task.task_name
        folder = self.folder(task)
        write_per_query(folder, ranks)
        write_summary(folder, ranks, result_content(result))
        write_result(
            folder,
            result,
            self.meta(task).to_dict(),
            run_settings(
                self._encoding(),
                task,
                self.options,
                self.selection,
                self.search,
                self.source.commit,
            ),
        )
        if task.variant is None:
            self._report_truncation(task)
        if task.non_default_settings:
            logger.warning(
                "%s: not measured on what was published (%s); the results are stored apart",
                task.task_name,
                ", ".join(f"{name} {value}" for name, value in task.non_default_settings.items()),
            )
        path = folder / f"{task.task_name}.json"
        if self.source.is_object and embedding_kind(self._encoding()) is not None:
            self._record(task).write(self._encoder(task))
        return Evaluated(result, ranks, path, skipped=False)

    @property
    def _encode_kwargs(self) -> dict[str, Any]:
        return {
            "batch_size": self.options.batch_size,
            "show_progress_bar": self.show_progress,
        }

    def _model_for(self, task: RetrievalTask) -> Any:  # noqa: ANN401
        """Return the model, without its weights if all that the task needs is stored."""
        cache_dir = self.location.cache_dir
        if self._model is None:
            self._model = known_model(self.source, self.options, cache_dir)
        if isinstance(self._model, KnownModel):
            stored = isinstance(task, ParallelCorpusRetrieval) and task.is_encoded(
                self._model, self._encode_kwargs
            )
            self._model = self._model if stored else None
        return self._loaded()

    def _loaded(self) -> Any:  # noqa: ANN401
        from xbench.models.loading import load_model

        if self._model is None:
            self._model = load_model(self.source, self.options)
            remember_model(self._model, self.source, self.options, self.location.cache_dir)
            metadata = [type(task).metadata for task in self.tasks]
            warn_of_unused(self._encoding(), metadata, str(self.source.meta.name))
        return self._model

    def _encoding(self) -> Any:  # noqa: ANN401
        """Return the model that encodes: the first of two stages."""
        model = self._loaded()
        return model.first if isinstance(model, Reranked) else model

    def report_usage(self) -> None:
        """Report what was sent to a server, if the model is served."""
        usage = getattr(self._encoding(), "usage", None) if self._model is not None else None
        if usage is not None:
            logger.info("%s: %s", self.source.meta.name, usage)

    def _is_same_object(self, task: RetrievalTask) -> bool:
        """Return whether a task's results are of this object, which may have been changed."""
        record = self._record(task)
        encodes = self.source.is_object and embedding_kind(self._encoding()) is not None
        same = self.source.is_known
        if encodes and record.exists():
            same = record.is_same(self._encoder(task))
        if not same:
            logger.warning(
                "%s: the results in %s are not known to be of this object, which is evaluated "
                "again; its results replace them. Give it another name or revision to keep both.",
                task.task_name,
                record.result.parent,
            )
        return same

    def _record(self, task: RetrievalTask) -> ObjectRecord:
        path = self.folder(task) / f"{task.task_name}.json"
        return ObjectRecord(path, self.location.cache_dir)

    def _encoder(self, task: RetrievalTask) -> MtebTextEncoder:
        return MtebTextEncoder(self._encoding(), type(task).metadata, self._encode_kwargs)

    def _report_truncation(self, task: RetrievalTask) -> None:
        if task.report is not None and task.report.truncated:
            logger.warning(
                "%s: %.1f %% of the texts were truncated at %s tokens",
                task.task_name,
                100 * task.report.truncated / task.report.texts,
                max_length(self._encoding()),
            )
