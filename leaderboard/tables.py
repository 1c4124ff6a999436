"""Tables of rows: which are in, in which order, which figure is best, and how each is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xbench.catalogue import PASSAGE_FORMS, PassageForm, Setting
from xbench.languages import LANGUAGES
from xbench.leaderboard.figures import Key, Row
from xbench.metrics import IN_RANKS

SETTING_NAMES: Mapping[Setting, str] = {
    "monolingual": "Monolingual",
    "crosslingual": "Cross-lingual",
    "multilingual": "Multilingual",
}
MEASURE_NAMES = {
    "map": "mAP",
    "ndcg_at_10": "nDCG@10",
    "recall_at_100": "Recall@100",
    "rank_distance": "rank distance",
}
FORM_NAMES: Mapping[PassageForm, str] = {
    "sentence": "A passage is a sentence",
    "context": "A passage is a sentence followed by its paragraph",
}


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes:
        label: Short heading.
        title: The heading in words.
        key: What its figures say.
    """

    label: str
    title: str
    key: Key

    @property
    def lower_is_better(self) -> bool:
        """Whether the lowest figure is the best."""
        return self.key.measure in IN_RANKS


@dataclass(frozen=True)
class Cell:
    """A figure as it is shown; empty where there is none.

    Attributes:
        text: The figure.
        best: Whether it is the best of its column among comparable rows.
        note: Number of its note under the table, or 0.
    """

    text: str
    best: bool = False
    note: int = 0


@dataclass(frozen=True)
class Line:
    """A row as it is shown: its figures, and in which published tables they stand."""

    row: Row
    cells: tuple[Cell, ...]
    tables: str


@dataclass(frozen=True)
class Group:
    """Lines that may be compared with each other."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """A table as it is shown."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]


def overview_columns() -> tuple[Column, ...]:
    """Return the columns of the table that has one line per model."""
    multilingual = "mean over query languages, one pool of all languages"
    return (
        Column("Mo. mAP", "monolingual", Key("monolingual", "map", None, "macro")),
        Column("Cr. mAP", "cross-lingual", Key("crosslingual", "map", None, "macro")),
        Column("Mul. mAP", multilingual, Key("multilingual", "map", None, "macro")),
        Column("Mul. mAP micro", "mean over questions", Key("multilingual", "map", None, "micro")),
        Column(
            "Rank distance",
            "lower is less language bias",
            Key("multilingual", "rank_distance", None, "macro"),
        ),
    )


def language_columns(
    setting: Setting, measure: str, languages: Iterable[str]
) -> tuple[Column, ...]:
    """Return a column per query language, and the mean over them."""
    mean = Column("Mean", "mean over languages", Key(setting, measure, None, "macro"))
    return (
        *(Column(a, LANGUAGES[a].name, Key(setting, measure, a)) for a in languages),
        mean,
    )


def make_table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    order: Sequence[Key] = (),
) -> Table | None:
    """Return a table of the rows that have a figure in it, or None if none has.

    Args:
        name: Its id in the page.
        caption: What it shows.
        columns: Its columns.
        rows: The rows to choose from.
        order: The figure to order by, best first: for each row the first of these that it has.
            Without it the table is not a ranking: ordered by name, and no figure is best.
    """
    kept = [row for row in rows if any(column.key in row.figures for column in columns)]
    notes: list[str] = []
    forms = [form for form in PASSAGE_FORMS if any(row.passage_form == form for row in kept)]
    groups = tuple(
        Group(
            heading="" if forms == ["sentence"] else FORM_NAMES[form],
            lines=tuple(_lines([r for r in kept if r.passage_form == form], columns, order, notes)),
        )
        for form in forms
    )
    return Table(name, caption, tuple(columns), groups, tuple(notes)) if kept else None


def _lines(
    rows: list[Row], columns: Sequence[Column], order: Sequence[Key], notes: list[str]
) -> Iterator[Line]:
    best = {column: _best(column, rows) if order else "" for column in columns}
    for row in sorted(rows, key=lambda row: _place(row, order)):
        cells = []
        for column in columns:
            shown = _shown(row, column.key)
            figure = row.figures.get(column.key)
            if figure and figure.note:
                notes.append(figure.note)
            cells.append(
                Cell(
                    text=shown,
                    best=shown != "" and shown == best[column],
                    note=len(notes) if figure and figure.note else 0,
                )
            )
        yield Line(row, tuple(cells), _tables(row, columns))


def _place(row: Row, order: Sequence[Key]) -> tuple[bool, float, str, str, str]:
    key = next((key for key in order if key in row.figures), None)
    value = row.figures[key].value if key else 0.0
    source = row.publication.source if row.publication and not order else ""
    sign = 1 if key and key.measure in IN_RANKS else -1
    return key is None, sign * value, source, row.model, row.revision


def _best(column: Column, rows: Sequence[Row]) -> str:
    present = [row for row in rows if column.key in row.figures]
    if len(present) < 2:
        return ""
    choose = min if column.lower_is_better else max
    return _shown(choose(present, key=lambda row: row.figures[column.key].value), column.key)


def _shown(row: Row, key: Key) -> str:
    figure = row.figures.get(key)
    if figure is None:
        return ""
    return f"{figure.value if key.measure in IN_RANKS else 100 * figure.value:.1f}"


def _tables(row: Row, columns: Sequence[Column]) -> str:
    figures = [row.figures[column.key] for column in columns if column.key in row.figures]
    tables = {figure.table for figure in figures if figure.table}
    if not tables:
        return ""
    ordered = sorted(tables, key=lambda t: [int(n) for n in re.findall(r"\d+", t)])
    several = len(ordered) > 1 or "-" in ordered[0]
    return f"table{'s' if several else ''} {', '.join(ordered)}".replace("-", "\N{EN DASH}")
