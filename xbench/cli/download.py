"""``xbench download``."""

from __future__ import annotations

import click

from xbench._util.errors import UserError
from xbench.cli.command import Command
from xbench.cli.options import language_option, location_argument, task_options
from xbench.data.catalogue import task_names
from xbench.data.download import DataLocation


@click.command(cls=Command)
@task_options
@language_option("--languages", "-l", help="Fetch only these, such as ar,de.")
@location_argument
def download(
    tasks: tuple[str, ...],
    benchmarks: tuple[str, ...],
    languages: tuple[str, ...],
    location: DataLocation,
) -> None:
    """Fetch and check the datasets ahead of time."""
    from xbench._util.hub import hub_access
    from xbench.data.download import dataset_files
    from xbench.data.fetch import check_room, fetch, summary
    from xbench.evaluation.mteb_plugin import find_task

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
        if source.url and (location.data_dir is not None or location.offline):
            files = dataset_files(source, chosen, location)
            folder = next(iter(files.values())).parent
            click.echo(f"{source.title}: {len(files)} files checked in {folder}")
            continue
        with hub_access(offline=location.offline, retry_seconds=location.retry_seconds):
            remote = task.remote_files(chosen, location)
            if not remote:
                click.echo(f"{source.title}: nothing to fetch ahead of time")
                continue
            click.echo(f"{source.title}, {len(chosen)} languages: {summary(remote)}")
            check_room(remote)
            for file in remote:
                fetch(file)
        click.echo(f"{source.title}: {len(remote)} files checked in {remote[0].path.parent}")
