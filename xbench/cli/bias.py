"""``xbench bias``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from xbench.cli.command import Choice, Command

if TYPE_CHECKING:
    from xbench._util.text_tables import TextTable
    from xbench.analysis.run_bias import LanguageBias

WIDTH = 100
LABEL_WIDTH = 14
POOL = {
    "mAP": "map",
    "nDCG@10": "ndcg_at_10",
    "Rank\ndistance": "rank_distance",
    "Worst\nrank": "worst_rank",
    "Complete\n@100": "complete_at_100",
    "AWRF@20\npool": "awrf_at_20",
    "Rank\ncorrelation": "rank_correlation",
}
PREFERENCE = {
    "Rank gain\nsame lang.": "same_language_rank_gain",
    "First\nsame lang.": "same_language_first",
    "1st place:\nright, own": "first_place_right_own",
    "1st place:\nright, other": "first_place_right_other",
    "1st place:\nwrong, own": "first_place_wrong_own",
    "1st place:\nwrong, other": "first_place_wrong_other",
}
NOTE = (
    "× 100, except the rank correlation and what is in ranks: rank distance, worst rank, rank\n"
    "gain. The mean is over the query languages that have the score."
)
SHARES = "Share of each passage language in the top 10, %"

file = click.Path(path_type=Path, dir_okay=False, exists=True)


def tables_and_codes(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[list[Path], list[str]]:
    """Return which values are files, and the languages that the others name.

    Raises:
        click.BadParameter: If there is no file.
    """
    tables = [Path(value) for value in values if Path(value).is_file()]
    others = [value for value in values if not Path(value).is_file()]
    if missing := [value for value in others if len(Path(value).suffix) > 1 or "/" in value]:
        raise click.BadParameter(f"{missing[0]}: no such file")
    if not tables:
        named = f"File {others[0]!r} does not exist; " if others else ""
        raise click.BadParameter(f"{named}expected a table of the passages' languages")
    return tables, [code for value in others for code in value.split(",") if code]


@click.command(cls=Command)
@click.argument("run", type=file)
@click.argument("qrels", type=file)
@click.option(
    "--languages",
    required=True,
    multiple=True,
    callback=tables_and_codes,
    metavar="FILE|CODES",
    help="Table of every passage of the pool, and of the queries; or codes such as ar,de, to "
    "measure these languages alone. May be repeated.",
)
@click.option("--query-language", help="Language of all queries, if the tables list passages only.")
@click.option("--subset", help="Subset to measure of a run that is mteb's predictions.")
@click.option(
    "--format",
    "form",
    type=Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="What to write; json and csv hold every score in full precision.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write to instead of the screen.",
)
def bias(
    run: Path,
    qrels: Path,
    languages: tuple[list[Path], list[str]],
    query_language: str | None,
    subset: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Measure the language bias of the run RUN of any system, judged by QRELS.

    RUN is a file in TREC's format, mteb's predictions, the JSON of ranx or BEIR, or a table with
    the header query_id,doc_id,score. QRELS is a file in TREC's format, BEIR's table with its
    header, or JSON. The form is known by the content.

    A table of languages has the header id,language and, if need be, the columns question (which
    queries are versions of one question) and kind (query or passage), separated by commas or tabs.
    Without a kind, a row is a query if its id is a query of the run or the qrels, and else a
    passage; an id that may be both needs a kind. Codes of the same language, such as zh and
    zh-Hans, are taken together. Every file may be compressed (.gz).

    \b
    Examples:
      xbench bias run.trec qrels.txt --languages passages.tsv --languages queries.csv
      xbench bias predictions.json test.tsv --languages passages.csv --query-language de
    """  # noqa: D301
    from xbench._util.atomic_write import write_atomically
    from xbench.analysis.run_bias import language_bias

    tables, codes = languages
    found = language_bias(
        run, qrels, tables, query_language, subset=subset, languages=codes or None
    )
    content = {"table": _text, "json": _json, "csv": _csv}[form](found)
    if output is None:
        click.echo(content, nl=False)
    else:
        write_atomically(output, content.encode())


def _json(found: LanguageBias) -> str:
    return json.dumps(asdict(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _csv(found: LanguageBias) -> str:
    """Write one row per value: the part of the result, the query language, the name, the value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("part", "query_language", "name", "value"))
    for part, content in asdict(found).items():
        if isinstance(content, tuple):
            writer.writerows((part, "", "", text) for text in content)
            continue
        if not isinstance(content, dict):
            writer.writerow((part, "", "", content))
            continue
        for key, value in content.items():
            if isinstance(value, dict):
                writer.writerows((part, key, name, number) for name, number in value.items())
            else:
                writer.writerow((part, "", key, value))
    return text.getvalue()


def _text(found: LanguageBias) -> str:
    from xbench._util.text_tables import text

    notes = (
        f"{NOTE}\n"
        f"{found.queries:,} queries, {found.not_in_run:,} of them not in the run; "
        f"{found.passages:,} passages in the pool.\n"
        f"{found.not_retrieved:,} of {found.relevant:,} relevant passages were not retrieved.\n"
        f"Skipped: {found.without_relevant:,} queries without a relevant passage, "
        f"{found.unjudged:,} of the run without judgment.\n"
    ) + "".join(f"{line}\n" for note in found.notes for line in wrap(note, WIDTH))
    return f"{text([*_tables(found)], WIDTH)}\n\n{notes}"


def _tables(found: LanguageBias) -> Iterator[TextTable]:
    for columns in (POOL, PREFERENCE):
        present = [(title, name) for title, name in columns.items() if name in found.mean]
        if present:
            rows = [*found.by_language.items(), ("mean", found.mean)]
            yield _table("", present, rows, _value)
    if found.shares:
        languages = [(_short(language), language) for language in found.pool_share]
        rows = [*found.shares.items(), ("pool", found.pool_share)]
        yield _table(SHARES, languages, rows, lambda row, language: _percent(row[language]))


def _table(
    title: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[tuple[str, Mapping[str, float]]],
    form: Callable[[Mapping[str, float], str], str],
) -> TextTable:
    """Make a table whose last row sums up the others, from the rows' values by name."""
    import pandas as pd

    from xbench._util.text_tables import TextTable

    cells = pd.DataFrame(
        [[_short(name), *(form(row, own) for _, own in columns)] for name, row in rows],
        columns=["Queries", *(title for title, _ in columns)],
    )
    return TextTable(title, cells, total=True)


def _short(language: str) -> str:
    fits = len(language) <= LABEL_WIDTH
    return language if fits else f"{language[: LABEL_WIDTH - 1]}…"


def _value(values: Mapping[str, float], name: str) -> str:
    from xbench.metrics import IN_RANKS

    if name not in values:
        return ""
    if name == "rank_correlation":
        return f"{values[name]:.3f}"
    return f"{values[name]:,.1f}" if name in IN_RANKS else _percent(values[name])


def _percent(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}"
