"""Contradictions in how a run says that it was done."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.version import Version

from xbench.data.catalogue import TASKS
from xbench.results.field_types import MODEL_NAME, PACKAGES
from xbench.results.findings import RERUN
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

TEXTS_PER_PASSAGE = 20
"""Texts to encode for each passage; queries have at most as many."""

NEWER = 1
"""How many major versions a package may be ahead of the one that is installed."""

FIRST = {"xbench-mteb": "0.1", "mteb": "2.23", "torch": "2", "numpy": "1.26", "transformers": "4"}
"""The first versions with which there are results."""


def named(text: str) -> str:
    """Return the name that a prompt or arguments have in the settings of an experiment.

    >>> named("query: ")
    'query-08a8bf6b'
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:24]
    return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


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
