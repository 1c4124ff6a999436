"""Check that the files of a result say the same: model, revision, settings, command, versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xbench.data.catalogue import TASKS
from xbench.results.field_types import DAY
from xbench.results.findings import Notes
from xbench.results.schema import conforms
from xbench.results.settings_schema import RunSettings
from xbench.results.validation.check_command import (
    Wrong,
)
from xbench.results.validation.check_settings import SHARED

BYTES_PER_PARAMETER = 0.001, 100.0
"""Least and greatest memory that a parameter takes, however adapters are counted."""


NEAR_IN_TIME = 100 * DAY
"""Seconds that a run may take."""


def note(wrongs: Iterable[Wrong], notes: Notes, prefix: str = "") -> None:
    """Note contradictions as errors."""
    for wrong in wrongs:
        notes.error(prefix + wrong.field, wrong.found, wrong.rule)


def model_contradictions(meta: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield what cannot be of a model, by what else its file says."""
    total, memory = meta.get("n_parameters"), meta.get("memory_usage_mb")
    for field in ("n_active_parameters_override", "n_embedding_parameters"):
        part = meta.get(field)
        if total is not None and part is not None and part > total:
            yield Wrong(field, part, f"expected at most n_parameters, {total}")
    if total and memory:
        low, high = (size * total / 2**20 for size in BYTES_PER_PARAMETER)
        if not low <= memory <= high:
            yield Wrong(
                "memory_usage_mb", memory, f"expected {low:.4g} to {high:.4g}, by n_parameters"
            )
    for field in ("adapted_from", "superseded_by"):
        if meta.get(field) == meta["name"]:
            yield Wrong(field, meta[field], "expected another model")
    dimensions, kept = (
        meta.get("embed_dim"),
        (meta.get("experiment_kwargs") or {}).get("truncate_dim"),
    )
    if isinstance(dimensions, int) and kept is not None and kept > dimensions:
        rule = f"expected at most embed_dim, {dimensions}"
        yield Wrong("experiment_kwargs.truncate_dim", kept, rule)


def differing_tasks(
    lines: Mapping[int, Mapping[str, Any]], task: str, revision: str
) -> Iterator[Wrong]:
    """Yield what the tasks of a run, which have a line each, do not have in common."""
    choices = {
        line["task"]: {
            **{name: line["xbench"]["model"].get(name) for name in SHARED},
            "revision": line["xbench"]["model"].get("revision") or revision,
        }
        for line in lines.values()
        if _is_whole(line)
    }
    if task not in choices:
        return
    for other, choice in choices.items():
        for name, value in choice.items():
            if value != choices[task][name]:
                rule = f"expected {value!r}, as for {other} of the same run"
                yield Wrong(f"xbench.model.{name}", choices[task][name], rule)


def other_lines(lines: Mapping[int, dict[str, Any]], folder: Path, notes: Notes) -> None:
    """Note what is wrong with lines of tasks that have no result next to the settings.

    A run may have settings of published tasks that are not submitted; of others there are none.
    """
    for number, line in lines.items():
        task = line.get("task")
        if isinstance(task, str) and "/" not in task and (folder / f"{task}.json").is_file():
            continue
        if task in TASKS:
            conforms(line, RunSettings, notes, f"line {number}: ")
        else:
            rule = "expected a task of xbench, or one whose result is next to it; remove the line"
            notes.error(f"line {number}: task", task, rule)


def _is_whole(line: Mapping[str, Any]) -> bool:
    own = line.get("xbench")
    return (
        isinstance(line.get("task"), str)
        and isinstance(own, dict)
        and isinstance(own.get("model"), dict)
    )


def result_contradictions(
    result: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Wrong]:
    """Yield what a result says that its settings, or it itself, do not."""
    used = settings["version"].get("mteb")
    if used is not None and result["mteb_version"] != used:
        rule = f"expected {used}, as version.mteb of run_settings.jsonl"
        yield Wrong("mteb_version", result["mteb_version"], rule)
    ((split, entries),) = result["scores"].items()
    for number, entry in enumerate(entries):
        if entry.get("mteb_version", result["mteb_version"]) not in (None, result["mteb_version"]):
            where = f"scores.{split}[{number}].mteb_version"
            yield Wrong(where, entry["mteb_version"], f"expected {result['mteb_version']}")
    names = {entry["hf_subset"] for entry in entries}
    for number, phase in enumerate(result.get("evaluation_phases") or ()):
        where = f"evaluation_phases[{number}]"
        if phase["end"] < phase["start"]:
            yield Wrong(f"{where}.end", phase["end"], "expected a time after its start")
        if (date := result.get("date")) and abs(phase["end"] - date) > NEAR_IN_TIME:
            yield Wrong(f"{where}.end", phase["end"], f"expected a time near to date, {date:.0f}")
        if phase["end"] - phase["start"] > NEAR_IN_TIME:
            yield Wrong(f"{where}.start", phase["start"], "expected a time near to its end")
        if phase["split"] != split:
            yield Wrong(f"{where}.split", phase["split"], f"expected {split}")
        if phase["subset"] not in names:
            yield Wrong(f"{where}.subset", phase["subset"], "expected a subset of the task")


def folder_contradictions(folder: Path, meta: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield an experiment in a folder that is not named by its settings."""
    options = {k: v for k, v in (meta.get("experiment_kwargs") or {}).items() if v is not None}
    name = "__".join(f"{key}_{value}" for key, value in sorted(options.items()))
    hashed = re.fullmatch("exp_[0-9a-f]{16}", folder.name)
    if options and folder.name != name and not hashed:
        yield Wrong("experiment_kwargs", folder.name, f"expected in the folder {name!r}")
