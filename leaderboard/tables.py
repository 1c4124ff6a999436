"""Tables of models: which are in, in which order, which score is best, how each is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from xbench.data.datasets import PASSAGE_FORMS, PassageForm
from xbench.leaderboard.board import Board, Cells, Score, Standing, Standings
from xbench.leaderboard.layout import Mean, streamed
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


@dataclass(frozen=True)
class Column:
    """A column of scores, or of the standings of the models by these scores.

    Attributes:
        label: Short heading.
        title: The heading in words.
        dataset: Title of the dataset.
        mean: Setting, measure and average.
        language: ISO 639-1 code of the queries; empty for a mean over the languages.
        rank: Whether it shows standings.
    """

    label: str
    title: str
    dataset: str
    mean: Mean
    language: str = ""
    rank: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What its scores are of, as `board.CELL` names it."""
        return (self.dataset, *self.mean, self.language)

    @property
    def id(self) -> str:
        """Its name in addresses and scripts."""
        micro = "micro" if self.mean.average == "micro" else ""
        parts = (self.dataset, *self.mean[:2], self.language, micro, "rank" if self.rank else "")
        name = "-".join(part for part in parts if part)
        return re.sub(r"[^a-z0-9]+", "-", name.lower())

    @property
    def lower_is_better(self) -> bool:
        """Whether the lowest score is the best."""
        return self.rank or lower_is_better(self.mean.measure) is True


@dataclass(frozen=True)
class Cell:
    """A score as it is shown; all empty where there is none.

    Attributes:
        text: The score.
        value: The number it is sorted by, in the units shown.
        detail: Its interval, or the rank interval and the tier.
        ends: The interval in the units shown.
        best: Whether it is the best of its column among comparable models.
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
    """A model as it is shown: a row of `Board.models`, its scores, and the published tables."""

    model: Any
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


def column_of(dataset: str, mean: Mean, *, rank: bool = False) -> Column:
    """Return the column of a mean, or of the standings by it."""
    name = f"{SETTING_ABBREVIATIONS[mean.setting]} {measure_name(mean.measure)}"
    title = f"{SETTING_NAMES[mean.setting]} {measure_name(mean.measure)}, mean over "
    title += "all questions" if mean.average == "micro" else "the languages"
    label = f"{name} micro" if mean.average == "micro" else name
    if mean.measure == "rank_distance":
        label, title = "Rank distance", "Rank distance in ranks: lower is less language bias"
    if rank:
        label, title = "Rank", f"Rank by {name}, with its 95 % interval and tier"
    return Column(label, title, dataset, mean, rank=rank)


def language_columns(dataset: str, mean: Mean, languages: Iterable[str]) -> tuple[Column, ...]:
    """Return a column per query language, and the mean over them."""
    single = mean._replace(average="")
    own = (Column(code, language_name(code), dataset, single, code) for code in languages)
    return (*own, Column("Mean", "mean over languages", dataset, mean))


def make_table(
    board: Board,
    cells: Cells,
    name: str,
    caption: str,
    columns: Sequence[Column],
    order: Sequence[Mean] = (),
    standings: Standings | None = None,
) -> Table | None:
    """Return a table of the models that have scores of its measures, or None if none has.

    Args:
        board: What pages show.
        cells: The scores by column.
        name: Its id in the page.
        caption: What it shows.
        columns: Its columns.
        order: The means to order by, best first: for each model the first of these that it has, on
            the first dataset that has it. Without it the table is not a ranking: ordered by name,
            and no score is best.
        standings: The standings, for the columns that show them.
    """
    kept = frozenset().union(*(board.present.get(c.key[:3], ()) for c in columns))
    models = board.models[board.models.index.isin(kept)]
    notes: list[str] = []
    groups = []
    for form in (form for form in PASSAGE_FORMS if (models.passage_form == form).any()):
        own = models[models.passage_form == form]
        heading = "" if set(models.passage_form) == {"sentence"} else FORM_NAMES[form]
        if heading and form == "sentence" and any(streamed(c.dataset) for c in columns):
            heading += ", or as MIRACL has it"
        rows = sorted(own.itertuples(), key=_place(cells, columns, order))
        lines = _lines(rows, columns, cells, standings or {}, notes, ranked=bool(order))
        groups.append(Group(heading, tuple(lines)))
    return Table(name, caption, tuple(columns), tuple(groups), tuple(notes)) if kept else None


def _place(cells: Cells, columns: Sequence[Column], order: Sequence[Mean]) -> Any:  # noqa: ANN401
    """Return what puts models in order."""
    datasets = dict.fromkeys(column.dataset for column in columns)
    keys = [Column("", "", dataset, mean).key for dataset in datasets for mean in order]

    def place(model: Any) -> tuple[int, float, str, str, str]:  # noqa: ANN401
        for number, key in enumerate(keys):
            if score := cells.get(key, {}).get(model.Index):
                sign = 1 if lower_is_better(key[2]) else -1
                return number, sign * score.value, model.name, model.source, model.revision
        last = (model.name, model.source) if order else (model.source, model.name)
        return len(keys), 0.0, *last, model.revision

    return place


def _lines(
    models: Sequence[Any],
    columns: Sequence[Column],
    cells: Cells,
    standings: Standings,
    notes: list[str],
    *,
    ranked: bool,
) -> Iterator[Line]:
    scores = [cells.get(column.key, {}) for column in columns]
    own = [[of.get(model.Index) for model in models] for of in scores]
    best = [_best(*pair) if ranked else None for pair in zip(columns, own, strict=True)]
    for model, row in zip(models, zip(*own, strict=True), strict=True):
        shown = []
        for column, score, top in zip(columns, row, best, strict=True):
            if score and column.rank:
                standing = standings.get(column.key[:3], {}).get(model.Index)
                shown.append(_standing_cell(standing) if standing else Cell())
            else:
                shown.append(_cell(column.mean.measure, score, top, notes) if score else Cell())
        yield Line(model, tuple(shown), _tables(row))


def _cell(measure: str, score: Score, best: str | None, notes: list[str]) -> Cell:
    if score.note and score.note not in notes:
        notes.append(score.note)
    text, detail, ends = written(measure, score.value), "", None
    factor, _ = scale(measure)
    if not isnan(score.low):
        detail = f"{written(measure, score.low)}\N{EN DASH}{written(measure, score.high)}"
        ends = factor * score.low, factor * score.high
    note = notes.index(score.note) + 1 if score.note else 0
    return Cell(text, factor * score.value, detail, ends, text == best, note)


def _standing_cell(standing: Standing) -> Cell:
    low, high = standing.low, standing.high
    detail = f"{low}\N{EN DASH}{high}" if low != high else str(low)
    detail += f", tier {standing.tier}" if standing.tier else ""
    return Cell(str(standing.rank), standing.rank, detail, (low, high))


def _best(column: Column, scores: Sequence[Score | None]) -> str | None:
    values = [score.value for score in scores if score]
    if len(values) < 2 or column.rank:
        return None
    choose = min if column.lower_is_better else max
    return written(column.mean.measure, choose(values))


def _tables(scores: Iterable[Score | None]) -> str:
    tables = {score.table for score in scores if score and score.table}
    if not tables:
        return ""
    ordered = sorted(tables, key=lambda t: [int(n) for n in re.findall(r"\d+", t)])
    several = len(ordered) > 1 or "-" in ordered[0]
    return f"table{'s' if several else ''} {', '.join(ordered)}".replace("-", "\N{EN DASH}")
