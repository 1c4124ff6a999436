"""``xbench results``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbench.cli.command import Choice, Group

if TYPE_CHECKING:
    from xbench.results.loading import Results

FORMATS = ("csv", "parquet", "mteb", "model-card")
NAMED = 5
"""How many of the files that are not used the command names."""


@click.group(cls=Group)
def results() -> None:
    """Hand results on to other tools."""


@results.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH [PATH ...]"
)
@click.option(
    "--format",
    "form",
    type=Choice(FORMATS),
    required=True,
    help="A table of all scores (csv, parquet), the layout of mteb's results repository, or the "
    "evaluation block of a model card on the hub.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="File to write, of mteb's layout the folder; csv and model-card go to the screen without.",
)
def export(paths: tuple[Path, ...], form: str, output: Path | None) -> None:
    """Export results as a table, for mteb, or for a model card.

    A PATH is a folder of results, of a model or of a run, or a result file. Nothing is run.

    \b
    Examples:
      xbench results export results --format csv --output scores.csv
      xbench results export results --format mteb --output mteb-cache
      xbench results export results/intfloat__multilingual-e5-small --format model-card
    """  # noqa: D301
    if output is None and form in ("parquet", "mteb"):
        raise click.UsageError(f"--format {form} needs --output")

    from xbench._util.atomic_write import write_atomically
    from xbench.results.export import as_csv, as_parquet, model_index, write_mteb
    from xbench.results.loading import load_results

    found = load_results(list(paths))
    _name_excluded(found)
    if form == "mteb" and output is not None:
        click.echo(f"Results: {write_mteb(found, output)} in {output / 'results'}")
        return
    if form == "model-card":
        content = model_index(found).encode()
    else:
        content = (as_csv if form == "csv" else as_parquet)(found)
    if output is None:
        click.echo(content, nl=False)
    else:
        write_atomically(output, content)


def _name_excluded(found: Results) -> None:
    for excluded in found.excluded[:NAMED]:
        click.echo(f"Excluded: {excluded.file}: {excluded.reason}", err=True)
    if len(found.excluded) > NAMED:
        click.echo(f"Excluded: {len(found.excluded) - NAMED} more files", err=True)
