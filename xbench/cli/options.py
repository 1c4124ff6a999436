"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from xbench.catalogue import BENCHMARKS

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_BENCHMARK = "XBench"


def location_options(command: Command) -> Command:
    """Add the options that say where data is read from and kept."""
    for option in (
        click.option("--offline", is_flag=True, help="Never touch the network."),
        click.option(
            "--cache-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where downloads and embeddings are kept [env: XBENCH_CACHE_DIR; default: the "
            "user's cache folder].",
        ),
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="Read the datasets from this folder (xquad-r/ar.json …) instead of downloading "
            "them [env: XBENCH_DATA_DIR].",
        ),
    ):
        command = option(command)
    return command


def task_names(tasks: tuple[str, ...], benchmark: str | None) -> tuple[str, ...]:
    """Return the names of the chosen tasks, those of the default benchmark if none is chosen."""
    named = BENCHMARKS[benchmark] if benchmark else ()
    return (*tasks, *named) or BENCHMARKS[DEFAULT_BENCHMARK]


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
