"""``xbench study``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbench.cli.command import Choice, Group
from xbench.cli.options import language_option, location_argument
from xbench.cli.train import check_extra
from xbench.data.datasets import PARALLEL_DATASETS
from xbench.data.download import DataLocation

if TYPE_CHECKING:
    from xbench.training.studies.study_file import Size, Study
    from xbench.training.studies.workplace import Workplace


@click.group(cls=Group)
def study() -> None:
    """Answer a question about training by measurement, at your scale."""


SIZE = click.option(
    "--size",
    type=click.Choice(["smoke", "small", "full"]),
    default="small",
    show_default=True,
    help="smoke proves that all works, small fits two cores, full needs GPUs.",
)
SEEDS = click.option("--seeds", type=click.IntRange(min=1), help="Seeds in place of the study's.")
PLACE = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("studies"),
    show_default=True,
    help="Folder of the runs and reports; runs that are equal in several studies are one.",
)
MODELS = click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("models"),
    show_default=True,
    help="Folder of the models to start from, by name; what is not there is one of the hub.",
)
NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME...")


@study.command("list")
def list_studies() -> None:
    """List the studies that ship with xbench."""
    from xbench.training.studies.study_file import read_study, shipped_studies

    names = shipped_studies()
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name:{width}}  {read_study(name, 'full').title}")


@study.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a study's file, to read or to begin one of your own.

    NAME is one that `list` prints.
    """
    from xbench._util.errors import unknown_name
    from xbench.training.studies.study_file import shipped_studies

    shipped = shipped_studies()
    if name not in shipped:
        raise unknown_name("study", name, shipped)
    click.echo(shipped[name].read_text("utf-8"), nl=False)


@study.command()
@NAMES
@SIZE
@SEEDS
@click.option("--processes", default=2, show_default=True, type=click.IntRange(min=1))
@PLACE
@MODELS
@location_argument
def plan(
    names: tuple[str, ...],
    size: Size,
    seeds: int | None,
    processes: int,
    output: Path,
    models: Path,
    location: DataLocation,
) -> None:
    """Print runs, hours, data and disk, before anything is trained.

    NAME is one that `list` prints, or a file; runs that several have in common are counted once.
    """
    studies, workplace = _prepared(names, size, seeds, output, models, location)
    from xbench.training.studies.planning import plan_lines

    for line in plan_lines(studies, workplace, processes):
        click.echo(line)


@study.command()
@NAMES
@SIZE
@SEEDS
@click.option(
    "--processes",
    default=2,
    show_default=True,
    type=click.IntRange(min=1),
    help="Runs at a time, each in a process of one thread.",
)
@click.option("--keep-models", is_flag=True, help="Keep the trained models.")
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="Ray cluster that carries out the runs in place of processes here: HOST:PORT, auto, or "
    "local for one that is started here. Its machines must share all folders.",
)
@PLACE
@MODELS
@location_argument
def run(
    names: tuple[str, ...],
    size: Size,
    seeds: int | None,
    processes: int,
    keep_models: bool,
    ray_address: str | None,
    output: Path,
    models: Path,
    location: DataLocation,
) -> None:
    """Train and measure what is missing of studies, and write their reports.

    NAME is one that `list` prints, or a file. The same command goes on with what was interrupted.
    """
    studies, workplace = _prepared(names, size, seeds, output, models, location, keep_models)
    from xbench.training.studies.grid import runs, shared
    from xbench.training.studies.running import carry_out

    planned = shared([own for one in studies for own in runs(one)], workplace.places)
    carry_out(list(planned.values()), workplace, processes, click.echo, ray_address)
    _reports(studies, workplace, size, seeds)


@study.command()
@NAMES
@SIZE
@SEEDS
@PLACE
@MODELS
@location_argument
def report(
    names: tuple[str, ...],
    size: Size,
    seeds: int | None,
    output: Path,
    models: Path,
    location: DataLocation,
) -> None:
    """Write the reports of what was run so far.

    NAME is one that `list` prints, or a file.
    """
    studies, workplace = _prepared(names, size, seeds, output, models, location)
    _reports(studies, workplace, size, seeds)


def _prepared(
    names: tuple[str, ...],
    size: Size,
    seeds: int | None,
    output: Path,
    models: Path,
    location: DataLocation,
    keep_models: bool = False,
) -> tuple[list[Study], Workplace]:
    from xbench.training.studies.study_file import read_study

    studies = [read_study(name, size, seeds) for name in names]
    check_extra()
    from xbench.training.studies.grid import Places, runs
    from xbench.training.studies.workplace import Workplace

    places = Places(models.absolute(), (output / "data").absolute())
    workplace = Workplace(output.absolute(), places, location, keep_models)
    workplace.prepare([run for study in studies for run in runs(study)])
    return studies, workplace


def _reports(studies: list[Study], workplace: Workplace, size: Size, seeds: int | None) -> None:
    from xbench.training.studies.report import write_report

    for own in studies:
        more = f" --seeds {seeds}" if seeds else ""
        path = write_report(own, workplace, f"xbench study run {own.name} --size {size}{more}")
        click.echo(f"Report: {path}")


@study.command("batch-sampling")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    required=True,
    help="Training configuration (YAML); its output is the study's folder.",
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--evaluate-on",
    type=Choice([dataset.title for dataset in PARALLEL_DATASETS]),
    default="MLQA-R",
    show_default=True,
    help="Dataset to measure on; none of the training questions may be from it.",
)
@language_option("--languages", "-l", help="Its languages, such as ar,de.")
@location_argument
def batch_sampling(
    config: Path,
    seeds: int,
    evaluate_on: str,
    languages: tuple[str, ...],
    location: DataLocation,
) -> None:
    """Compare monolingual, cross-lingual and hybrid batches (arXiv 2408.10536).

    All are trained from the same start, for the same number of steps, with each seed, and measured
    in the three settings. The same command goes on with a study that was interrupted.
    """
    from xbench._util.atomic_write import write_atomically

    check_extra()
    from xbench.training.config import read_config

    settings = read_config(config, {})
    from xbench.training.study import markdown, run_study

    dataset = next(dataset for dataset in PARALLEL_DATASETS if dataset.title == evaluate_on)
    outcome = run_study(settings, dataset, range(seeds), languages, location)
    text = markdown(outcome)
    write_atomically(settings.output / "study.md", f"{text}\n".encode())
    click.echo(text)
    click.echo(f"\nWritten to {settings.output / 'study.md'}")


@study.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
def xnli(folder: Path, output: Path) -> None:
    """Make a training corpus of XNLI's entailments.

    FOLDER has the development set as dev-<language>.tsv: premise, hypothesis and label. The
    hypothesis of an entailment is the query, its premise the passage.
    """
    import json

    from xbench._util.atomic_write import write_atomically
    from xbench.training.study import xnli_pairs

    lines = [json.dumps(row, ensure_ascii=False) for row in xnli_pairs(folder)]
    write_atomically(output, "".join(f"{line}\n" for line in lines).encode())
    click.echo(f"{len(lines):,} questions: {output}")
