"""``xbench compare``."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbench.cli.command import Choice, Command

if TYPE_CHECKING:
    from xbench.analysis.comparison import Comparison, Figure

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
@click.option("--format", "form", type=Choice(FORMATS), default="table", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the comparison to this file, one per dataset; its suffix names the format: svg, "
    "png, pdf and others (needs matplotlib).",
)
def compare(
    models: tuple[str, ...], results: tuple[Path, ...], form: str, seed: int, plot: Path | None
) -> None:
    """Compare models on the tasks that all were run on, with intervals and tests.

    A MODEL is a folder of results, or a name under --results: org/model or org/model@revision.
    Nothing is run: the scores come from the per-query files.

    \b
    Example:
      xbench compare xbench/bm25 xbench/char-ngram
    """  # noqa: D301
    from xbench.analysis.compared_models import read_candidates
    from xbench.analysis.comparison import compare as run

    if plot is not None:
        from xbench._util.atomic_write import check_place
        from xbench.analysis.plots import figure_format

        figure_format(plot)
        check_place(plot)
    candidates = read_candidates(models, *results)
    comparison = run(candidates, seed=seed)
    _print(comparison, form)
    if plot is not None:
        from xbench.analysis.plots import write_comparison_plots

        for path in write_comparison_plots(candidates, plot):
            click.echo(f"Picture: {path}", err=True)


def _print(comparison: Comparison, form: str) -> None:
    from xbench.analysis import text_tables
    from xbench.analysis.comparison_tables import comparison_tables

    if form == "json":
        click.echo(json.dumps(long_rows(comparison), indent=2, allow_nan=False))
    elif form == "csv":
        rows = long_rows(comparison)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        click.echo(text.getvalue(), nl=False)
    elif form == "table":
        text_tables.print_tables(comparison_tables(comparison))
    else:
        click.echo(getattr(text_tables, form)(comparison_tables(comparison)))


def long_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one row per model and figure, as the csv and json formats give them."""
    return [
        {
            "table": name,
            "task": row.task,
            "language": row.language,
            "measure": row.measure,
            "model": model,
            **_long(figure),
        }
        for name in ("settings", "languages", "bias", "gaps", "spreads")
        for row in getattr(comparison, name)
        for model, figure in zip(comparison.models, row.figures, strict=True)
    ]


def _long(figure: Figure) -> dict[str, float | int | bool | None]:
    ranks = figure.ranks or (None, None)
    differences = {
        name: getattr(figure.difference, field, None)
        for name, field in (
            ("difference", "value"),
            ("difference_low", "low"),
            ("difference_high", "high"),
            ("p", "p"),
            ("standardised", "standardised"),
            ("superiority", "superiority"),
        )
    }
    values: dict[str, float | int | bool | None] = {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        **differences,
        "rank_low": ranks[0],
        "rank_high": ranks[1],
        "tier": figure.tier,
        "as_good_as_best": figure.cannot_be_told_from_the_best,
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
