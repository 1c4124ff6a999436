"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from xbench._util.errors import UserError
from xbench.cli.command import Choice
from xbench.data.catalogue import BENCHMARKS, PASSAGE_FORMS, check_task_name
from xbench.data.languages import language
from xbench.models.options import DTYPES

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BENCHMARK = "XBench"


def language_codes(
    context: click.Context,
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the codes of lists such as ``ar,de``.

    Raises:
        click.BadParameter: If there is none, or one is no language of xbench.
    """
    codes = [code.strip() for value in values for code in value.split(",") if code.strip()]
    if values and not codes:
        raise click.BadParameter("expected codes such as ar,de; leave the option out for all")
    _check(language, codes)
    return tuple(dict.fromkeys(codes))


def language_option(*names: str, help: str) -> Callable[[Command], Command]:
    """Make an option that takes language codes."""
    repeated = f"{help} May be repeated."
    return click.option(
        *names, multiple=True, callback=language_codes, metavar="CODES", help=repeated
    )


def known_tasks(
    context: click.Context,
    parameter: click.Parameter,
    value: tuple[str, ...] | str | None,
) -> tuple[str, ...] | str | None:
    """Check names of tasks before anything is imported that knows the tasks themselves.

    Raises:
        click.BadParameter: If there is no task of that name.
    """
    _check(check_task_name, [value] if isinstance(value, str) else value or ())
    return value


def _check(check: Callable[[str], object], names: Sequence[str]) -> None:
    for name in names:
        try:
            check(name)
        except UserError as error:
            raise click.BadParameter(str(error)) from error


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    """Add options to a command, the first of them first in its help."""
    for option in reversed(options):
        command = option(command)
    return command


MODEL_OPTIONS = (
    click.option(
        "--model",
        required=True,
        help="Name in mteb's registry, sentence-transformers hub id or folder, xbench/bm25, "
        "xbench/char-ngram, or path/to/file.py:factory.",
    ),
    click.option(
        "--revision", help="Commit of the model [default: the registry's, or the newest]."
    ),
    click.option(
        "--query-prompt", help="Put before every query, instead of the model's own prompt."
    ),
    click.option("--passage-prompt", help="Put before every passage, instead of the model's own."),
    click.option("--max-length", type=click.IntRange(min=1), help="Maximum length in tokens."),
    click.option("--dtype", type=Choice(DTYPES), help="Type of the model's weights."),
    click.option("--device", help="Device, as torch names it (cpu, cuda, cuda:1, mps)."),
    click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True),
)


def model_options(command: Command) -> Command:
    """Add the options that name a model and say how to run it."""
    return _with(MODEL_OPTIONS, command)


TASK_OPTIONS = (
    click.option(
        "--tasks",
        "-t",
        multiple=True,
        callback=known_tasks,
        metavar="NAME",
        help="Name of a task, as `xbench tasks` lists them; may be repeated.",
    ),
    click.option(
        "--benchmark",
        "-b",
        "benchmarks",
        multiple=True,
        type=Choice(list(BENCHMARKS)),
        help=f"All tasks of a benchmark; may be repeated [default without --tasks: "
        f"{DEFAULT_BENCHMARK}].",
    ),
)


def task_options(command: Command) -> Command:
    """Add the options that choose tasks."""
    return _with(TASK_OPTIONS, command)


SELECTION_OPTIONS = (
    *TASK_OPTIONS,
    language_option(
        "--languages",
        "-l",
        help="Keep only these languages, such as ar,de; stored apart from the full results.",
    ),
    click.option(
        "--passage-form",
        type=Choice(PASSAGE_FORMS),
        default="sentence",
        show_default=True,
        help="Encode a passage as the sentence alone, or followed by its paragraph.",
    ),
)


def selection_options(command: Command) -> Command:
    """Add the options that choose tasks, languages and the form of passages."""
    return _with(SELECTION_OPTIONS, command)


def task_names(tasks: Sequence[str], benchmarks: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the chosen tasks, those of the default benchmark if none is chosen."""
    named = [task for benchmark in benchmarks for task in BENCHMARKS[benchmark]]
    return tuple(dict.fromkeys([*tasks, *named])) or BENCHMARKS[DEFAULT_BENCHMARK]


LOCATION_OPTIONS = (
    click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="Read the datasets from this folder (xquad-r/ar.json …) instead of downloading "
        "them [env: XBENCH_DATA_DIR].",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where downloads and embeddings are kept [env: XBENCH_CACHE_DIR; default: the "
        "user's cache folder].",
    ),
    click.option("--offline", is_flag=True, help="Never touch the network."),
)


def location_options(command: Command) -> Command:
    """Add the options that say where data is read from and kept."""
    return _with(LOCATION_OPTIONS, command)
