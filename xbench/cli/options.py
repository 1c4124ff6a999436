"""Options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from xbench._util.errors import UserError
from xbench._util.options import Option, options_of
from xbench.cli.command import Choice
from xbench.data.catalogue import BENCHMARKS, DEFAULT_BENCHMARK, check_task_name
from xbench.data.download import DataLocation, LocationOptions
from xbench.data.languages import codes
from xbench.evaluation.options import RunOptions
from xbench.models.options import ModelOptions

Command = TypeVar("Command", bound=Callable[..., Any])


def language_codes(
    context: click.Context,
    parameter: click.Parameter,
    values: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the codes of lists such as ``ar,de``.

    Raises:
        click.BadParameter: If there is none, or one is not a language of xbench.
    """
    names = [name for value in values for name in value.split(",") if name.strip()]
    if values and not names:
        raise click.BadParameter("expected codes such as ar,de; leave the option out for all")
    try:
        return tuple(dict.fromkeys(codes(names)))
    except UserError as error:
        raise click.BadParameter(str(error)) from error


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


class JsonObject(click.ParamType):  # type: ignore[type-arg]
    """An object in JSON."""

    name = "json"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> dict[str, Any]:
        """Return the object as a dictionary.

        Raises:
            click.BadParameter: If it is not one.
        """
        try:
            found = value if isinstance(value, dict) else json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} is not JSON ({error}); expected such as {EXAMPLE}", param, ctx)
        if not isinstance(found, dict):
            self.fail(f"{value!r}; expected an object such as {EXAMPLE}", param, ctx)
        return found


EXAMPLE = "'{\"dim\": 256}'"


def options_from(group: type, *names: str) -> Callable[[Command], Command]:
    """Return what adds the fields of a dataclass of options to a command.

    Args:
        group: The dataclass.
        *names: Those to add; none adds all.
    """
    chosen = {n: own for n, own in options_of(group).items() if not names or n in names}

    def add(command: Command) -> Command:
        return _with([_option(name, *own) for name, own in chosen.items()], command)

    return add


def _option(name: str, about: Option, default: Any) -> Callable[[Command], Command]:  # noqa: ANN401
    flags = [f"--{name.replace('_', '-')}", *([about.short] if about.short else [])]
    if about.kind is bool:
        return click.option(*flags, is_flag=True, help=about.help)
    kind: Any = str
    if about.choices:
        kind = Choice(about.choices)
    elif about.kind is Path:
        kind = click.Path(path_type=Path, file_okay=False, exists=about.exists)
    elif about.kind is int:
        kind = click.IntRange(min=about.minimum)
    elif about.kind is dict:
        kind = JsonObject()
    needed = default is MISSING
    shown = {"required": True} if needed else {"default": default}
    return click.option(
        *flags, type=kind, show_default=about.show_default, help=about.help, **shown
    )


def model_options(command: Command) -> Command:
    """Add the options that name a model and say how to run it."""
    return options_from(ModelOptions)(command)


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
        help="All tasks of a benchmark, with those of --tasks; may be repeated [default without "
        f"--tasks: {DEFAULT_BENCHMARK}].",
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
    options_from(RunOptions, "passage_form"),
)


def selection_options(command: Command) -> Command:
    """Add the options that choose tasks, languages and the form of passages."""
    return _with(SELECTION_OPTIONS, command)


DATA_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="A corpus of your own: a CSV, JSONL or Parquet file, or a folder with a part per "
        "language; its tasks are run instead of the default benchmark.",
    ),
    click.option(
        "--data-name", help="Name of that corpus, which its tasks begin with [default: the file's]."
    ),
)


def data_options(command: Command) -> Command:
    """Add the options that name a corpus of one's own."""
    return _with(DATA_OPTIONS, command)


def location_options(command: Command) -> Command:
    """Add the options that say where data is read from and kept."""
    return options_from(LocationOptions)(command)


def location_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add these options, and hand what they say to the command as its argument ``location``."""

    @wraps(command)
    def called(*args: Any, **given: Any) -> Any:  # noqa: ANN401
        own = {name: given.pop(name) for name in options_of(LocationOptions)}
        return command(*args, **given, location=DataLocation.from_environment(**own))

    return location_options(called)
