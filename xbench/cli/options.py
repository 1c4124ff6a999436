"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from xbench.data.catalogue import BENCHMARKS, PASSAGE_FORMS
from xbench.models.options import DTYPES

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BENCHMARK = "XBench"


def split_codes(
    context: click.Context,
    parameter: click.Parameter,
    value: str | None,
) -> tuple[str, ...]:
    """Split a list such as ``ar,de``."""
    if value is None:
        return ()
    codes = tuple(code.strip() for code in value.split(",") if code.strip())
    if not codes:
        raise click.BadParameter("expected codes such as ar,de; leave the option out for all")
    return codes


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
    click.option("--dtype", type=click.Choice(DTYPES), help="Type of the model's weights."),
    click.option("--device", help="Device, as torch names it (cpu, cuda, cuda:1, mps)."),
    click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True),
)


def model_options(command: Command) -> Command:
    """Add the options that name a model and say how to run it."""
    return _with(MODEL_OPTIONS, command)


SELECTION_OPTIONS = (
    click.option("--tasks", "-t", multiple=True, help="Task to run; may be repeated."),
    click.option(
        "--benchmark",
        "-b",
        type=click.Choice(list(BENCHMARKS)),
        help=f"Run the tasks of a benchmark [default without --tasks: {DEFAULT_BENCHMARK}].",
    ),
    click.option(
        "--languages",
        "-l",
        callback=split_codes,
        help="Keep only these languages, such as ar,de. Stored apart from the full results.",
    ),
    click.option(
        "--passage-form",
        type=click.Choice(PASSAGE_FORMS),
        default="sentence",
        show_default=True,
        help="Encode a passage as the sentence alone, or followed by its paragraph.",
    ),
)


def selection_options(command: Command) -> Command:
    """Add the options that choose tasks, languages and the form of passages."""
    return _with(SELECTION_OPTIONS, command)


def task_names(tasks: tuple[str, ...], benchmark: str | None) -> tuple[str, ...]:
    """Return the names of the chosen tasks, those of the default benchmark if none is chosen."""
    named = BENCHMARKS[benchmark] if benchmark else ()
    return (*tasks, *named) or BENCHMARKS[DEFAULT_BENCHMARK]


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
