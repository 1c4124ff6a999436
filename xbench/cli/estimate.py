"""``xbench estimate``."""

from __future__ import annotations

from typing import Any

import click

from xbench.cli.command import Choice, Command
from xbench.cli.options import location_argument, model_options, selection_options
from xbench.data.catalogue import PassageForm, task_names
from xbench.data.download import DataLocation
from xbench.evaluation.gpus import GPUS
from xbench.models.options import ModelOptions
from xbench.search.options import ON_BAD_LINE, OnBadLine, SearchOptions


@click.command(cls=Command)
@model_options
@selection_options
@click.option(
    "--gpu",
    type=Choice(list(GPUS), case_sensitive=False),
    help="Also estimate the time on this GPU, e.g. h100.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="How long to measure in all; shared by the languages.",
)
@click.option("--on-bad-line", type=Choice(ON_BAD_LINE), default="stop", show_default=True)
@click.option("--no-progress", is_flag=True, help="Show no progress bars.")
@location_argument
def estimate(
    tasks: tuple[str, ...],
    benchmarks: tuple[str, ...],
    languages: tuple[str, ...],
    passage_form: PassageForm,
    gpu: str | None,
    seconds: float,
    on_bad_line: OnBadLine,
    no_progress: bool,
    location: DataLocation,
    **model: Any,  # noqa: ANN401
) -> None:
    """Estimate how long an evaluation takes, and how much memory, from a short measurement.

    \b
    Examples:
      xbench estimate --model intfloat/multilingual-e5-small --benchmark XBenchMIRACL
      xbench estimate --model ./mine --tasks MIRACLMonolingualRetrieval -l sw --gpu h100
    """  # noqa: D301
    from xbench.cli.estimate_table import estimate_table
    from xbench.evaluation.estimate_cost import estimate as run
    from xbench.evaluation.run_settings import Selection

    found = run(
        ModelOptions(**model),
        Selection(task_names(tasks, benchmarks), languages, passage_form),
        location=location,
        search=SearchOptions(on_bad_line, show_progress=not no_progress),
        seconds=seconds,
    )
    click.echo(estimate_table(found, gpu))
