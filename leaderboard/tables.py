"""Tables of entries: which are in, in which order, which figure is best, how each is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from xbench.data.catalogue import PASSAGE_FORMS, PassageForm
from xbench.leaderboard.entries import Entry, streamed
from xbench.leaderboard.figures import Figure, Key, Row, RowIdentity, Standing
from xbench.leaderboard.measures import (
    SETTING_ABBREVIATIONS,
    SETTING_NAMES,
    language_name,
    lower_is_better,
    measure_name,
    scale,
    written,
)

FORM_NAMES: Mapping[PassageForm, str] = {
    "sentence": "A passage is a sentence",
    "context": "A passage is a sentence followed by its paragraph",
}

Standings = Mapping[Key, Mapping[RowIdentity, Standing]]
"""Where rows stand, by what the column says."""


@dataclass(frozen=True)
class Column:
    """A column of figures, or of where the entries stand by these figures.

    Attributes:
        label: Short heading.
        title: The heading in words.
        dataset: Title of the dataset.
        key: What its figures say.
        rank: Whether it shows where the entries stand.
    """

    label: str
    title: str
    dataset: str
    key: Key
    rank: bool = False

    @property
    def id(self) -> str:
        """Its name in addresses and scripts."""
        ends = (self.key.language, self.key.average if self.key.average == "micro" else None)
        parts = (self.dataset, *self.key[:2], *ends, "rank" if self.rank else None)
        name = "-".join(part for part in parts if part)
        return re.sub(r"[^a-z0-9]+", "-", name.lower())

    @property
    def lower_is_better(self) -> bool:
        """Whether the lowest figure is the best."""
        return self.rank or lower_is_better(self.key.measure) is True


@dataclass(frozen=True)
class Cell:
    """A figure as it is shown; all empty where there is none.

    Attributes:
        text: The figure.
        value: The number it is sorted by, in the units shown.
        detail: Its interval, or the rank interval and the tier.
        ends: The interval in the units shown.
        best: Whether it is the best of its column among comparable rows.
        note: Number of its note under the table, or 0.
    """

    text: str = ""
    value: float | None = None
    detail: str = ""
    ends: tuple[float, float] | None = None
    best: bool = False
    note: int = 0


@dataclass(frozen=True)
class Line:
    """An entry as it is shown: its figures, and in which published tables they stand."""

    entry: Entry
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

    @property
    def spans(self) -> list[tuple[str, int]]:
        """Each dataset and its number of columns, in order."""
        titles = [column.dataset for column in self.columns]
        return [(title, titles.count(title)) for title in dict.fromkeys(titles)]


def column_of(dataset: str, key: Key, *, rank: bool = False) -> Column:
    """Return the column of a mean, or of where the entries stand by it."""
    name = f"{SETTING_ABBREVIATIONS[key.setting]} {measure_name(key.measure)}"
    title = f"{SETTING_NAMES[key.setting]} {measure_name(key.measure)}, mean over "
    title += "all questions" if key.average == "micro" else "the languages"
    label = f"{name} micro" if key.average == "micro" else name
    if key.measure == "rank_distance":
        label, title = "Rank distance", "Rank distance in ranks: lower is less language bias"
    if rank:
        label, title = "Rank", f"Rank by {name}, with its 95 % interval and tier"
    return Column(label, title, dataset, key, rank)


def language_columns(dataset: str, key: Key, languages: Iterable[str]) -> tuple[Column, ...]:
    """Return a column per query language, and the mean over them."""
    mean = Column("Mean", "mean over languages", dataset, key)
    own = (
        Column(a, language_name(a), dataset, Key(key.setting, key.measure, a)) for a in languages
    )
    return (*own, mean)


def make_table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    entries: Iterable[Entry],
    order: Sequence[Key] = (),
    standings: Standings | None = None,
) -> Table | None:
    """Return a table of the entries that have figures of its measures, or None if none has.

    Args:
        name: Its id in the page.
        caption: What it shows.
        columns: Its columns.
        entries: The entries to choose from.
        order: The figures to order by, best first: for each entry the first of these that it has,
            on the first dataset that has it. Without it the table is not a ranking: ordered by
            name, and no figure is best.
        standings: Where the rows stand, for the columns that show it.
    """
    said = {(column.dataset, *column.key[:2]) for column in columns}
    kept = [entry for entry in entries if any(_says(row, said) for row in entry.rows.values())]
    notes: list[str] = []
    forms = [f for f in PASSAGE_FORMS if any(entry.first.passage_form == f for entry in kept)]
    groups = []
    for form in forms:
        own = [entry for entry in kept if entry.first.passage_form == form]
        heading = "" if forms == ["sentence"] else FORM_NAMES[form]
        if heading and form == "sentence" and any(streamed(title) for title, *_ in said):
            heading += ", or as MIRACL has it"
        groups.append(Group(heading, tuple(_lines(own, columns, order, standings or {}, notes))))
    return Table(name, caption, tuple(columns), tuple(groups), tuple(notes)) if kept else None


def _lines(
    entries: list[Entry],
    columns: Sequence[Column],
    order: Sequence[Key],
    standings: Standings,
    notes: list[str],
) -> Iterator[Line]:
    best = {column: _best(column, entries) if order else None for column in columns}
    datasets = tuple(dict.fromkeys(column.dataset for column in columns))
    for entry in sorted(entries, key=lambda entry: _place(entry, datasets, order)):
        cells = tuple(_cell(entry, column, best[column], standings, notes) for column in columns)
        yield Line(entry, cells, _tables(entry, columns))


def _says(row: Row, said: Set[tuple[str, str, str]]) -> bool:
    return any((row.dataset, *score) in said for score in row.scores)


def _figure(entry: Entry, column: Column) -> Figure | None:
    row = entry.rows.get(column.dataset)
    return row.figures.get(column.key) if row else None


def _cell(
    entry: Entry, column: Column, best: str | None, standings: Standings, notes: list[str]
) -> Cell:
    figure = _figure(entry, column)
    if figure is None:
        return Cell()
    if column.rank:
        standing = standings.get(column.key, {}).get(entry.rows[column.dataset].identity)
        return _standing_cell(standing) if standing else Cell()
    if figure.note and figure.note not in notes:
        notes.append(figure.note)
    text, detail = written(column.key.measure, figure.value), ""
    factor, _ = scale(column.key.measure)
    if figure.interval:
        low, high = (written(column.key.measure, end) for end in figure.interval)
        detail = f"{low}\N{EN DASH}{high}"
    return Cell(
        text=text,
        value=factor * figure.value,
        detail=detail,
        ends=figure.interval and (factor * figure.interval[0], factor * figure.interval[1]),
        best=text == best,
        note=notes.index(figure.note) + 1 if figure.note else 0,
    )


def _standing_cell(standing: Standing) -> Cell:
    low, high = standing.low, standing.high
    detail = f"{low}\N{EN DASH}{high}" if low != high else str(low)
    detail += f", tier {standing.tier}" if standing.tier else ""
    return Cell(str(standing.rank), standing.rank, detail, (low, high))


def _place(
    entry: Entry, datasets: Sequence[str], order: Sequence[Key]
) -> tuple[int, float, str, str, str]:
    places = [(dataset, key) for dataset in datasets for key in order]
    source = entry.publication.source if entry.publication else ""
    for number, (dataset, key) in enumerate(places):
        row = entry.rows.get(dataset)
        if row and key in row.figures:
            sign = 1 if lower_is_better(key.measure) else -1
            value = sign * row.figures[key].value
            return number, value, entry.model, source, entry.first.revision
    last = (entry.model, source) if order else (source, entry.model)
    return len(places), 0.0, *last, entry.first.revision


def _best(column: Column, entries: Sequence[Entry]) -> str | None:
    figures = [figure for entry in entries if (figure := _figure(entry, column))]
    if len(figures) < 2 or column.rank:
        return None
    choose = min if column.lower_is_better else max
    return written(column.key.measure, choose(figure.value for figure in figures))


def _tables(entry: Entry, columns: Sequence[Column]) -> str:
    figures = (_figure(entry, column) for column in columns)
    tables = {figure.table for figure in figures if figure and figure.table}
    if not tables:
        return ""
    ordered = sorted(tables, key=lambda t: [int(n) for n in re.findall(r"\d+", t)])
    several = len(ordered) > 1 or "-" in ordered[0]
    return f"table{'s' if several else ''} {', '.join(ordered)}".replace("-", "\N{EN DASH}")
