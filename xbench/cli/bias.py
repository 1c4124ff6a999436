"""``xbench bias``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbench.cli.command import Choice, Command

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from xbench.analysis.run_bias import LanguageBias

WIDTH = 100
LABEL_WIDTH = 14
MARGIN = 3
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

file = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(cls=Command)
@click.argument("run", type=file)
@click.argument("qrels", type=file)
@click.option(
    "--languages",
    required=True,
    multiple=True,
    type=file,
    help="Table of every passage of the pool, and of the queries; may be repeated.",
)
@click.option("--query-language", help="Language of all queries, if the tables list passages only.")
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
    languages: tuple[Path, ...],
    query_language: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Measure the language bias of a TREC run RUN, judged by QRELS.

    A table of languages has the header id,language and, if need be, the columns question (which
    queries are versions of one question) and kind (query or passage), separated by commas or tabs.
    Without a kind, a row is a query if its id is a query of the run or the qrels, and else a
    passage; an id that may be both needs a kind. Every file may be compressed (.gz).
    """
    from rich.console import Console

    from xbench._util.atomic_write import write_atomically
    from xbench.analysis.run_bias import language_bias

    found = language_bias(run, qrels, languages, query_language)
    if form == "table" and output is None:
        console = Console(highlight=False)
        console.width = max(console.width, WIDTH)
        _print(found, console)
        return
    if form == "table":
        text = io.StringIO()
        _print(found, Console(file=text, width=WIDTH, highlight=False))
        content = text.getvalue()
    else:
        content = _json(found) if form == "json" else _csv(found)
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
        if not isinstance(content, dict):
            writer.writerow((part, "", "", content))
            continue
        for key, value in content.items():
            if isinstance(value, dict):
                writer.writerows((part, key, name, number) for name, number in value.items())
            else:
                writer.writerow((part, "", key, value))
    return text.getvalue()


def _print(found: LanguageBias, console: Console) -> None:
    for columns in (POOL, PREFERENCE):
        present = {title: name for title, name in columns.items() if name in found.mean}
        if present:
            console.print(_scores(found, present))
    for table in _shares(found):
        console.print("Share of each passage language in the top 10")
        console.print(table)
    console.print(NOTE, style="dim")
    console.print(
        f"{found.queries:,} queries, {found.not_in_run:,} of them not in the run; "
        f"{found.passages:,} passages in the pool.\n"
        f"{found.not_retrieved:,} of {found.relevant:,} relevant passages were not retrieved.\n"
        f"Left out: {found.without_relevant:,} queries without a relevant passage, "
        f"{found.unjudged:,} of the run without judgement."
    )


def _scores(found: LanguageBias, columns: Mapping[str, str]) -> Table:
    table = _table("Queries", columns)
    for language, values in found.by_language.items():
        table.add_row(_label(language), *(_value(values, name) for name in columns.values()))
    table.add_section()
    table.add_row("mean", *(_value(found.mean, name) for name in columns.values()))
    return table


def _shares(found: LanguageBias) -> Iterator[Table]:
    """Make the matrix of shares, as many tables as its passage languages need."""
    for languages in _fitting(found) if found.shares else ():
        table = _table("Queries", [_label(language) for language in languages])
        for language, row in found.shares.items():
            table.add_row(_label(language), *(_percent(row[code]) for code in languages))
        table.add_section()
        table.add_row("pool", *(_percent(found.pool_share[code]) for code in languages))
        yield table


def _fitting(found: LanguageBias) -> Iterator[list[str]]:
    """Split the passage languages into groups whose columns fit into the width."""
    group: list[str] = []
    left = available = WIDTH - LABEL_WIDTH - MARGIN
    for language, share in found.pool_share.items():
        cells = (_percent(row[language]) for row in found.shares.values())
        longest = max(map(len, [_percent(share), *cells]))
        width = max(_label(language).cell_len, longest) + MARGIN
        if width > left:
            yield group
            group, left = [], available
        group.append(language)
        left -= width
    yield group


def _table(first: str, columns: Mapping[str, str] | Sequence[Text]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _label(language: str) -> Text:
    from rich.text import Text

    label = Text(language)
    label.truncate(LABEL_WIDTH, overflow="ellipsis")
    return label


def _value(values: Mapping[str, float], name: str) -> str:
    from xbench.metrics import IN_RANKS

    if name not in values:
        return ""
    if name == "rank_correlation":
        return f"{values[name]:.3f}"
    return f"{values[name]:,.1f}" if name in IN_RANKS else _percent(values[name])


def _percent(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:.1f}"
