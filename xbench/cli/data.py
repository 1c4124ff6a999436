"""``xbench data``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbench.cli.command import Group

if TYPE_CHECKING:
    from xbench._util.text_tables import TextTable
    from xbench.data.own.corpus import OwnCorpus

COLUMNS = {
    "Questions": "questions",
    "Passages": "passages",
    "Pairs": "pairs",
    "Duplicates": "merged",
    "Questions\nw/o passage": "without_passage",
    "Passages\nw/o question": "without_question",
}

MATRIX = 12
"""Up to how many languages the pairs of languages are shown."""


@click.group(cls=Group)
def data() -> None:
    """Look at a corpus of your own."""


@data.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the corpus [default: that of the file].")
def check(file: Path, name: str | None) -> None:
    """Print what is understood of a corpus, before anything is encoded.

    FILE is a CSV, TSV, JSONL or Parquet file, or a folder: one folder in BEIR's format or one file
    in SQuAD's format per language. A table has a row per question and language (id, language,
    query, passage[, passage_id, relevant, group]) or a row per question (id, query_en, passage_en,
    query_de, …).

    \b
    Example:
      xbench data check my-faq.csv
    """  # noqa: D301
    from xbench._util.text_tables import text
    from xbench.data.own.corpus import refuse_one_language, summary
    from xbench.data.own.reading import read_own_corpus

    corpus = read_own_corpus(file, name or "")
    for line in summary(corpus):
        click.echo(line)
    click.echo(f"\n{text([*_tables(corpus)])}\n")
    for setting in corpus.settings:
        names = list(corpus.subsets(setting, corpus.corpus.languages))
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        click.echo(f"{corpus.dataset.task_name(setting)}: {len(names)} subsets: {shown}")
    click.echo(f"Revision: {corpus.dataset.revision}")
    refuse_one_language(corpus)


def _tables(corpus: OwnCorpus) -> Iterator[TextTable]:
    import pandas as pd

    from xbench._util.text_tables import TextTable

    names = {code: f"{own.name} ({code})" for code, own in sorted(corpus.languages.items())}
    counts = [(names[code], corpus.counts[code]) for code in names]
    rows = [[name, *(f"{getattr(own, c):,}" for c in COLUMNS.values())] for name, own in counts]
    yield TextTable("", pd.DataFrame(rows, columns=["Language", *COLUMNS]))
    if 1 < len(names) <= MATRIX:
        cells = [
            [names[a], *(f"{corpus.answerable.get((a, b), 0):,}" for b in names)] for a in names
        ]
        yield TextTable(
            "Questions with a relevant passage, by the language of the passage",
            pd.DataFrame(cells, columns=["Questions", *names]),
        )
