"""``xbench estimate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xbench.cli.command import Choice, Command
from xbench.cli.options import data_options, location_argument, model_options, selection_options
from xbench.data.catalogue import task_names
from xbench.data.datasets import PassageForm
from xbench.data.download import DataLocation
from xbench.data.languages import codes
from xbench.evaluation.gpus import GPUS
from xbench.models.options import ModelOptions
from xbench.search.options import ON_BAD_LINE, OnBadLine, SearchOptions


@click.command(cls=Command)
@model_options
@selection_options
@data_options
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
@click.option(
    "--tokenizer",
    help="Endpoint: also count tokens, with this tokenizer on the hub or in a folder.",
)
@click.option("--on-bad-line", type=Choice(ON_BAD_LINE), default="stop", show_default=True)
@click.option("--no-progress", is_flag=True, help="Show no progress bars.")
@location_argument
def estimate(
    tasks: tuple[str, ...],
    benchmarks: tuple[str, ...],
    languages: tuple[str, ...],
    passage_form: PassageForm,
    data: Path | None,
    data_name: str | None,
    gpu: str | None,
    seconds: float,
    tokenizer: str | None,
    on_bad_line: OnBadLine,
    no_progress: bool,
    location: DataLocation,
    **model: Any,  # noqa: ANN401
) -> None:
    """Estimate what an evaluation takes.

    Time and memory come from a short measurement. For an endpoint, what would be sent is counted,
    and nothing is sent.

    \b
    Examples:
      xbench estimate --model intfloat/multilingual-e5-small --benchmark XBenchMIRACL
      xbench estimate --model https://example.org/v1 --served-model m --tokenizer org/model
      xbench estimate --model ./mine --tasks MIRACLMonolingualRetrieval -l sw --gpu h100
      xbench estimate --model ./mine --data my-faq.csv
    """  # noqa: D301
    from xbench.cli.estimate_table import estimate_table, requests_table
    from xbench.evaluation.estimate_cost import estimate as run
    from xbench.evaluation.evaluate import own_corpora, own_tasks
    from xbench.evaluation.run_settings import Selection
    from xbench.models.endpoint import is_endpoint

    options = ModelOptions(**model)
    own = own_tasks(own_corpora(None, data, data_name), codes(languages))
    names = () if own and not (tasks or benchmarks) else task_names(tasks, benchmarks)
    selection = Selection(names, languages, passage_form, own)
    search = SearchOptions(on_bad_line, show_progress=not no_progress)
    if is_endpoint(options.model):
        from xbench.evaluation.estimate_requests import estimate_requests

        if gpu is not None:
            raise click.UsageError("--gpu cannot be applied: the model is an endpoint")
        sent = estimate_requests(
            options,
            selection,
            tokenizer=tokenizer,
            location=location,
            search=search,
            seconds=seconds,
        )
        click.echo(requests_table(sent))
        return
    if tokenizer is not None:
        raise click.UsageError("--tokenizer is for endpoints; other models have their own")
    found = run(options, selection, location=location, search=search, seconds=seconds)
    click.echo(estimate_table(found, gpu))
