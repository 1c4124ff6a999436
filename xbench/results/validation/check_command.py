"""Check that the command of a result is one that gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from xbench._util.errors import UserError
from xbench.data.catalogue import BENCHMARKS, DEFAULT_BENCHMARK, TASKS
from xbench.results.command_line import parse_command
from xbench.results.variant_names import VARIANT

DEFAULTS = {
    "batch_size": 32,
    "rerank_top": 100,
    "trust_remote_code": False,
    "request_texts": 64,
    "requests_at_once": 8,
}
"""Values of the options that are not None where they are not given."""

COMMAND_OPTIONS = (
    *("model", "revision", "query_prompt", "passage_prompt", "max_length", "dtype", "device"),
    *("batch_size", "name", "model_kwargs", "trust_remote_code", "truncate_dim", "rerank"),
    *("rerank_top", "served_model", "served_query_model", "served_passage_model"),
    *("served_query_options", "served_passage_options", "api_key_env"),
    *("request_texts", "requests_at_once"),
)
"""Options of the command that the settings of a run have, too."""


class Wrong(NamedTuple):
    """A field that contradicts another one."""

    field: str
    found: object
    rule: str


def command_contradictions(own: Mapping[str, Any], task: str) -> Iterator[Wrong]:
    """Yield what a command does that the settings do not say."""
    where, choice = "xbench.command", own["model"]
    try:
        options = parse_command(own["command"]).options
    except UserError as error:
        yield Wrong(where, own["command"], str(error))
        return
    for name in COMMAND_OPTIONS:
        default = DEFAULTS.get(name)
        found, expected = options.get(name, default), choice.get(name, default)
        if found != (default if expected is None else expected):
            flag = f"--{name.replace('_', '-')}"
            yield Wrong(where, found, f"expected {flag} {expected!r}, as xbench.model.{name}")
    if "data" in options or "data_name" in options:
        yield Wrong(where, options.get("data"), "expected no data of one's own")
    if "perturb" in options or "perturb_seed" in options:
        rule = "expected no --perturb: results on perturbed queries are not comparable"
        yield Wrong(where, ", ".join(options.get("perturb", ())), rule)
    form = options.get("passage_form", "sentence")
    if form != own["passage_form"]:
        yield Wrong(where, form, f"expected --passage-form {own['passage_form']}")
    variant = own.get("variant") or {}
    asked = ";".join(f"{name}={variant[name]}" for name in VARIANT if name in variant)
    if options.get("variants", []) != ([asked] if asked else []):
        rule = f"expected --variants {asked!r}" if asked else "expected no --variants"
        yield Wrong(where, options.get("variants"), f"{rule}, as xbench.variant says")
    yield from _other_tasks(options, task)


def _other_tasks(options: Mapping[str, Any], task: str) -> Iterator[Wrong]:
    where, dataset = "xbench.command", TASKS[task][0]
    benchmarks = options.get("benchmark") or ([] if options.get("tasks") else [DEFAULT_BENCHMARK])
    if unknown := [name for name in benchmarks if name not in BENCHMARKS]:
        yield Wrong(where, unknown[0], f"expected one of {', '.join(BENCHMARKS)}")
        return
    run = {*options.get("tasks", ()), *(own for name in benchmarks for own in BENCHMARKS[name])}
    if task not in run:
        yield Wrong(where, ", ".join(sorted(run)), f"expected --tasks {task}")
    for name in sorted(run - TASKS.keys()):
        yield Wrong(where, name, "expected tasks of xbench")
    languages = options.get("languages")
    if languages is not None and not set(dataset.languages) <= set(languages):
        yield Wrong(
            where, ",".join(languages), "expected no --languages, as xbench.languages is 'all'"
        )
