"""``xbench train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from xbench._util.errors import UserError
from xbench.cli.command import Command
from xbench.cli.options import language_option, location_argument
from xbench.data.download import DataLocation


@click.command(cls=Command)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="YAML file, or the name of a configuration that ships with xbench (xlm-r, labse). "
    "Options win over what it says.",
)
@click.option("--base-model", help="Model to start from: a folder, or a name on the hub.")
@click.option("--data", multiple=True, help="Training corpus: file, folder, hub name; repeatable.")
@click.option("--validation", multiple=True, help="Corpus to measure the loss on; repeatable.")
@click.option(
    "--languages",
    multiple=True,
    metavar="CODES",
    help="Train on these only, such as ar,de. May be repeated.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder for the model.")
@click.option("--sampling", help="monolingual, crosslingual, hybrid or plain [default: hybrid].")
@click.option("--alpha", type=float, help="Probability of a monolingual batch [default: 0.5].")
@click.option(
    "--stratified/--no-stratified", default=None, help="Hold alpha exactly in every epoch."
)
@click.option("--coin", is_flag=True, hidden=True)
@click.option(
    "--language-sampling",
    help="uniform, proportional, temperature=T, or weights such as en=2,de=1 [default: uniform].",
)
@click.option("--language-weighting", hidden=True)
@click.option("--language-pairs", help="all, a number, size:N, or a list such as en-de,de-en.")
@click.option(
    "--max-repeats", type=int, help="Times that a question is drawn an epoch at most [default: 20]."
)
@click.option("--loss", help="Name of a loss of sentence-transformers.")
@click.option("--teacher", help="Model that a loss which distils compares with.")
@click.option("--temperature", type=float, help="Temperature of the loss [default: 0.05].")
@click.option("--query-prompt", help="Put before every query, and saved in the model.")
@click.option("--passage-prompt", help="Put before every passage, and saved in the model.")
@click.option("--max-length", type=int, help="Maximum length in tokens.")
@click.option("--batch-size", type=int, help="Pairs in a batch, over all processes [default: 100].")
@click.option("--gradient-accumulation", type=int, help="Batches for a step [default: 1].")
@click.option(
    "--gradient-checkpointing/--no-gradient-checkpointing",
    default=None,
    help="Compute activations again, to save memory.",
)
@click.option("--epochs", type=float, help="Times that every question is drawn [default: 1].")
@click.option("--max-steps", type=int, help="Steps to train, in place of epochs.")
@click.option("--learning-rate", type=float, help="Highest learning rate [default: 3e-5].")
@click.option("--warmup", type=float, help="Share of the steps with a rising rate [default: 0].")
@click.option("--precision", help="fp32, bf16 or fp16 [default: fp32].")
@click.option("--seed", type=int, help="Seed of everything random [default: 0].")
@click.option("--evaluate-on", help="Measure on this dataset while training, such as MLQA-R.")
@click.option("--hold-out", type=int, help="Questions of the data to measure on, not trained on.")
@language_option("--evaluation-languages", help="Its languages, such as ar,de.")
@click.option("--evaluation-steps", type=int, help="Steps between evaluations and checkpoints.")
@click.option(
    "--select-by",
    help="loss, NAME_loss of a set of validation, monolingual_map, crosslingual_map, "
    "multilingual_map, rank_distance or own_language_preference.",
)
@click.option("--report-to", multiple=True, help="Tracker, such as tensorboard; repeatable.")
@click.option("--patience", type=int, help="Stop after so many evaluations without a better one.")
@click.option(
    "--allow-evaluation-data",
    multiple=True,
    help="Let questions of this evaluation set be in the training data; the model card says so.",
)
@location_argument
def train(
    config: Path | None,
    location: DataLocation,
    coin: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Train a retriever on monolingual, cross-lingual or hybrid batches.

    The same command goes on with a run that was interrupted. Under torchrun or accelerate launch
    all processes share each batch.

    \b
    Examples:
      xbench train --config xlm-r
      xbench train --base-model sentence-transformers/LaBSE --data pairs.jsonl -o models/mine
      torchrun --nproc-per-node 4 -m xbench train --config train.yaml
    """  # noqa: D301
    check_extra()
    from xbench.training.config import read_config

    if coin and options["stratified"]:
        raise click.UsageError("--stratified and --coin exclude each other; give one of them")
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if coin:
        given["stratified"] = False
    if "language_pairs" in given:
        given["language_pairs"] = _language_pairs(given["language_pairs"])
    if "languages" in given:
        given["languages"] = [own.strip() for text in given["languages"] for own in text.split(",")]
    if "language_weighting" in given:
        given["language_weighting"] = _number(given["language_weighting"])
    settings = read_config(config, given)
    from xbench.training.run import train as run

    model = run(settings, location)
    if os.environ.get("RANK", "0") == "0":
        click.echo(f"Model: {model}\nMeasure it: xbench evaluate --model {model}")


def check_extra() -> None:
    """Say what to install where training cannot run.

    Raises:
        UserError: If a package is missing.
    """
    from importlib.util import find_spec

    if find_spec("accelerate") is None:
        raise UserError(
            "training needs the package accelerate; run pip install 'xbench-mteb[train]'"
        )


def _language_pairs(text: str) -> str | int | tuple[str, ...]:
    if text.isdecimal():
        return int(text)
    return (
        text
        if text == "all" or text.startswith("size:")
        else tuple(pair.strip() for pair in text.split(","))
    )


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
