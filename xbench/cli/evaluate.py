"""``xbench evaluate``."""

from __future__ import annotations

from typing import Any

import click

from xbench.cli.command import Command
from xbench.cli.options import (
    data_options,
    location_options,
    model_options,
    options_from,
    selection_options,
)
from xbench.evaluation.options import RunOptions
from xbench.search.options import SearchOptions


@click.command(cls=Command)
@model_options
@selection_options
@data_options
@click.option(
    "--variants",
    multiple=True,
    metavar="LIST",
    help="Also score truncated or quantised embeddings, from the same encoding, with results of "
    "their own: dim=64,128 or quantize=int8,binary, or both with ';' between them, which is every "
    "one with every other. May be repeated; each adds its list.",
)
@click.option(
    "--perturb",
    multiple=True,
    metavar="KIND:RATE",
    help="Change the queries: typo, case or diacritics of a share of the letters, codeswitch of a "
    "share of the words, such as typo:0.1; stored apart. May be repeated; applied in turn.",
)
@options_from(RunOptions, "perturb_seed")
@options_from(RunOptions, "output", "overwrite", "no_progress", "save_runs", "save_failures")
@options_from(SearchOptions)
@location_options
def evaluate(model: str, **options: Any) -> None:  # noqa: ANN401
    """Evaluate a model and write its results.

    Tasks that already have results are skipped, and an interrupted run goes on where it stopped.

    \b
    Examples:
      xbench evaluate --model intfloat/multilingual-e5-small
      xbench evaluate --model ./my-model --tasks XQuADRMultilingualRetrieval
      xbench evaluate --model xbench/bm25 --benchmark XBenchMini
      xbench evaluate --model xbench/bm25 --data my-faq.csv
      xbench evaluate --model http://localhost:8080/v1 --served-model e5
    """  # noqa: D301
    from xbench.evaluation.evaluate import evaluate as run
    from xbench.results.failures import folder_next_to

    results = run(model, benchmark=options.pop("benchmarks"), **options)
    click.echo(results.table())
    folder = next(iter(results.files.values())).parent
    click.echo(f"Results: {folder}")
    for kind in ("runs", "failures"):
        if options[f"save_{kind}"]:
            click.echo(f"{kind.title()}: {folder_next_to(options['output'], folder, kind)}")
