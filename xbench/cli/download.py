"""``xbench download``."""

from __future__ import annotations

from pathlib import Path

import click

from xbench.cli.options import location_options, split_codes, task_names
from xbench.data.catalogue import BENCHMARKS


@click.command()
@click.option("--tasks", "-t", multiple=True, help="Task whose data to fetch; may be repeated.")
@click.option("--benchmark", "-b", type=click.Choice(list(BENCHMARKS)))
@click.option("--languages", "-l", callback=split_codes, help="Fetch only these, such as ar,de.")
@location_options
def download(
    tasks: tuple[str, ...],
    benchmark: str | None,
    languages: tuple[str, ...],
    data_dir: Path | None,
    cache_dir: Path | None,
    offline: bool,
) -> None:
    """Fetch and check the datasets ahead of time."""
    from xbench.data.download import DataLocation, dataset_files
    from xbench.data.languages import codes
    from xbench.data.streamed.miracl_files import hub_snapshot
    from xbench.evaluation.mteb_plugin import find_task

    location = DataLocation.from_environment(data_dir, cache_dir, offline)
    languages = codes(languages)
    sources = dict.fromkeys(find_task(name).source for name in task_names(tasks, benchmark))
    for source in sources:
        chosen = [a for a in source.languages if not languages or a in languages]
        if source.streamed:
            snapshot = hub_snapshot(source, chosen, location)
            click.echo(f"{source.title}: {len(chosen)} languages in {snapshot}")
            continue
        if not source.url:
            click.echo(f"{source.title}: shipped with xbench")
            continue
        files = dataset_files(source, chosen, location)
        folder = next(iter(files.values())).parent if files else ""
        click.echo(f"{source.title}: {len(files)} files checked in {folder}")
