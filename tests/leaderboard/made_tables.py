"""Score tables of models that do not exist, and several tables as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from xbench.results.score_table import (
    Contents,
    Excluded,
    ScoreTable,
    as_table,
)

ABOUT = {
    **{"provenance": "imported", "source": "", "revision": "1", "passage_form": "sentence"},
    **{"settings": "", "dataset": "XQuAD-R", "task": "", "file": "made.json"},
}


def mean(setting: str, measure: str, value: float, average: str = "macro") -> dict[str, Any]:
    """Return a mean over the languages."""
    return {"setting": setting, "measure": measure, "value": value, "average": average}


def single(
    setting: str, measure: str, value: float, query: str, passage: str = ""
) -> dict[str, Any]:
    """Return the score of a subset."""
    languages = {"query_language": query, "passage_language": passage}
    return {"setting": setting, "measure": measure, "value": value, **languages, "subset": query}


class Made:
    """A table that is made by hand, model by model."""

    def __init__(self) -> None:
        self.contents = Contents()

    def add(
        self,
        model: str,
        scores: Iterable[Mapping[str, Any]],
        details: Mapping[str, Any] | None = None,
        **about: str,
    ) -> Made:
        """Add scores of a model; `ABOUT` is what is not said about them."""
        own = ABOUT | about | {"model": model}
        rows = [own | score for score in scores]
        for row in rows:
            self.contents.columns.add(1, **row)
        for setting in dict.fromkeys(row["setting"] for row in rows):
            run = {"setting": setting, "notes": (), "zero_shot": "unknown"}
            self.contents.runs.append(own | run | (details or {}))
        return self

    def table(self, excluded: Iterable[Excluded] = ()) -> ScoreTable:
        """Return the table."""
        self.contents.excluded += excluded
        return as_table(self.contents)


def joined(*tables: ScoreTable) -> ScoreTable:
    """Return several tables as one."""
    scores = pd.concat([own.scores.astype(object) for own in tables], ignore_index=True)
    first = tables[0].scores
    return ScoreTable(
        scores=scores.astype({name: _kind(first, name) for name in first}),
        runs=pd.concat([own.runs for own in tables], ignore_index=True),
        influence={key: own for table in tables for key, own in table.influence.items()},
        chance={key: own for table in tables for key, own in table.chance.items()},
        sums={key: own for table in tables for key, own in table.sums.items()},
        excluded=tuple(file for table in tables for file in table.excluded),
        paths={name: path for table in tables for name, path in table.paths.items()},
    )


def _kind(scores: pd.DataFrame, name: str) -> Any:
    return "category" if isinstance(scores[name].dtype, pd.CategoricalDtype) else scores[name].dtype


def of_models(table: ScoreTable, keep: Iterable[str]) -> ScoreTable:
    """Return the part of a table that is of some models."""
    names = list(keep)
    scores = table.scores[table.scores.model.isin(names)].reset_index(drop=True)
    runs = table.runs[table.runs.model.isin(names)].reset_index(drop=True)
    return ScoreTable(scores, runs, table.influence, table.chance, table.sums, (), table.paths)
