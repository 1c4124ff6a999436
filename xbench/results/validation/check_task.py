"""Check the result of a task: its own files and those of its model and run, all defects at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from xbench.data.catalogue import TASK_VERSION, TASKS
from xbench.data.datasets import MTOP, SETTINGS, PassageForm
from xbench.metrics import task_per_query
from xbench.results.findings import ABSENT, RERUN, Notes, Plain, TaskCheck
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery
from xbench.results.reading import identity, passage_form, ranks_of
from xbench.results.safe_json import META_LIMIT, read_object
from xbench.results.schema import ModelMeta, TaskResult, conforms
from xbench.results.settings_schema import RunSettings, XBenchSettings
from xbench.results.store import EXPERIMENTS, META_NAME
from xbench.results.summaries import SUMMARY_SUFFIX, Summary, mean_chance, summarise
from xbench.results.task_files import File, TaskFiles
from xbench.results.validation.check_agreement import (
    differing_tasks,
    folder_contradictions,
    model_contradictions,
    note,
    other_lines,
    result_contradictions,
)
from xbench.results.validation.check_plausibility import (
    suspect_meta,
    suspect_revisions,
    suspect_scores,
    suspect_settings,
)
from xbench.results.validation.check_ranks import check_ranks, compare_names
from xbench.results.validation.check_scores import (
    TaskValues,
    check_result,
    compare_with_ranks,
    expected_languages,
)
from xbench.results.validation.check_settings import settings_contradictions
from xbench.results.validation.check_summary import agrees, compare_with_summary
from xbench.results.validation.locations import check_home, check_links

OWN_DATA = "on data of one's own, which others do not have"
NEVER = "such results are never published; compare them with `xbench compare`, on your own pages"
UNRANKED = "on a dataset for studies, which is not ranked"
PERTURBED = "on perturbed queries ({})"
PART = "on part of the languages ({}), not comparable with those on all"


_SETTINGS_OF_TASKS = tuple(f"{setting.capitalize()}Retrieval" for setting in SETTINGS)


def why_private(path: Path) -> str:
    """Return what a result is measured on that makes it one for oneself; empty if nothing does.

    Args:
        path: The ``<Task>.json``, or a file of the same task next to it.
    """
    suffixes = (PER_QUERY_SUFFIX, SUMMARY_SUFFIX, ".json")
    suffix = next((own for own in suffixes if path.name.endswith(own)), "")
    task = path.name.removesuffix(suffix)
    if task not in TASKS and task.endswith(_SETTINGS_OF_TASKS):
        return OWN_DATA
    if task in TASKS and TASKS[task][0] is MTOP:
        return UNRANKED
    place = path.parent / META_NAME
    if path.parent.parent.name != EXPERIMENTS or place.is_symlink() or not place.is_file():
        return ""
    meta = read_object(place, META_LIMIT, Notes("")) or {}
    settings = meta.get("experiment_kwargs")
    if not isinstance(settings, dict):
        return ""
    if settings.get("perturb"):
        return PERTURBED.format(settings["perturb"])
    return PART.format(settings["languages"]) if settings.get("languages") else ""


class _OnAllLanguages(XBenchSettings):
    languages: Literal["all"]
    data: None = None


class _ComparableSettings(RunSettings):
    xbench: _OnAllLanguages


def result_files(root: Path) -> Iterator[Path]:
    """Yield the result files of xbench's own tasks below a folder of results, in order."""
    for pattern in ("*/*/*.json", f"*/*/{EXPERIMENTS}/*/*.json"):
        yield from sorted(path for path in root.glob(pattern) if path.stem in TASKS)


def private_files(root: Path) -> Iterator[Path]:
    """Yield the result files on one's own data or on part of the languages, in order."""
    for pattern in ("*/*/*.json", f"*/*/{EXPERIMENTS}/*/*.json"):
        yield from sorted(
            path for path in root.glob(pattern) if path.name != META_NAME and why_private(path)
        )


def check_task(path: Path, root: Path, *, stored: bool = True) -> TaskCheck:
    """Check a result file and the files that belong to it; never raises, whatever they hold.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results it is in.
        stored: Whether to check the stored summary too, if there is one.
    """
    return _Check(path, root).run(stored=stored)


def check_summarised(path: Path, root: Path) -> TaskCheck | None:
    """Check a result like `check_task`, except that its stored summary stands for its ranks.

    That the summary and the scores follow from the ranks is what `check_task` finds out, and what
    whoever accepted the files into a folder of results has to have found out.

    Returns:
        The check of an accepted result; None if there is no summary, if it does not belong to the
        files next to it or contradicts them, or if anything else is wrong, for `check_task` to say.
    """
    return _Check(path, root).run_summarised()


class _Check:
    """The check of one task's result.

    Each part returns the content of a sound file, or None, having noted why.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root, self.task = path, root, path.stem
        self.files = TaskFiles(path, root)
        self.values: TaskValues | None = None

    def run(self, *, stored: bool) -> TaskCheck:
        """Check everything."""
        if private := why_private(self.path):
            self.files.result.notes.error("", Plain(f"a result {private}"), NEVER)
            return TaskCheck(self.path, self.files.findings())
        if self.task not in TASKS:
            known = ", ".join(TASKS)
            self.files.result.notes.error(
                "", self.path.name, f"expected a result of one of {known}"
            )
            return TaskCheck(self.path, self.files.findings())
        meta, settings = self._run_files()
        form = None if meta is None else passage_form(meta)
        ranks = self._ranks(form) if self._is_plain(self.files.ranks) else None
        if ranks is not None:
            self.values = task_per_query(ranks.subsets, multilingual=ranks.multilingual)
        result = self._result(ranks, None) if self._is_plain(self.files.result) else None
        if result is not None and settings is not None:
            note(result_contradictions(result, settings), self.files.result.notes)
        if stored:
            self._compare_summary(ranks)
        findings = self.files.findings()
        whole = None not in (meta, settings, ranks, result)
        sound = whole and all(finding.warning for finding in findings)
        run = identity(meta) if sound and meta is not None else None
        return TaskCheck(self.path, findings, run, result, ranks, meta, settings)

    def run_summarised(self) -> TaskCheck | None:
        """Check everything but the ranks."""
        files = self.files
        if self.task not in TASKS or not files.summary.path.is_file() or why_private(self.path):
            return None
        meta, settings = self._run_files()
        if (
            meta is None
            or settings is None
            or not all(self._is_plain(file) for file in (files.result, files.ranks))
            or (summary := self._summary(passage_form(meta))) is None
            or (result := self._result(None, summary)) is None
            or any(True for _ in result_contradictions(result, settings))
        ):
            return None
        findings, run = files.findings(), identity(meta)
        return TaskCheck(self.path, findings, run, result, None, meta, settings, summary)

    def _run_files(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Check what a run's tasks share: its model, and how each was run."""
        meta = self._meta() if self._is_plain(self.files.meta) else None
        return meta, self._settings(meta) if self._is_plain(self.files.settings) else None

    def _is_plain(self, file: File) -> bool:
        check_links(file.path, self.root, file.notes)
        return file.notes.sound

    def _meta(self) -> dict[str, Any] | None:
        meta, notes = self.files.read_meta(ModelMeta), self.files.meta.notes
        if meta is None:
            return None
        check_home(self.path.parent, meta, notes)
        if not notes.sound:
            return None
        note(model_contradictions(meta), notes)
        if self.path.parent.parent.name == EXPERIMENTS:
            note(folder_contradictions(self.path.parent, meta), notes)
        if not notes.sound:
            return None
        suspect_meta(meta, notes)
        # mteb writes Infinity for a model without a limit, which is no JSON
        return meta | {"max_tokens": None} if meta.get("max_tokens") == float("inf") else meta

    def _settings(self, meta: Mapping[str, Any] | None) -> dict[str, Any] | None:
        lines, notes = self.files.settings_lines(), self.files.settings.notes
        if lines is None:
            return None
        if len(lines) != 1:
            found = Plain(f"{len(lines)} lines of {self.task}")
            notes.error("", found, f"expected one line for each task; {RERUN}")
        if not notes.sound:
            return None
        ((number, settings),) = lines.items()
        prefix = f"line {number}: "
        if not conforms(settings, _ComparableSettings, notes, prefix):
            return None
        form = None if meta is None else passage_form(meta)
        self._check_settings(settings, form, prefix, notes)
        if meta is not None:
            note(settings_contradictions(settings, meta, self.task), notes, prefix)
            every = self.files.all_lines()
            note(differing_tasks(every, self.task, meta["revision"]), notes, prefix)
            other_lines(every, self.path.parent, notes)
        if not notes.sound:
            return None
        suspect_settings(settings, notes, prefix)
        return settings

    def _check_settings(
        self, settings: Mapping[str, Any], form: object, prefix: str, notes: Notes
    ) -> None:
        dataset, _ = TASKS[self.task]
        own = settings["xbench"]
        expected: dict[str, tuple[object, object]] = {
            "splits": (settings["splits"], [dataset.split]),
            "xbench.task_version": (own["task_version"], TASK_VERSION),
        }
        if form is not None:
            expected["xbench.passage_form"] = (own["passage_form"], form)
        for field, (found, right) in expected.items():
            if found != right:
                notes.error(prefix + field, found, f"expected {right!r}; {RERUN}")
        names = expected_languages(self.task)
        compare_names(f"{prefix}subsets", settings["subsets"], names, notes)
        for package in ("xbench-mteb", "mteb"):
            if settings["version"].get(package) is None:
                where = f"{prefix}version.{package}"
                notes.error(where, ABSENT, f"expected its version; {RERUN}")

    def _ranks(self, form: object) -> PerQuery | None:
        document, notes = self.files.read_ranks(), self.files.ranks.notes
        if document is None:
            return None
        check_ranks(document, self.task, notes)
        if form is not None and document["passage_form"] != form:
            rule = f"expected {form!r}, as {META_NAME} says; {RERUN}"
            notes.error("passage_form", document["passage_form"], rule)
        return ranks_of(document, notes) if notes.sound else None

    def _summary(self, form: PassageForm) -> Summary | None:
        """Return the stored summary if it is sound and belongs to the files next to it."""
        return self.files.read_summary(form) if self._is_plain(self.files.summary) else None

    def _compare_summary(self, ranks: PerQuery | None) -> None:
        """Note what is wrong with the summary, if one is stored."""
        path = self.files.summary.path
        if not (path.exists() or path.is_symlink()):
            return
        stored = None if ranks is None else self._summary(ranks.passage_form)
        if ranks is not None and stored is not None:
            computed = summarise(ranks, self.values)
            compare_with_summary(stored, computed, self.files.summary.notes)

    def _result(self, ranks: PerQuery | None, summary: Summary | None) -> dict[str, Any] | None:
        result, notes = self.files.read_result(TaskResult), self.files.result.notes
        if result is None:
            return None
        check_result(result, self.task, notes)
        if ranks is not None and notes.sound:
            compare_with_ranks(result, ranks, notes, self.values)
        if not notes.sound or (summary and not agrees(summary, result)):
            return None
        if ranks is not None:
            suspect_scores(result, mean_chance(ranks), notes)
        if summary is not None:
            suspect_scores(result, summary.chance["map"], notes)
        suspect_revisions(self.path, result, notes)
        return result
