"""``xbench compare``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbench._util.options import make
from xbench.analysis.options import CompareOptions
from xbench.cli.command import Choice, Command
from xbench.cli.options import language_option, options_from

if TYPE_CHECKING:
    from xbench.analysis.comparison import Comparison

FORMATS = ("table", "markdown", "csv", "json", "latex")


@click.command(cls=Command)
@click.argument("models", nargs=-1, required=True, metavar="MODEL [MODEL ...]")
@click.option(
    "--results",
    "-r",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    default=(Path("results"),),
    show_default=True,
    help="Folder of results, in which model names are looked up; may be repeated.",
)
@language_option(
    "--languages",
    "-l",
    help="Compare on these languages only, such as ar,de; a pool of part of the languages has to "
    "have been evaluated.",
)
@click.option("--format", "form", type=Choice(FORMATS), default="table", show_default=True)
@options_from(CompareOptions)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the comparison to this file, one per dataset; its suffix names the format: svg, "
    "png, pdf and others (needs matplotlib).",
)
def compare(
    models: tuple[str, ...],
    results: tuple[Path, ...],
    languages: tuple[str, ...],
    form: str,
    plot: Path | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Compare models on the tasks that all were run on, with intervals and tests.

    A MODEL is a folder of results, or a name under --results: org/model, org/model@revision, or
    org/model@dim=128,int8 for a variant.
    Nothing is run: the scores come from the per-query files.

    \b
    Examples:
      xbench compare xbench/bm25 xbench/char-ngram
      xbench compare xbench/bm25 xbench/char-ngram --languages ar,de --show languages
    """  # noqa: D301
    from xbench.analysis.compared_models import read_candidates
    from xbench.analysis.comparison import compare as run

    if plot is not None:
        from xbench._util.atomic_write import check_place
        from xbench.analysis.plots import figure_format

        figure_format(plot)
        check_place(plot)
    candidates = read_candidates(models, *results, languages=languages)
    comparison = run(candidates, make(CompareOptions, options))
    click.echo(_text(comparison, form).rstrip("\n"))
    if form == "table" and comparison.options.show == "summary":
        click.echo("\nMore: --show languages, --show bias, --show all", err=True)
    if plot is not None:
        from xbench.analysis.plots import write_comparison_plots

        for path in write_comparison_plots(candidates, plot):
            click.echo(f"Picture: {path}", err=True)


def _text(comparison: Comparison, form: str) -> str:
    from xbench._util import text_tables
    from xbench.analysis import comparison_frame
    from xbench.analysis.comparison_tables import comparison_tables

    if form in ("json", "csv"):
        write = getattr(comparison_frame, f"comparison_{form}")
        return str(write(comparison.to_dataframe()))
    tables = comparison_tables(comparison)
    if form == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        return text_tables.text(tables, width)
    return str(getattr(text_tables, form)(tables))
