"""Read a task's result and the files next to it by their schemas, whoever wrote them.

`read_task` takes any task of mteb, on any of its languages, with whatever is there: a file that
does not conform is not used, and named. `xbench.results.validation` reads the same way, and then
refuses what is not comparable with other results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS
from xbench.data.datasets import PASSAGE_FORMS, PassageForm
from xbench.metrics import PoolRanks
from xbench.metrics.ranks import Ties
from xbench.results.findings import RERUN, Notes, Plain, RunIdentity, TaskCheck
from xbench.results.per_query_file import PerQuery, as_per_query
from xbench.results.safe_json import (
    PACKED_LIMIT,
)
from xbench.results.schema import AnyTaskResult, DescribedModel, TaskResult, conforms
from xbench.results.settings_schema import MtebSettings, RunSettings
from xbench.results.store import DAMAGED, EXPERIMENTS
from xbench.results.summaries import Summary
from xbench.results.task_files import File, TaskFiles, ranks_document

OWN_FILES = 16
"""How many times the size of published results and ranks one's own may have."""


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
    if len(ranks.rank) != rows:
        yield "rank"
    if len(ranks.language) != rows or not set(ranks.language.tolist()) <= ranks.pool.keys():
        yield "language"
    if ranks.own_rank is not None and len(ranks.own_rank) != rows:
        yield "own_rank"
    if ranks.ties is not None and not _fits(ranks, ranks.ties):
        yield "ties"
    top = ranks.top
    if top is None and multilingual:
        yield "top"
    if top is not None and (
        len(top) != len(ranks.questions) or top.max(initial=-1) >= len(ranks.pool)
    ):
        yield "top"


def _fits(ranks: PoolRanks, ties: Ties) -> bool:
    """Return whether each place is in its block, and each block in the pool and its query."""
    found = ranks.rank > 0
    inside = (ties.above < ranks.rank) & (ranks.rank <= ties.above + ties.tied)
    last = ties.above + ties.tied == ranks.pool_size
    counts, sizes = ties.counts, ties.counts.sum(axis=1)
    return bool(
        len(ties.above) == len(ties.tied) == len(ranks.rank)
        and np.where(found, inside, last & (ties.tied > 0) & (ties.above >= 0)).all()
        and len(ties.query) == len(ties.start) == len(counts)
        and (ties.query < len(ranks.questions)).all()
        and (ties.start >= 0).all()
        and (counts >= 0).all()
        and (counts <= np.array(list(ranks.pool.values()))).all()
        and ((sizes > 1) & (ties.start + sizes <= ranks.pool_size)).all()
    )


def read_result(folder: Path, task: str) -> dict[str, Any] | None:
    """Return a task's result, or None if it is not there or does not conform."""
    return _read_result(TaskFiles(folder / f"{task}.json", folder, OWN_FILES))


def _read_result(files: TaskFiles) -> dict[str, Any] | None:
    return files.read_result(TaskResult if files.task in TASKS else AnyTaskResult)


def read_ranks(path: Path) -> PerQuery:
    """Read a per-query file.

    Raises:
        UserError: If it is not there or does not conform, with the field.
    """
    file = File(path, OWN_FILES * PACKED_LIMIT, str(path))
    document = ranks_document(file, OWN_FILES)
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
    result = _read_result(files)
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
        own = (settings or {}).get("xbench", {})
        form = ranks.passage_form if ranks else own.get("passage_form", "sentence")
        run = _named_by_folders(path, form)
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
    """Return how the task was run; mteb has a line for each split, of which the first counts."""
    if not files.settings.path.is_file():
        return None
    for number, line in (files.settings_lines() or {}).items():
        schema = RunSettings if "xbench" in line else MtebSettings
        if conforms(line, schema, files.settings.notes, f"line {number}: "):
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
