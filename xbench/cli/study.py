"""``xbench study``."""

from __future__ import annotations

from pathlib import Path

import click

from xbench.cli.command import Choice, Group
from xbench.cli.options import language_option, location_argument
from xbench.data.catalogue import PARALLEL_DATASETS
from xbench.data.download import DataLocation


@click.group(cls=Group)
def study() -> None:
    """Run a research question again, at your scale."""


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
    from xbench.cli.train import check_extra

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
