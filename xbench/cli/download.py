"""``xbench download``."""

from __future__ import annotations

from pathlib import Path

import click

from xbench._util.errors import UserError
from xbench.cli.command import Command
from xbench.cli.options import language_option, location_options, task_options
from xbench.data.catalogue import task_names


@click.command(cls=Command)
@task_options
@language_option("--languages", "-l", help="Fetch only these, such as ar,de.")
@location_options
def download(
    tasks: tuple[str, ...],
    benchmarks: tuple[str, ...],
    languages: tuple[str, ...],
    data_dir: Path | None,
    cache_dir: Path | None,
    offline: bool,
) -> None:
    """Fetch and check the datasets ahead of time."""
    from xbench.data.download import DataLocation, dataset_files
    from xbench.evaluation.mteb_plugin import find_task
    from xbench.tasks import StreamedRetrieval

    location = DataLocation.from_environment(data_dir, cache_dir, offline)
    classes = map(find_task, task_names(tasks, benchmarks))
    sources = {task.source: task for task in classes}
    there = {code for source in sources for code in source.languages}
    if languages and not there & set(languages):
        raise UserError(
            f"--languages {','.join(languages)}: none of the datasets is in these; they are in "
            f"{', '.join(sorted(there))}"
        )
    for source, task in sources.items():
        chosen = [a for a in source.languages if not languages or a in languages]
        if not chosen:
            click.echo(f"{source.title}: not in {', '.join(languages)}")
            continue
        if issubclass(task, StreamedRetrieval):
            folder = task.download(chosen, location)
            click.echo(f"{source.title}: {len(chosen)} languages in {folder}")
            continue
        if not source.url:
            click.echo(f"{source.title}: shipped with xbench")
            continue
        files = dataset_files(source, chosen, location)
        folder = next(iter(files.values())).parent
        click.echo(f"{source.title}: {len(files)} files checked in {folder}")
