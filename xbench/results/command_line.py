"""The command that a result records: an argument list of ``xbench evaluate``, parsed and shown.

The options are those of the command line, which a test compares with this table; only those that
are written to a record, or change nothing about the scores, may be there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from xbench._util.errors import UserError
from xbench.data.datasets import PASSAGE_FORMS

START = ("xbench", "evaluate")

TEXTS = (
    *("model", "revision", "query_prompt", "passage_prompt", "dtype", "device", "name", "rerank"),
    *("served_model", "served_query_model", "served_passage_model", "api_key_env"),
)
NUMBERS = (
    *("max_length", "batch_size", "truncate_dim", "rerank_top", "ray_workers"),
    *("request_texts", "requests_at_once", "retry_seconds", "perturb_seed"),
)
FLAGS = (
    *("trust_remote_code", "offline", "overwrite", "no_progress", "save_runs", "save_failures"),
    "many_pairs",
)
LISTS = ("tasks", "benchmark", "languages", "variants", "perturb")
OBJECTS = ("model_kwargs", "served_query_options", "served_passage_options")
OTHERS = (
    *("passage_form", "data", "data_name", "on_bad_line", "backend"),
    *("ray_address", "output", "data_dir", "cache_dir"),
)
OPTIONS = {
    f"--{name.replace('_', '-')}": name
    for name in (*TEXTS, *NUMBERS, *FLAGS, *LISTS, *OBJECTS, *OTHERS)
}
CHOICES = {
    "passage_form": PASSAGE_FORMS,
    "backend": ("local", "ray"),
    "on_bad_line": ("stop", "skip"),
    "dtype": ("float32", "float16", "bfloat16"),
}
"""Values of options that have no others."""

PATH = r"(?!.*://)[\w.,~@+=/\\:-]{1,300}"
NAME = r"[A-Za-z0-9._:/@+-]{1,200}"
PATTERNS = {
    **dict.fromkeys(("output", "data_dir", "cache_dir"), PATH),
    **dict.fromkeys(("served_model", "served_query_model", "served_passage_model"), NAME),
    **{"ray_address": NAME, "device": NAME, "revision": NAME, "api_key_env": r"[A-Za-z_]\w{0,80}"},
}
"""What values consist of that are shown and not compared with anything."""

SHORT = {"-t": "tasks", "-b": "benchmark", "-l": "languages", "-o": "output"}


class Command(NamedTuple):
    """A command.

    Attributes:
        arguments: All of it, as it is shown.
        options: What was given, by the option's name.
    """

    arguments: tuple[str, ...]
    options: Mapping[str, Any]


def shown_command(command: object) -> str | None:
    """Return a recorded command as one types it; None if there is none."""
    if isinstance(command, list):
        return shlex.join(map(str, command))
    return command if isinstance(command, str) else None


def parse_command(command: str | Sequence[str]) -> Command:
    """Parse a recorded command: a list of arguments, or the text that version 0.1.0 wrote.

    Raises:
        UserError: If it is not a command of ``xbench evaluate``, with the argument.
    """
    try:
        arguments = tuple(shlex.split(command) if isinstance(command, str) else command)
    except ValueError as error:
        raise UserError(f"expected arguments, but {error}") from error
    if arguments[:2] != START:
        raise UserError("expected a command that starts with xbench evaluate")
    options: dict[str, Any] = {}
    rest = list(arguments[2:])
    while rest:
        argument = rest.pop(0)
        flag, equals, value = (
            argument.partition("=") if argument.startswith("--") else (argument, "", "")
        )
        name = OPTIONS.get(flag) or SHORT.get(flag)
        if name is None:
            raise UserError(f"expected an option of xbench evaluate, found {argument[:40]!r}")
        if name not in FLAGS and not equals:
            if not rest:
                raise UserError(f"expected a value of {flag}")
            value = rest.pop(0)
        elif name in FLAGS and equals:
            raise UserError(f"expected {flag} without a value")
        _add(options, name, flag, value)
    return Command(arguments, options)


def _add(options: dict[str, Any], name: str, flag: str, value: str) -> None:
    if name in LISTS:
        values = value.split(",") if name == "languages" else [value]
        options.setdefault(name, []).extend(values)
    elif name in options:
        raise UserError(f"expected {flag} once")
    else:
        options[name] = _value(name, flag, value)


def _value(name: str, flag: str, value: str) -> Any:  # noqa: ANN401
    if name in FLAGS:
        return True
    if name in NUMBERS:
        if not (value.isascii() and value.isdigit() and 0 < len(value) < 10):
            raise UserError(f"expected a whole number after {flag}, found {value[:40]!r}")
        return int(value)
    if name in CHOICES and value not in CHOICES[name]:
        raise UserError(f"expected {' or '.join(CHOICES[name])} after {flag}")
    if name in PATTERNS and not re.fullmatch(PATTERNS[name], value, re.ASCII):
        raise UserError(f"expected a name or path without spaces after {flag}")
    if name not in OBJECTS:
        return value
    try:
        found = json.loads(value)
    except (RecursionError, ValueError) as error:
        raise UserError(f"expected JSON after {flag}") from error
    return found
