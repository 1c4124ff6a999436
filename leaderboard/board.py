"""The score table as pages show it: a row is a model, run in one way, and a cell is a score."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xbench.data.datasets import DATASETS, SETTINGS
from xbench.leaderboard.layout import DEMONSTRATIONS, RANKED, dataset_order
from xbench.leaderboard.measures import score_order
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE
from xbench.results.measured import LANGUAGE_SHARE
from xbench.results.score_table import RUN, Excluded, ScoreTable
from xbench.results.variant_names import named

CELL = ("dataset", "setting", "measure", "average", "query_language")
"""What a column of a page is of; ``query_language`` is empty for a mean, ``average`` for others."""

ORDER: Mapping[str, Callable[[str], Any]] = {
    "dataset": dataset_order,
    "setting": SETTINGS.index,
    "measure": score_order,
    "average": str,
    "query_language": str,
    "passage_language": str,
}
"""What puts the values of a column in the order of pages."""


class Score(NamedTuple):
    """A cell: columns of the score table."""

    value: float
    low: float
    high: float
    table: str
    note: str


class Standing(NamedTuple):
    """The place of a model among the comparable ones of a column.

    Attributes:
        rank: Its rank, 1 the best; equal scores share the better rank.
        low: Best rank in 95 % of the resamples.
        high: Worst rank in 95 % of the resamples.
        tier: Tier from 1: models of a tier do not differ from its best; None if not tested.
        apart: Number of models, from the best, behind which it is distinguished from all.
    """

    rank: int
    low: int
    high: int
    tier: int | None
    apart: int = 0


Standings = Mapping[tuple[str, ...], Mapping[int, Standing]]
"""Standings by dataset, setting and measure, then by number of the model."""


@dataclass(frozen=True, eq=False)
class Board:
    """Everything that pages show.

    Attributes:
        models: A row per distinct value of `RUN`, in the order of the table: these columns, what is
            known of the model, ``name`` as it is shown, ``slug`` of its page, and ``datasets``.
        scores: The scores, with the number of the model as ``run``.
        cells: The rows of pages: a mean, or that over the subsets of a query language; `CELL`, the
            columns of `Score`, and ``run``.
        runs: The runs of the table, with the number of the model as ``run``.
        chance: What a random order gives as a mean, by ``run``, dataset, setting and measure.
        present: The models with any score of a measure, by dataset, setting and measure.
        excluded: The files that no score was taken from.
    """

    models: pd.DataFrame
    scores: pd.DataFrame
    cells: pd.DataFrame
    runs: pd.DataFrame
    chance: Mapping[tuple[Any, ...], float]
    present: Mapping[tuple[str, ...], frozenset[int]]
    excluded: tuple[Excluded, ...]

    @property
    def titles(self) -> list[str]:
        """Titles of all datasets, in order."""
        return list(self.scores.dataset.cat.categories)

    @property
    def ranked(self) -> list[str]:
        """Titles of the datasets whose models are ranked: the catalogue's, and one's own."""
        measured = set(self.scores.dataset[self.scores.provenance == "measured"])
        return [t for t in self.titles if t in RANKED or t in measured - set(DEMONSTRATIONS)]

    def of(self, title: str) -> pd.DataFrame:
        """Return the models with scores of a dataset."""
        return self.models[[title in own for own in self.models.datasets]]


def arrange(table: ScoreTable) -> Board:
    """Return a score table as pages show it."""
    scores = table.scores.copy(deep=False)
    for column, key in ORDER.items():
        ordered = pd.Index(sorted(scores[column].cat.categories, key=key), dtype=object)
        scores[column] = scores[column].cat.reorder_categories(ordered)
    scores["run"] = scores.groupby(list(RUN), observed=True, sort=False).ngroup()
    models = scores[["run", *RUN]].drop_duplicates("run").astype(dict.fromkeys(RUN, object))
    runs = table.runs.merge(models, on=list(RUN)).astype(object)
    runs = runs.where(runs.notna(), None)
    said = scores[["run", *CELL[:3]]].drop_duplicates()
    present = said.groupby(list(CELL[:3]), observed=True).run.agg(frozenset).to_dict()
    return Board(
        models=_models(models, runs),
        scores=scores,
        cells=_cells(scores),
        runs=runs,
        chance=_chance(scores, table),
        present=present,
        excluded=table.excluded,
    )


def _chance(scores: pd.DataFrame, table: ScoreTable) -> dict[tuple[Any, ...], float]:
    """Return the chance of the means, by what they are of."""
    means = scores[scores.average == "macro"]
    keys = zip(*(means[c] for c in ("run", "dataset", "setting", "measure")), strict=True)
    files = zip(means.file, means.measure, strict=True)
    return {
        key: table.chance[at] for key, at in zip(keys, files, strict=True) if at in table.chance
    }


def _models(models: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    place = [dataset_order(title) for title in runs.dataset]
    grouped = runs.iloc[sorted(range(len(runs)), key=place.__getitem__)].groupby("run")
    first = grouped.nth(0).set_index("run").drop(columns=list(RUN))
    models = models.set_index("run").join(first)
    models["datasets"] = grouped.dataset.unique()
    models["zero_shot"] = grouped.zero_shot.agg(_state)
    names = [named(*own) for own in zip(models.model, models.settings, strict=True)]
    models["name"] = _texts(names, models)
    notes = zip(models.source, models.notes, strict=True)
    models["note"] = _texts([own[0] if source and own else "" for source, own in notes], models)
    identity = zip(*(models[c] for c in ("provenance", "source", "passage_form")), strict=True)
    known = zip(names, models.revision, identity, strict=True)
    slugs = [slug(name, *about, name, revision) for name, revision, about in known]
    models["slug"] = _texts(slugs, models)
    return models


def _texts(values: Sequence[str], models: pd.DataFrame) -> pd.Series:
    """Return a column of any text; pandas' own type for text takes no surrogates."""
    return pd.Series(values, models.index, object)


def _state(states: pd.Series) -> str:
    known = set(states)
    return next((s for s in ("not zero-shot", "unknown") if s in known), "zero-shot")


def _cells(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the cells; a language whose subsets do not all have a score has none."""
    columns = ["run", *CELL]
    scores = scores[~scores.measure.isin([LANGUAGE_SHARE, *BY_PASSAGE_LANGUAGE])]
    is_pair = (scores.setting == "crosslingual") & (scores.average == "")
    pairs = scores[is_pair].groupby(columns, observed=True, sort=False).value
    means = pairs.agg(value="mean", size="size").reset_index()
    expected = {dataset.title: len(dataset.languages) - 1 for dataset in DATASETS}
    most = means.groupby(["dataset", "query_language"], observed=True)["size"].transform("max")
    means = means[means["size"] == means.dataset.astype(object).map(expected).fillna(most)]
    single = scores[~is_pair][[*columns, *Score._fields]]
    cells = pd.concat([single, means[[*columns, "value"]]], ignore_index=True)
    average = np.where(cells.query_language == "", cells.average, "")
    return cells.assign(
        average=average,
        table=cells.table.astype(object).fillna(""),
        note=cells.note.astype(object).fillna(""),
    )


def pivot(
    cells: pd.DataFrame, index: str | Sequence[str], columns: str | Sequence[str]
) -> pd.DataFrame:
    """Return a pivot of cells in the order of pages; each is a `Score`, or nan if there is none."""
    values = zip(*(cells[name].tolist() for name in Score._fields), strict=True)
    made = cells.assign(score=pd.Series(map(Score._make, values), cells.index, object))
    wide = made.pivot(index=index, columns=columns, values="score")
    return wide.sort_index(axis=0).sort_index(axis=1)


Cells = Mapping[tuple[str, ...], Mapping[int, Score]]
"""Scores by `CELL`, then by number of the model."""


def by_column(cells: pd.DataFrame) -> Cells:
    """Return the pivot of models and columns as dictionaries."""
    wide = pivot(cells, "run", list(CELL)).to_dict()
    return {
        key: {run: score for run, score in own.items() if isinstance(score, Score)}
        for key, own in wide.items()
    }


class Block(NamedTuple):
    """The part of a pivot that is a table of its own, without empty columns.

    Attributes:
        rows: Labels of its rows.
        columns: Labels of its columns.
        cells: A `Score`, or nan, for each row and column.
    """

    rows: list[tuple[Any, ...]]
    columns: list[tuple[Any, ...]]
    cells: NDArray[np.object_]


def blocks(
    cells: pd.DataFrame, tables: Sequence[str], rows: Sequence[str], columns: Sequence[str]
) -> dict[tuple[Any, ...], Block]:
    """Return many tables of the same kind from one pivot.

    Args:
        cells: The cells.
        tables: The columns whose values make a table each.
        rows: The columns whose values are the rows of a table.
        columns: The columns whose values are the columns of a table.
    """
    if cells.empty:
        return {}
    wide = pivot(cells, [*tables, *rows], list(columns))
    values, present = wide.to_numpy(), wide.notna().to_numpy()
    row_labels, column_labels = _labels(wide.index, rows), _labels(wide.columns, columns)
    found = {}
    for key, at in wide.groupby(level=list(tables), observed=True).indices.items():
        kept = np.flatnonzero(present[at].any(axis=0))
        labels = [row_labels[i] for i in at], [column_labels[i] for i in kept]
        found[key] = Block(*labels, values[np.ix_(at, kept)])
    return found


def _labels(index: pd.Index, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(index.get_level_values(name) for name in names), strict=True))


def slug(name: str, *identity: str) -> str:
    """Return a file name that any text may be turned into: readable, and different if it differs.

    >>> slug("../org/Model", "1")
    'org-model-ab0405abba46ea0ba6d8dfae'
    """
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    digest = hashlib.sha256("\0".join((name, *identity)).encode("utf-8", "surrogatepass"))
    return f"{readable}-{digest.hexdigest()[:24]}".lstrip("-")
