"""``xbench evaluate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from xbench.cli.command import Choice, Command
from xbench.cli.options import location_options, model_options, selection_options, task_names
from xbench.data.catalogue import PassageForm
from xbench.models.options import ModelOptions
from xbench.search.options import BACKENDS, ON_BAD_LINE, BackendName, OnBadLine, SearchOptions


@click.command(cls=Command)
@model_options
@selection_options
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of all results.",
)
@click.option("--overwrite", is_flag=True, help="Re-run tasks that already have results.")
@click.option(
    "--on-bad-line",
    type=Choice(ON_BAD_LINE),
    default="stop",
    show_default=True,
    help="MIRACL: stop at defects in the corpus files, or skip what is defective and count it.",
)
@click.option(
    "--backend",
    type=Choice(BACKENDS),
    default="local",
    show_default=True,
    help="MIRACL: search in this process, or on Ray (pip install 'xbench-mteb[ray]').",
)
@click.option("--ray-address", help="Address of a Ray cluster [default: a local one].")
@click.option(
    "--ray-workers",
    type=click.IntRange(min=1),
    help="Number of workers [default: one per GPU, or per core].",
)
@click.option("--no-progress", is_flag=True, help="Show no progress bars.")
@location_options
def evaluate(
    tasks: tuple[str, ...],
    benchmarks: tuple[str, ...],
    languages: tuple[str, ...],
    passage_form: PassageForm,
    output: Path,
    on_bad_line: OnBadLine,
    backend: BackendName,
    ray_address: str | None,
    ray_workers: int | None,
    overwrite: bool,
    no_progress: bool,
    data_dir: Path | None,
    cache_dir: Path | None,
    offline: bool,
    **model: Any,  # noqa: ANN401
) -> None:
    """Evaluate a model and write its results.

    Tasks that already have results are skipped, and an interrupted run goes on where it stopped.

    \b
    Examples:
      xbench evaluate --model intfloat/multilingual-e5-small
      xbench evaluate --model ./my-model --tasks XQuADRMultilingualRetrieval
      xbench evaluate --model xbench/bm25 --benchmark XBenchMini
    """  # noqa: D301
    from xbench.data.download import DataLocation

    location = DataLocation.from_environment(data_dir, cache_dir, offline)
    if location.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    from xbench.evaluation.evaluate_tasks import evaluate as run
    from xbench.evaluation.run_settings import Selection
    from xbench.evaluation.summary_table import summary_table

    evaluated = run(
        ModelOptions(**model),
        Selection(task_names(tasks, benchmarks), languages, passage_form),
        output=output,
        location=location,
        search=SearchOptions(on_bad_line, backend, ray_address, ray_workers),
        overwrite=overwrite,
        show_progress=not no_progress,
    )
    skipped = sum(item.skipped for item in evaluated)
    if skipped:
        click.echo(
            f"{skipped} of {len(evaluated)} tasks already had results; use --overwrite to re-run "
            "them."
        )
    summary_table(evaluated, partial=languages)
    click.echo(f"Results: {evaluated[0].path.parent}")
