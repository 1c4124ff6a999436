"""``xbench tasks``."""

from __future__ import annotations

import click

from xbench.cli.command import Command
from xbench.cli.options import known_tasks
from xbench.data.catalogue import TASKS, subsets


@click.command(cls=Command)
@click.argument("name", required=False, callback=known_tasks)
def tasks(name: str | None) -> None:
    """List the tasks, or describe the task NAME."""
    if name is None:
        _list()
    else:
        _describe(name)


def _list() -> None:
    width = max(map(len, TASKS))
    titles = max(len(dataset.title) for dataset, _ in TASKS.values())
    for task, (dataset, setting) in TASKS.items():
        count = len(subsets(setting, dataset.languages))
        note = "  (demonstration)" if dataset.demonstration else ""
        click.echo(
            f"{task:{width}}  {dataset.title:{titles}}  {setting:12}  {count:3} subsets{note}"
        )


def _describe(name: str) -> None:
    from xbench.evaluation.mteb_plugin import find_task

    task = find_task(name)
    metadata = task.metadata
    languages = ", ".join(task.source.languages)
    for field, value in (
        ("Task", metadata.name),
        ("Description", metadata.description),
        ("Languages", languages),
        ("Subsets", f"{len(metadata.hf_subsets)}: {', '.join(metadata.hf_subsets)}"),
        ("Main score", metadata.main_score),
        ("Dataset", f"{metadata.dataset['path']} at {metadata.revision}"),
        ("Licence", metadata.license),
        ("Reference", metadata.reference),
    ):
        click.echo(f"{field + ':':13}{value}")
