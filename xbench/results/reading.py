"""Read a task's result and the files next to it by their schemas, whoever wrote them.

`read_task` takes any task of mteb, on any of its languages, with whatever is there: a file that
does not conform is not used, and named. `xbench.results.validation` reads the same way, and then
refuses what is not comparable with other results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import PASSAGE_FORMS, TASKS, PassageForm
from xbench.metrics import PoolRanks
from xbench.results.findings import RERUN, Finding, Notes, Plain, RunIdentity, TaskCheck
from xbench.results.safe_json import (
    META_LIMIT,
    PACKED_LIMIT,
    RESULT_LIMIT,
    UNPACKED_LIMIT,
    digest_of,
    parse_object,
    read_bytes,
    unpack,
)
from xbench.results.schema import (
    AnyTaskResult,
    DescribedModel,
    Document,
    MtebSettings,
    RanksDocument,
    RunSettings,
    TaskResult,
    conforms,
)
from xbench.results.store import (
    DAMAGED,
    EXPERIMENTS,
    META_NAME,
    PER_QUERY_SUFFIX,
    SETTINGS_NAME,
    PerQuery,
    as_per_query,
)
from xbench.results.stored_summary import SUMMARY_LIMITS, parse_summary
from xbench.results.summaries import SUMMARY_SUFFIX, Summary, digest

OWN_FILES = 16
"""How many times the size of a published per-query file one's own may have."""


class File:
    """A file that is read once.

    Attributes:
        path: Where it is.
        notes: What is wrong with it.
    """

    def __init__(self, path: Path, limit: int, name: str) -> None:
        self.path, self.notes = path, Notes(name)
        self._limit, self._read = limit, False
        self._content: bytes | None = None

    def content(self) -> bytes | None:
        """Return the content, or None and a note the first time that it cannot be read."""
        if not self._read:
            self._content, self._read = read_bytes(self.path, self._limit, self.notes), True
        return self._content

    def digest(self) -> str | None:
        """Return the SHA-256 by which a summary names the file, None if it cannot be read."""
        if self._content is not None:
            return digest(self._content)
        return digest_of(self.path, self._limit)


class TaskFiles:
    """The files of a task's result.

    Each part is the content of a file that conforms to its schema; else None, and why is noted.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results that it is in, which findings leave out of the files' names.
        scale: How many times the size of published files the per-query file may have.
    """

    def __init__(self, path: Path, root: Path, scale: int = 1) -> None:
        self.task, folder = path.stem, path.parent
        prefix = _prefix(folder, root)

        def file(name: str, limit: int) -> File:
            return File(folder / name, limit, prefix + name)

        self.result = file(path.name, RESULT_LIMIT)
        self.ranks = file(f"{self.task}{PER_QUERY_SUFFIX}", scale * PACKED_LIMIT)
        self.summary = file(f"{self.task}{SUMMARY_SUFFIX}", SUMMARY_LIMITS[0])
        self.meta = file(META_NAME, META_LIMIT)
        self.settings = file(SETTINGS_NAME, META_LIMIT)
        self._scale = scale

    def read_result(self, schema: type[Document]) -> dict[str, Any] | None:
        """Return the result file's content."""
        content, notes = self.result.content(), self.result.notes
        result = None if content is None else parse_object(content, notes)
        return result if result is not None and conforms(result, schema, notes) else None

    def read_meta(self, schema: type[Document]) -> dict[str, Any] | None:
        """Return what the model's file says, which the run's tasks share."""
        content, notes = self.meta.content(), self.meta.notes
        if content is None:
            return None
        meta, wrong = _meta(content, schema, notes.file)
        notes.add(wrong)
        return meta

    def settings_lines(self) -> dict[int, dict[str, Any]] | None:
        """Return the task's lines in the run's settings by their number, not yet validated."""
        content, notes = self.settings.content(), self.settings.notes
        if content is None:
            return None
        lines, wrong = _lines(content, notes.file)
        notes.add(wrong)
        return {n: line for n, line in lines.items() if line and line.get("task") == self.task}

    def read_ranks(self) -> dict[str, Any] | None:
        """Return the content of the per-query file."""
        return _ranks_document(self.ranks, self._scale)

    def read_summary(self, form: PassageForm | None) -> Summary | None:
        """Return the summary if it is of the result and the ranks next to it, and of a form."""
        packed = self.summary.content()
        if packed is None:
            return None
        files = {
            field: (file.path.name, file.digest())
            for field, file in (("result", self.result), ("ranks", self.ranks))
        }
        return parse_summary(packed, self.task, form, files, self.summary.notes)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found in all files."""
        files = (self.result, self.ranks, self.summary, self.meta, self.settings)
        return tuple(finding for file in files for finding in file.notes.listed())


@lru_cache(maxsize=8)
def _prefix(folder: Path, root: Path) -> str:
    """Return what findings put before the name of a folder's file."""
    where = (folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix()
    return "" if where == "." else f"{where.rstrip('/')}/"


@lru_cache(maxsize=2)
def _meta(content: bytes, schema: type[Document], file: str) -> tuple[dict[str, Any] | None, Notes]:
    notes = Notes(file)
    meta = parse_object(content, notes)
    return (meta if meta is not None and conforms(meta, schema, notes) else None), notes


@lru_cache(maxsize=2)
def _lines(content: bytes, file: str) -> tuple[dict[int, dict[str, Any] | None], Notes]:
    """Return the object of each line that is not empty, by number; a run's tasks share the file."""
    notes = Notes(file)
    lines = {n: line for n, line in enumerate(content.splitlines(), 1) if line.strip()}
    return {n: parse_object(line, notes) for n, line in lines.items()}, notes


def _ranks_document(file: File, scale: int) -> dict[str, Any] | None:
    packed, notes = file.content(), file.notes
    content = None if packed is None else unpack(packed, notes, scale * UNPACKED_LIMIT)
    document = None if content is None else parse_object(content, notes)
    return document if document is not None and conforms(document, RanksDocument, notes) else None


def ranks_of(document: Mapping[str, Any], notes: Notes) -> PerQuery | None:
    """Return the ranks that the content of a per-query file has, or None and a note."""
    try:
        ranks = as_per_query(document)
    except DAMAGED as error:
        notes.error("subsets", Plain(f"{type(error).__name__}: {error}"), RERUN)
        return None
    for name, own in ranks.subsets.items():
        for field in _wrong_shapes(own, multilingual=ranks.multilingual):
            rule = f"expected a value for each row or query, of the pool's languages; {RERUN}"
            notes.error(f"subsets.{name}.{field}", document["subsets"][name][field], rule)
    return ranks if notes.sound else None


def _wrong_shapes(ranks: PoolRanks, *, multilingual: bool) -> Iterator[str]:
    """Yield the fields of a subset that do not fit the others, so that no measure is defined."""
    rows = len(ranks.query)
    if rows == 0 or len(ranks.rank) != rows:
        yield "rank"
    if len(ranks.language) != rows or not set(ranks.language.tolist()) <= ranks.pool.keys():
        yield "language"
    if ranks.own_rank is not None and len(ranks.own_rank) != rows:
        yield "own_rank"
    top = ranks.top
    if top is None and multilingual:
        yield "top"
    if top is not None and (len(top) != len(ranks.questions) or top.max() >= len(ranks.pool)):
        yield "top"


def read_ranks(path: Path) -> PerQuery:
    """Read a per-query file.

    Raises:
        UserError: If it is not there or does not conform, with the field.
    """
    file = File(path, OWN_FILES * PACKED_LIMIT, str(path))
    document = _ranks_document(file, OWN_FILES)
    ranks = None if document is None else ranks_of(document, file.notes)
    if ranks is None:
        action = ". Delete it and run the task again" if path.exists() else ""
        raise UserError(f"{file.notes.first()}{action}")
    return ranks


def read_task(path: Path, root: Path) -> TaskCheck:
    """Read a result file and what is next to it, of any task, languages and settings.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results that it is in.

    Returns:
        The check; its run is None if the result file cannot be used. The summary stands for the
        ranks where there is one of them. What is wrong with the other files is a warning, and they
        are not used; a model without ``model_meta.json`` is named by its folders.
    """
    files = TaskFiles(path, root, OWN_FILES)
    result = files.read_result(TaskResult if files.task in TASKS else AnyTaskResult)
    if result is not None:
        _check_names(result, files)
    if result is None or not files.result.notes.sound:
        return TaskCheck(path, files.findings())
    meta, settings = _read_meta(files), _read_settings(files)
    summary = _read_summary(files)
    ranks = None if summary else _read_ranks(files, result)
    if meta is not None:
        run = identity(meta)
    else:
        form = settings["xbench"]["passage_form"] if settings else ranks and ranks.passage_form
        run = _named_by_folders(path, form or "sentence")
    findings = tuple(replace(finding, warning=True) for finding in files.findings())
    return TaskCheck(path, findings, run, result, ranks, meta, settings, summary)


def _check_names(result: Mapping[str, Any], files: TaskFiles) -> None:
    notes = files.result.notes
    if result["task_name"] != files.task:
        notes.error("task_name", result["task_name"], f"expected {files.task!r}, the file's name")
    if not any(result["scores"].values()):
        notes.error("scores", result["scores"], f"expected a subset; {RERUN}")
    for split, entries in result["scores"].items():
        seen = set()
        for number, entry in enumerate(entries):
            name = entry["hf_subset"]
            if name in seen:
                where = f"scores.{split}[{number}].hf_subset"
                notes.error(where, name, "expected each subset once in a split")
            seen.add(name)


def _read_meta(files: TaskFiles) -> dict[str, Any] | None:
    if not files.meta.path.is_file():
        return None
    meta = files.read_meta(DescribedModel)
    form = "sentence" if meta is None else passage_form(meta)
    if form not in PASSAGE_FORMS:
        rule = f"expected one of {', '.join(PASSAGE_FORMS)}"
        files.meta.notes.error("experiment_kwargs.passage_form", form, rule)
        return None
    return meta


def _read_settings(files: TaskFiles) -> dict[str, Any] | None:
    """Return how xbench ran the task; mteb's own settings say nothing that is shown."""
    if not files.settings.path.is_file():
        return None
    for number, line in (files.settings_lines() or {}).items():
        schema = RunSettings if "xbench" in line else MtebSettings
        sound = conforms(line, schema, files.settings.notes, f"line {number}: ")
        if sound and schema is RunSettings:
            return line
    return None


def _read_summary(files: TaskFiles) -> Summary | None:
    there = files.task in TASKS and files.summary.path.is_file()
    return files.read_summary(None) if there else None


def _read_ranks(files: TaskFiles, result: Mapping[str, Any]) -> PerQuery | None:
    """Return the ranks if there are any, and they are of the result's task and subsets."""
    if not files.ranks.path.is_file():
        return None
    document, notes = files.read_ranks(), files.ranks.notes
    if document is None:
        return None
    names = {entry["hf_subset"] for entries in result["scores"].values() for entry in entries}
    if document["task"] != files.task:
        notes.error("task", document["task"], f"expected {files.task!r}; {RERUN}")
    if document["subsets"].keys() != names:
        rule = f"expected the {len(names)} subsets of {files.result.path.name}; {RERUN}"
        notes.error("subsets", document["subsets"], rule)
    return ranks_of(document, notes) if notes.sound else None


def passage_form(meta: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a passage's text was, as the model's file says."""
    return (meta.get("experiment_kwargs") or {}).get("passage_form", "sentence")


def identity(meta: Mapping[str, Any]) -> RunIdentity:
    """Return whose result it is, as the model's file says."""
    options = meta.get("experiment_kwargs") or {}
    shown = [f"{name}={options[name]}" for name in sorted(options) if name != "passage_form"]
    return RunIdentity(meta["name"], meta["revision"], ", ".join(shown), passage_form(meta))


def _named_by_folders(path: Path, form: PassageForm) -> RunIdentity:
    parts: Sequence[str] = path.absolute().parent.parts
    options = ""
    if len(parts) > 3 and parts[-2] == EXPERIMENTS:
        options, parts = parts[-1], parts[:-2]
    model, revision = (*("", *parts)[-2:],)
    return RunIdentity(model.replace("__", "/", 1), revision, options, form)


def task_files(root: Path) -> Iterator[Path]:
    """Yield the result files below a folder of results, of whatever tasks, in order."""
    for pattern in ("*/*/*.json", f"*/*/{EXPERIMENTS}/*/*.json"):
        yield from sorted(path for path in root.glob(pattern) if path.name != META_NAME)
