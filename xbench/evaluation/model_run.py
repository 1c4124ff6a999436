"""One model on some tasks: what is there is kept, what is missing is run and written."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mteb.models import ModelMeta
from mteb.results import TaskResult

from xbench._util.errors import UserError
from xbench.data.catalogue import TASK_VERSION
from xbench.data.download import DataLocation
from xbench.evaluation.failure_file import FailureFile
from xbench.evaluation.object_record import ObjectRecord
from xbench.evaluation.run_files import RunFiles
from xbench.evaluation.run_settings import Selection, run_settings
from xbench.metrics import PoolRanks, task_per_query
from xbench.models.adapters import with_declared
from xbench.models.encoder import MtebTextEncoder
from xbench.models.inner import embedding_kind, max_length
from xbench.models.known_model import KnownModel, known_model, remember_model
from xbench.models.options import ModelOptions
from xbench.models.prompts import warn_of_unused
from xbench.models.reranked import Reranked
from xbench.models.source import ModelSource
from xbench.results.failures import failures_path
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery, write_per_query
from xbench.results.reading import read_ranks, read_result
from xbench.results.store import agree, read_settings, result_content, subset_scores, write_result
from xbench.results.stored_summary import write_summary
from xbench.search.options import SearchOptions
from xbench.search.ranked_lists import RankedLists
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


def result_folder(output: Path, meta: ModelMeta) -> Path:
    """Return the folder of a model's results, as mteb lays them out."""
    folder = output / meta.model_name_as_path() / str(meta.revision)
    return folder / "experiments" / meta.experiment_name if meta.experiment_name else folder


@dataclass
class ModelRun:
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
    save_failures: bool
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

    def _described(self, task: RetrievalTask) -> ModelMeta:
        """Return the metadata with what the model that was loaded declares."""
        meta = self.meta(task)
        return with_declared(meta, self._encoding()) if self.source.declares else meta

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
        if not all(own.complete() for own in self._lists(task)):
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
        kept = self._lists(task)
        task.keep_lists = partial(_keep_lists, kept) if kept else None
        ranks = task.ranks(model, self._encode_kwargs)
        self._ranked.add(task.source.title)
        for own in kept:
            own.write()
        return ranks

    def _lists(self, task: RetrievalTask) -> list[RunFiles | FailureFile]:
        """Return what is made of what is retrieved for a task."""
        made: list[RunFiles | FailureFile] = []
        if self.save_runs:
            made.append(RunFiles(self.output, self.folder(task), task))
        if self.save_failures and isinstance(task, ParallelCorpusRetrieval):
            made.append(FailureFile(self.output, self.folder(task), task))
        return made

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
        values = task_per_query(found, multilingual=ranks.multilingual)
        scores: Any = task.scores(found, values)
        result = TaskResult.from_task_results(
            task,
            {task.source.split: scores},
            evaluation_time=time.monotonic() - started,
            date=datetime.datetime.now(tz=datetime.timezone.utc),
        ).to_dict()
        result["date"] = result["date"].timestamp()
        result["task_name"] = task.task_name
        folder = self.folder(task)
        if not self.save_failures:
            failures_path(self.output, folder, task.task_name).unlink(missing_ok=True)
        write_per_query(folder, ranks)
        write_summary(folder, ranks, result_content(result), values)
        write_result(
            folder,
            result,
            self._described(task).to_dict(),
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


def _keep_lists(kept: Sequence[RunFiles | FailureFile], name: str, lists: RankedLists) -> None:
    ranked = list(lists.ranked) if len(kept) > 1 else lists.ranked
    for own in kept:
        own.keep(name, replace(lists, ranked=iter(ranked)))
