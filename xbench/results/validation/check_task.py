"""Check the result of a task: its own files and those of its model and run, all defects at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import TASK_VERSION, TASKS, subsets
from xbench.results.findings import ABSENT, Finding, Notes, Plain, RunIdentity, TaskCheck
from xbench.results.safe_json import (
    META_LIMIT,
    PACKED_LIMIT,
    RESULT_LIMIT,
    parse_object,
    read_bytes,
    read_object,
    unpack,
)
from xbench.results.schema import (
    ModelMeta,
    RanksDocument,
    RunSettings,
    TaskResult,
    conforms,
)
from xbench.results.store import PER_QUERY_SUFFIX, SETTINGS_NAME, PerQuery, read_per_query
from xbench.results.summaries import SUMMARY_SUFFIX, Summary, mean_chance, summarise
from xbench.results.validation.check_plausibility import (
    suspect_meta,
    suspect_revisions,
    suspect_scores,
    suspect_settings,
)
from xbench.results.validation.check_ranks import RERUN, check_ranks, compare_names
from xbench.results.validation.check_scores import check_result, compare_with_ranks
from xbench.results.validation.check_summary import agrees, compare_with_summary, read_summary
from xbench.results.validation.locations import EXPERIMENTS, META_NAME, check_home, check_links


def result_files(root: Path) -> Iterator[Path]:
    """Yield the result files of xbench's own tasks below a folder of results, in order."""
    for pattern in ("*/*/*.json", f"*/*/{EXPERIMENTS}/*/*.json"):
        yield from sorted(path for path in root.glob(pattern) if path.stem in TASKS)


def check_task(path: Path, root: Path, *, stored: bool = True) -> TaskCheck:
    """Check a result file and the files that belong to it; never raises, whatever they hold.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results it lies in.
        stored: Whether to check the stored summary too, if there is one.
    """
    return _Check(path, root).run(stored=stored)


def check_summarised(path: Path, root: Path) -> TaskCheck | None:
    """Check a result like `check_task`, except that its stored summary stands for its ranks.

    That the summary and the scores follow from the ranks is what `check_task` finds out, and what
    whoever accepted the files into a folder of results has to have found out.

    Returns:
        The check of an accepted result; None if there is no summary, if it does not belong to the
        files beside it or contradicts them, or if anything else is wrong, for `check_task` to say.
    """
    return _Check(path, root).run_summarised()


class _Check:
    """The check of one task's result.

    Each part returns the content of a sound file, or None, having noted why.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root, self.task = path, root, path.stem
        folder = path.parent
        self.result_notes = self._notes(path)
        self.meta_notes = self._notes(folder / META_NAME)
        self.settings_notes = self._notes(folder / SETTINGS_NAME)
        self.ranks_path = folder / f"{self.task}{PER_QUERY_SUFFIX}"
        self.ranks_notes = self._notes(self.ranks_path)
        self.summary_path = folder / f"{self.task}{SUMMARY_SUFFIX}"
        self.summary_notes = self._notes(self.summary_path)

    def _notes(self, path: Path) -> Notes:
        inside = path.is_relative_to(self.root)
        return Notes((path.relative_to(self.root) if inside else path).as_posix())

    def run(self, *, stored: bool) -> TaskCheck:
        """Check everything."""
        if self.task not in TASKS:
            known = ", ".join(TASKS)
            self.result_notes.error("", self.path.name, f"expected a result of one of {known}")
            return TaskCheck(self.path, self._findings())
        meta, settings = self._run_files()
        form = None if meta is None else _passage_form(meta)
        ranks = (
            self._ranks(form) if self._is_plain(self.ranks_path.name, self.ranks_notes) else None
        )
        result = (
            self._result(ranks, None) if self._is_plain(self.path.name, self.result_notes) else None
        )
        if stored:
            self._compare_summary(ranks)
        findings = self._findings()
        whole = None not in (meta, settings, ranks, result)
        sound = whole and all(finding.warning for finding in findings)
        run = _identity(meta) if sound and meta is not None else None
        return TaskCheck(self.path, findings, run, result, ranks, meta, settings)

    def run_summarised(self) -> TaskCheck | None:
        """Check everything but the ranks."""
        if self.task not in TASKS or not self.summary_path.is_file():
            return None
        meta, settings = self._run_files()
        names = (self.path.name, self.ranks_path.name)
        if (
            meta is None
            or settings is None
            or not all(self._is_plain(name, self.result_notes) for name in names)
            or (summary := self._summary(_passage_form(meta))) is None
            or (result := self._result(None, summary)) is None
        ):
            return None
        findings, run = self._findings(), _identity(meta)
        return TaskCheck(self.path, findings, run, result, None, meta, settings, summary)

    def _run_files(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Check what a run's tasks share: its model, and how each was run."""
        meta = self._meta() if self._is_plain(META_NAME, self.meta_notes) else None
        form = None if meta is None else _passage_form(meta)
        plain = self._is_plain(SETTINGS_NAME, self.settings_notes)
        return meta, self._settings(form) if plain else None

    def _findings(self) -> tuple[Finding, ...]:
        notes = (
            *(self.result_notes, self.ranks_notes, self.summary_notes),
            *(self.meta_notes, self.settings_notes),
        )
        return tuple(finding for part in notes for finding in part.listed())

    def _is_plain(self, name: str, notes: Notes) -> bool:
        check_links(self.path.with_name(name), self.root, notes)
        return notes.sound

    def _meta(self) -> dict[str, Any] | None:
        notes = self.meta_notes
        meta = read_object(self.path.with_name(META_NAME), META_LIMIT, notes)
        if meta is None or not conforms(meta, ModelMeta, notes):
            return None
        check_home(self.path.parent, meta, notes)
        if not notes.sound:
            return None
        suspect_meta(meta, notes)
        # mteb writes Infinity for a model without a limit, which is no JSON
        return meta | {"max_tokens": None} if meta.get("max_tokens") == float("inf") else meta

    def _settings(self, form: object) -> dict[str, Any] | None:
        notes = self.settings_notes
        content = read_bytes(self.path.with_name(SETTINGS_NAME), META_LIMIT, notes)
        if content is None:
            return None
        parsed, wrong = _lines(content, notes.file)
        notes.add(wrong)
        own = {n: line for n, line in parsed.items() if line and line.get("task") == self.task}
        if len(own) != 1:
            found = Plain(f"{len(own)} lines of {self.task}")
            notes.error("", found, f"expected one line for each task; {RERUN}")
        if not notes.sound:
            return None
        ((number, settings),) = own.items()
        prefix = f"line {number}: "
        if settings is None or not conforms(settings, RunSettings, notes, prefix):
            return None
        self._check_settings(settings, form, prefix)
        if not notes.sound:
            return None
        suspect_settings(settings, notes, prefix)
        return settings

    def _check_settings(self, settings: Mapping[str, Any], form: object, prefix: str) -> None:
        dataset, setting = TASKS[self.task]
        expected: dict[str, tuple[object, object]] = {
            "splits": (settings["splits"], [dataset.split])
        }
        expected["xbench.task_version"] = (settings["xbench"]["task_version"], TASK_VERSION)
        if form is not None:
            expected["xbench.passage_form"] = (settings["xbench"]["passage_form"], form)
        for field, (found, right) in expected.items():
            if found != right:
                self.settings_notes.error(prefix + field, found, f"expected {right!r}; {RERUN}")
        names = subsets(setting, dataset.languages)
        compare_names(f"{prefix}subsets", settings["subsets"], names, self.settings_notes)
        for package in ("xbench-mteb", "mteb"):
            if settings["version"].get(package) is None:
                where = f"{prefix}version.{package}"
                self.settings_notes.error(where, ABSENT, f"expected its version; {RERUN}")

    def _ranks(self, form: object) -> PerQuery | None:
        notes = self.ranks_notes
        packed = read_bytes(self.ranks_path, PACKED_LIMIT, notes)
        content = None if packed is None else unpack(packed, notes)
        document = None if content is None else parse_object(content, notes)
        if document is None or not conforms(document, RanksDocument, notes):
            return None
        check_ranks(document, self.task, notes)
        if form is not None and document["passage_form"] != form:
            rule = f"expected {form!r}, as {META_NAME} says; {RERUN}"
            notes.error("passage_form", document["passage_form"], rule)
        if not notes.sound:
            return None
        try:
            return read_per_query(self.ranks_path)
        except UserError as error:
            notes.error("", Plain(str(error)), RERUN)
            return None

    def _summary(self, form: Any) -> Summary | None:  # noqa: ANN401
        """Return the stored summary if it is sound and belongs to the files beside it."""
        notes = self.summary_notes
        if not self._is_plain(self.summary_path.name, notes):
            return None
        return read_summary(self.summary_path, self.task, form, (self.path, self.ranks_path), notes)

    def _compare_summary(self, ranks: PerQuery | None) -> None:
        """Note what is wrong with the summary, if one is stored."""
        if not (self.summary_path.exists() or self.summary_path.is_symlink()):
            return
        stored = None if ranks is None else self._summary(ranks.passage_form)
        if ranks is not None and stored is not None:
            compare_with_summary(stored, summarise(ranks), self.summary_notes)

    def _result(self, ranks: PerQuery | None, summary: Summary | None) -> dict[str, Any] | None:
        notes = self.result_notes
        result = read_object(self.path, RESULT_LIMIT, notes)
        if result is None or not conforms(result, TaskResult, notes):
            return None
        check_result(result, self.task, notes)
        if ranks is not None and notes.sound:
            compare_with_ranks(result, ranks, notes)
        if not notes.sound or (summary and not agrees(summary, result)):
            return None
        if ranks is not None:
            suspect_scores(result, mean_chance(ranks), notes)
        if summary is not None:
            suspect_scores(result, summary.chance, notes)
        suspect_revisions(self.path, result, notes)
        return result


@lru_cache(maxsize=2)
def _lines(content: bytes, file: str) -> tuple[dict[int, dict[str, Any] | None], Notes]:
    """Return the object of each line that is not empty, by number; a run's tasks share the file."""
    notes = Notes(file)
    lines = {n: line for n, line in enumerate(content.splitlines(), 1) if line.strip()}
    return {n: parse_object(line, notes) for n, line in lines.items()}, notes


def _passage_form(meta: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return (meta.get("experiment_kwargs") or {}).get("passage_form", "sentence")


def _identity(meta: Mapping[str, Any]) -> RunIdentity:
    options = meta.get("experiment_kwargs") or {}
    shown = [f"{name}={options[name]}" for name in sorted(options) if name != "passage_form"]
    return RunIdentity(meta["name"], meta["revision"], ", ".join(shown), _passage_form(meta))
