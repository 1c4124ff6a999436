"""Check that the files of a result say the same: model, revision, settings, command, versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.version import Version

from xbench.data.catalogue import TASKS
from xbench.results.field_types import DAY, MODEL_NAME, PACKAGES
from xbench.results.findings import RERUN, Notes
from xbench.results.schema import conforms
from xbench.results.settings_schema import RunSettings
from xbench.results.validation.check_command import (
    COMMAND_OPTIONS,
    DEFAULTS,
    Wrong,
    command_contradictions,
)
from xbench.results.validation.expected import corpora
from xbench.results.variant_names import VARIANT

SHARED = tuple(name for name in COMMAND_OPTIONS if name not in ("device", "batch_size", "revision"))
"""Options that all tasks of a run have in common."""

BYTES_PER_PARAMETER = 0.001, 100.0
"""Least and greatest memory that a parameter takes, however adapters are counted."""

TEXTS_PER_PASSAGE = 20
"""Texts to encode for each passage; queries have at most as many."""

NEWER = 1
"""How many major versions a package may be ahead of the one that is installed."""

NEAR_IN_TIME = 100 * DAY
"""Seconds that a run may take."""

FIRST = {"xbench-mteb": "0.1", "mteb": "2.23", "torch": "2", "numpy": "1.26", "transformers": "4"}
"""The first versions with which there are results."""


def named(text: str) -> str:
    """Return the name that a prompt or arguments have in the settings of an experiment.

    >>> named("query: ")
    'query-08a8bf6b'
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:24]
    return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


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


def settings_contradictions(
    settings: Mapping[str, Any], meta: Mapping[str, Any], task: str
) -> Iterator[Wrong]:
    """Yield what a run's settings say that the model's file, or they themselves, do not."""
    own, choice = settings["xbench"], settings["xbench"]["model"]
    yield from _other_model(choice, meta)
    yield from _other_revision(choice, meta)
    yield from _other_values(own, choice, meta)
    yield from _other_experiment(own, choice, meta)
    if settings["encode_kwargs"]["batch_size"] != choice["batch_size"]:
        rule = f"expected xbench.model.batch_size, {choice['batch_size']}"
        yield Wrong("encode_kwargs.batch_size", settings["encode_kwargs"]["batch_size"], rule)
    encoding = own["encoding"] or {}
    most = TEXTS_PER_PASSAGE * sum(corpora()[TASKS[task][0].title].passages.values())
    if encoding and not 0 < encoding["texts"] <= most:
        yield Wrong("xbench.encoding.texts", encoding["texts"], f"expected 1 to {most}")
    for field in ("encoded", "truncated"):
        if encoding and encoding[field] > encoding["texts"]:
            rule = f"expected at most the number of texts, {encoding['texts']}"
            yield Wrong(f"xbench.encoding.{field}", encoding[field], rule)
    yield from _impossible_versions(settings["version"])
    yield from command_contradictions(own, task)


def _other_model(choice: Mapping[str, Any], meta: Mapping[str, Any]) -> Iterator[Wrong]:
    name, given, chosen = meta["name"], choice.get("name"), choice["model"]
    rule = f"expected {name!r}, as model_meta.json says; {RERUN}"
    if given is not None:
        if given != name:
            yield Wrong("xbench.model.name", given, rule)
    elif not re.fullmatch(MODEL_NAME, chosen):
        if not name.startswith("local/"):
            yield Wrong("xbench.model.model", chosen, f"{rule} under that name, by --name")
    elif name.casefold() not in (_public(chosen), _public(f"local/{chosen.rpartition('/')[2]}")):
        yield Wrong("xbench.model.model", chosen, rule)


def _public(name: str) -> str:
    """Return how results call a model, in small letters."""
    return re.sub(r"[^a-z0-9._/-]+", "-", name.casefold()).strip("-")


def _other_revision(choice: Mapping[str, Any], meta: Mapping[str, Any]) -> Iterator[Wrong]:
    given, revision = choice.get("revision"), meta["revision"]
    if given is None or given == revision:
        return
    is_commit = re.fullmatch("[0-9a-f]{7,40}", given)
    if (is_commit and not revision.startswith(given)) or (
        not is_commit and not re.fullmatch("[0-9a-f]{40}(-[0-9a-f]{40})?", revision)
    ):
        rule = f"expected {revision!r}, as model_meta.json says; {RERUN}"
        yield Wrong("xbench.model.revision", given, rule)


def _other_values(
    own: Mapping[str, Any], choice: Mapping[str, Any], meta: Mapping[str, Any]
) -> Iterator[Wrong]:
    """Yield what was used and is not what was asked for."""
    for field, used, where in (
        ("query_prompt", own["prompts"]["query"], "prompts.query"),
        ("passage_prompt", own["prompts"]["passage"], "prompts.passage"),
        ("max_length", own["maximum_length"], "maximum_length"),
        ("dtype", own["dtype"], "dtype"),
    ):
        asked = choice.get(field)
        if asked is not None and used is not None and used != asked:
            yield Wrong(f"xbench.{where}", used, f"expected {asked!r}, as xbench.model.{field}")
    most, used = meta.get("max_tokens"), own["maximum_length"]
    if most is not None and used is not None and used > most:
        rule = f"expected at most max_tokens of model_meta.json, {most:g}"
        yield Wrong("xbench.maximum_length", used, rule)


def _other_experiment(
    own: Mapping[str, Any], choice: Mapping[str, Any], meta: Mapping[str, Any]
) -> Iterator[Wrong]:
    """Yield settings that the model's file has and the run does not, or the other way round."""
    given = {
        name: value
        for name, value in (meta.get("experiment_kwargs") or {}).items()
        if value is not None
    }
    arguments = choice.get("model_kwargs")
    expected = {
        **{
            name: named(choice[name])
            for name in ("query_prompt", "passage_prompt")
            if choice.get(name) is not None
        },
        **{
            name: choice[name]
            for name in ("max_length", "dtype", "truncate_dim")
            if choice.get(name)
        },
        **({"model_kwargs": named(json.dumps(arguments, sort_keys=True))} if arguments else {}),
        **{name: own["variant"][name] for name in VARIANT if name in (own.get("variant") or {})},
    }
    if own["passage_form"] != "sentence":
        expected["passage_form"] = own["passage_form"]
    if choice.get("rerank") is not None:
        expected["rerank"] = _second_stage(choice["rerank"], given.get("rerank"))
        expected["rerank_top"] = choice.get("rerank_top") or DEFAULTS["rerank_top"]
    for name in sorted((expected.keys() | given.keys()) - {"languages", "passages"}):
        if expected.get(name) != given.get(name):
            rule = f"expected {given.get(name)!r}, as experiment_kwargs.{name} of model_meta.json"
            yield Wrong(f"xbench.model.{name}", expected.get(name), f"{rule}; {RERUN}")


def _second_stage(chosen: str, given: str | None) -> str:
    """Return the second stage that a run was recorded with, which has the name that was chosen."""
    name = (given or "").rpartition("@")[0].casefold()
    known = re.fullmatch(MODEL_NAME, chosen)
    names = {_public(chosen).replace("/", "-"), _public(f"local/{chosen}").replace("/", "-")}
    is_it = name in names if known else name.startswith("local-")
    return given if given is not None and is_it else chosen


@cache
def _installed(package: str) -> Version | None:
    try:
        return Version(version(package))
    except PackageNotFoundError:
        return None


def _impossible_versions(versions: Mapping[str, str | None]) -> Iterator[Wrong]:
    """Yield versions that are not there yet, and those that xbench never ran with."""
    for package in PACKAGES:
        text, here = versions.get(package), _installed(package)
        if text is None or here is None:
            continue
        found = Version(text)
        if package == PACKAGES[0]:
            is_future = found > here
        else:
            is_future = found.major > here.major + (0 if package == "mteb" else NEWER)
        first = Version(FIRST.get(package, "0"))
        if is_future or found.epoch or found.release < first.release:
            yield Wrong(
                f"version.{package}", text, f"expected a version that exists, such as {here}"
            )


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
