"""``xbench mine``."""

from __future__ import annotations

from pathlib import Path

import click

from xbench.cli.command import Command
from xbench.cli.options import location_argument
from xbench.data.download import DataLocation


@click.command(cls=Command)
@click.argument("data")
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--teacher", required=True, help="Model to search with: a folder, or a hub name.")
@click.option("--language", help="Language of the data, where its columns do not say it.")
@click.option("--query-prompt", help="Put before every query [default: the model's own].")
@click.option("--passage-prompt", help="Put before every passage [default: the model's own].")
@click.option("--negatives", default=5, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--margin",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of the positive's score that a negative's is below it.",
)
@click.option(
    "--skip", default=0, show_default=True, help="Highest ranked passages that are not taken."
)
@click.option(
    "--depth", default=100, show_default=True, help="Rank up to which passages are taken."
)
@click.option("--batch-size", default=32, show_default=True)
@location_argument
def mine(
    data: str,
    output: Path,
    teacher: str,
    language: str | None,
    query_prompt: str | None,
    passage_prompt: str | None,
    negatives: int,
    margin: float,
    skip: int,
    depth: int,
    batch_size: int,
    location: DataLocation,
) -> None:
    """Mine hard negatives for a training corpus from its own passages.

    DATA is a corpus as xbench train takes it, OUTPUT a JSONL file with negatives_<language>. Every
    language of the passages is searched by itself.

    \b
    Example:
      xbench mine pairs.jsonl mined.jsonl --teacher intfloat/multilingual-e5-small
    """  # noqa: D301
    import json

    from xbench._util.atomic_write import write_atomically
    from xbench.training.corpora.reading import read_pairs
    from xbench.training.corpora.source import CorpusSource
    from xbench.training.losses import load_model
    from xbench.training.mining import MiningOptions
    from xbench.training.mining import mine as mined

    pairs = read_pairs(CorpusSource(data, language=language), location.cache_dir)
    model = load_model(teacher, "--teacher")
    for name, prompt in (("query", query_prompt), ("document", passage_prompt)):
        if prompt is not None:
            model.prompts[name] = prompt
    options = MiningOptions(negatives, margin, skip, depth, batch_size)
    rows = list(mined(pairs, model, options))
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    write_atomically(output, "".join(f"{line}\n" for line in lines).encode())
    with_some = sum(any(name.startswith("negatives") for name in row) for row in rows)
    click.echo(f"{with_some:,} of {len(rows):,} questions with hard negatives: {output}")
