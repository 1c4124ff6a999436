"""``xbench tasks``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from xbench.cli.command import Command
from xbench.cli.options import known_tasks
from xbench.data.catalogue import TASKS, subsets

SHOWN = 150
"""Subsets that are named; MLQA-R and XQuAD-R have fewer."""

ALIGNMENT = ("left", "left", "left", "right", "left")


@click.command(cls=Command)
@click.argument("name", required=False, callback=known_tasks)
def tasks(name: str | None) -> None:
    """List the tasks, or describe the task NAME."""
    if name is None:
        _list()
    else:
        _describe(name)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _list() -> None:
    from tabulate import tabulate

    rows = [
        (
            task,
            dataset.title,
            setting,
            f"{len(subsets(setting, dataset.languages))} subsets",
            "(demonstration)" if dataset.demonstration else "",
        )
        for task, (dataset, setting) in TASKS.items()
    ]
    click.echo(tabulate(rows, tablefmt="plain", colalign=ALIGNMENT))


def _describe(name: str) -> None:
    from xbench.evaluation.mteb_plugin import find_task

    task = find_task(name)
    metadata = task.metadata
    languages = ", ".join(task.source.languages)
    for field, value in (
        ("Task", metadata.name),
        ("Description", metadata.description),
        ("Languages", languages),
        ("Subsets", f"{len(metadata.hf_subsets)}: {_some(metadata.hf_subsets)}"),
        ("Main score", metadata.main_score),
        ("Dataset", f"{metadata.dataset['path']} at {metadata.revision}"),
        ("Licence", metadata.license),
        ("Reference", metadata.reference),
    ):
        click.echo(f"{field + ':':13}{value}")
