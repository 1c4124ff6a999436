"""``xbench verify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from xbench.cli.command import Command
from xbench.cli.options import location_options


@click.command(cls=Command)
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Questions of each of three languages.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which ones are drawn.")
@click.option(
    "--model", help="Name or folder of the model, if it is not where the result says it is."
)
@location_options
def verify(result: Path, sample: int, seed: int, model: str | None, **options: Any) -> None:  # noqa: ANN401
    """Run the model of a result again on some questions, and compare the ranks.

    RESULT is the file of a task, of XQuAD-R, MLQA-R or XBench-Mini. Embeddings of the pool that are
    stored are used; code that comes with a model is never run. The exit code is 0 if the ranks
    agree, 1 if not, and 2 if the model could not be run.

    \b
    Example:
      xbench verify results/xbench__bm25/1/XQuADRMultilingualRetrieval.json --sample 50
    """  # noqa: D301
    from tabulate import tabulate

    from xbench.evaluation.evaluate import location_of
    from xbench.evaluation.verify import AGREE, TOLERANCE
    from xbench.evaluation.verify import verify as run

    location = location_of(options)
    found = run(result, sample, model=model, seed=seed, location=location)
    head = ("Subset", "Questions", "Ranks", "Equal", "Near", "Tolerance", "mAP then", "mAP now")
    rows = [
        (
            own.subset,
            f"{own.questions:,}",
            f"{own.passages:,}",
            f"{100 * own.equal:.1f} %",
            f"{100 * own.near:.1f} %",
            f"{100 * own.tolerance:.1f} %",
            f"{100 * own.recorded:.1f}",
            f"{100 * own.found:.1f}",
        )
        for own in found
    ]
    click.echo(tabulate(rows, head, colalign=("left", *["right"] * 7), disable_numparse=True))
    click.echo(
        f"Near: within one place or {100 * TOLERANCE:.0f} %; 95 % of the ranks are within the "
        "tolerance."
    )
    agrees = all(own.agrees for own in found)
    what = "agree" if agrees else f"differ: expected {100 * AGREE:.0f} % near in each subset"
    click.echo(f"The ranks {what}.")
    sys.exit(0 if agrees else 1)
