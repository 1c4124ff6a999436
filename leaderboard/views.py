"""What each choice of question and passage languages shows: scores, intervals, ranks, references.

A choice is a dataset, the language of the questions or all, and what answers them: a pool of all
languages, the same language, each other language, or one. Its score is the mean over its columns.
The first page shows one of these views and loads the others.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd

from xbench.leaderboard.article_sums import POOL, Alike, ArticleSums, Pair, ends
from xbench.leaderboard.board import Board, Standing, Standings
from xbench.leaderboard.choices import (
    ALL,
    OTHER,
    SAME,
    SETTING,
    Choice,
    Reference,
    Row,
    View,
    rounded,
)
from xbench.leaderboard.layout import shown
from xbench.leaderboard.standings import view_standings
from xbench.metrics import FloatArray
from xbench.metrics.registry import LANGUAGE_ADVANTAGE

PREFERENCE = "own_language_preference"

CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
"""Codes of languages that addresses and files are named by."""

FEW_LANGUAGES = 20
"""Up to so many languages each pair of them is a choice."""


Sums = Mapping[tuple[int, str], ArticleSums]
"""The sums by number of the model and title of the dataset."""


class DatasetViews:
    """The views of a dataset.

    Args:
        board: What pages show.
        title: Title of the dataset.
        standings: Standings of the means.
        sums: The sums by article of the measured models.
    """

    def __init__(self, board: Board, title: str, standings: Standings, sums: Sums) -> None:
        self.title, self.default, self.measure = title, default_choice(title), measure_of(title)
        scores = board.scores[board.scores.dataset == title]
        self._standings = standings
        own = scores[scores.measure == self.measure]
        self._measured = own[(own.provenance == "measured") & (own.passage_form == "sentence")]
        subsets = self._measured[self._measured.query_language != ""]
        languages = own.query_language[own.average == ""]
        self.languages = sorted(code for code in set(languages) if CODE.fullmatch(code))
        self.runs = [int(run) for run in dict.fromkeys(self._measured.run)]
        self._values = _by_pair(subsets, self.runs)
        own_sums = {run: sums[run, title] for run in self.runs if (run, title) in sums}
        alike: dict[Any, dict[int, ArticleSums]] = defaultdict(dict)
        for run, each in own_sums.items():
            alike[each.questions()][run] = each
        self._alike = [Alike(each) for each in alike.values()]
        self._macro = {
            (row.setting, row.run): row
            for row in self._measured[self._measured.average == "macro"].itertuples()
        }
        self._references = _references(board, title, self.measure)
        self._preference = _preferences(scores)
        self._advantage = scores[
            (scores.measure == LANGUAGE_ADVANTAGE) & (scores.average == "macro")
        ]
        self._chance = {
            setting: board.chance[run, title, setting, self.measure]
            for setting in SETTING.values()
            for run in self.runs[:1]
            if (run, title, setting, self.measure) in board.chance
        }

    def choices(self) -> list[Choice]:
        """Return the choices that show anything, the default first."""
        single = self.languages if len(self.languages) <= FEW_LANGUAGES else []
        found = [
            choice
            for q in (ALL, *self.languages)
            for p in (POOL, SAME, OTHER, *single)
            if (choice := Choice(q, p)) != Choice(p, p)
            and (self._known(choice) or choice in self._references)
        ]
        return sorted(found, key=lambda choice: choice != self.default)

    def _known(self, choice: Choice) -> bool:
        columns = choice.columns(self.languages)
        macro = SETTING.get(choice.passage) if choice.query == ALL else None
        whole = bool(columns) and all(column in self._values for column in columns)
        return whole or any(setting == macro for setting, _ in self._macro)

    def view(self, choice: Choice) -> View:
        """Return what a choice shows."""
        columns = choice.columns(self.languages)
        macro = SETTING.get(choice.passage) if choice.query == ALL else None
        values = self._scores(columns, macro)
        at = ((own, own.columns(columns)) for own in self._alike)
        drawn = {own: own.group_values(known) for own, known in at if known}
        intervals = self._intervals(drawn)
        if macro:
            known = ((run, self._macro.get((macro, run))) for run in values)
            intervals |= {run: (row.low, row.high) for run, row in known if row}
        standings = self._places(choice, values, drawn)
        unknown = nan, nan
        rows = [
            Row(run, value, *intervals.get(run, unknown), standings[run], self._own(run, choice))
            for run, value in values.items()
        ]
        rows.sort(key=lambda row: (-row.value, row.model))
        first = next(iter(drawn), None)
        about = (first.columns(columns) if first else None) or []
        return View(
            choice=choice,
            questions=self._questions(about, first, macro),
            articles=len(drawn[first]) if first else None,
            chance=float(first.first.chance[about].mean())
            if first
            else self._chance.get(macro or "", nan),
            rows=rows,
            references=self._references.get(choice, ()),
            by_language=self._by_language(choice, rows) if choice.query == ALL else None,
        )

    def _scores(self, columns: Sequence[Pair], macro: str | None) -> dict[int, float]:
        """Return the score of each model that has all columns, or the mean of the setting."""
        if macro:
            known = {run: self._macro.get((macro, run)) for run in self.runs}
            return {run: float(row.value) for run, row in known.items() if row}
        if not columns or not all(column in self._values for column in columns):
            return {}
        means = np.mean([self._values[column] for column in columns], axis=0)
        pairs = zip(self.runs, means.tolist(), strict=True)
        return {run: mean for run, mean in pairs if not isnan(mean)}

    def _intervals(self, drawn: Mapping[Alike, FloatArray]) -> dict[int, tuple[float, float]]:
        found: dict[int, tuple[float, float]] = {}
        for own, values in drawn.items():
            if len(values) > 1:
                both = zip(*(end.tolist() for end in ends(values)), strict=True)
                found |= zip(own.runs, both, strict=True)
        return found

    def _places(
        self, choice: Choice, values: Mapping[int, float], drawn: Mapping[Alike, FloatArray]
    ) -> dict[int, Standing]:
        """Return the standings: those of the mean's column, or of models with the same questions.

        A model that cannot be tested has a rank among the others alone.
        """
        ranks: dict[float, int] = {}
        for place, value in enumerate(sorted(values.values(), reverse=True)):
            ranks.setdefault(value, place + 1)
        number = len(values)
        found = {run: Standing(ranks[v], 1, number, None, number) for run, v in values.items()}
        if choice.query == ALL and choice.passage in SETTING:
            key = (self.title, SETTING[choice.passage], self.measure)
            known = self._standings.get(key, {})
            return found | {run: own for run, own in known.items() if run in found}
        for own, groups in drawn.items():
            if 1 < len(own.runs) == number:
                scores = np.array([values[run] for run in own.runs])
                found |= zip(own.runs, view_standings(scores, groups), strict=True)
        return found

    def _questions(self, at: Sequence[int], first: Alike | None, macro: str | None) -> int | None:
        if macro:
            numbers = [row.n_questions for (own, _), row in self._macro.items() if own == macro]
            return next((int(number) for number in numbers if not pd.isna(number)), None)
        return int(first.first.numbers[list(at)].max()) if first and at else None

    def _own(self, run: int, choice: Choice) -> tuple[float, float, float]:
        return self._preference.get((run, "" if choice.query == ALL else choice.query), (nan,) * 3)

    def _by_language(self, choice: Choice, rows: Sequence[Row]) -> FloatArray:
        single = [Choice(q, choice.passage) for q in self.languages]
        scores = [self._scores(own.columns(self.languages), None) for own in single]
        return np.array([[own.get(row.model, nan) for own in scores] for row in rows])

    def lifts(self) -> list[tuple[int, dict[str, list[float | None]]]]:
        """Return how much each passage language is favoured: rate and interval, by model."""
        found: dict[int, dict[str, list[float | None]]] = defaultdict(dict)
        for row in self._advantage.itertuples():
            ends = [rounded(own) for own in (row.value, row.low, row.high)]
            found[row.run][row.passage_language] = ends
        return list(found.items())


def default_choice(title: str) -> Choice:
    """Return the choice by which a dataset's models are ranked."""
    setting = shown(title).place.setting
    return Choice(ALL, next(passage for passage, own in SETTING.items() if own == setting))


def measure_of(title: str) -> str:
    """Return the measure that a dataset's models are ranked by."""
    return shown(title).place.measure


def _by_pair(subsets: pd.DataFrame, runs: Sequence[int]) -> dict[Pair, FloatArray]:
    """Return the scores by column, of the models in the order of `runs`; nan where unknown."""
    known: dict[Pair, dict[int, float]] = defaultdict(dict)
    for row in subsets.itertuples():
        query = row.query_language
        passage = {"multilingual": POOL, "monolingual": query}.get(row.setting)
        known[query, passage or row.passage_language][row.run] = row.value
    return {
        pair: np.array([own.get(run, nan) for run in runs], np.float64)
        for pair, own in known.items()
    }


def _references(board: Board, title: str, measure: str) -> dict[Choice, list[Reference]]:
    """Return the scores that were not measured here, by choice, best first."""
    other = board.models[board.models.provenance != "measured"].index
    cells = board.cells[(board.cells.dataset == title) & (board.cells.measure == measure)]
    pairs = board.scores[(board.scores.dataset == title) & (board.scores.measure == measure)]
    pairs = pairs[(pairs.setting == "crosslingual") & (pairs.query_language != "")]
    passage_of = {setting: passage for passage, setting in SETTING.items()}
    found: dict[Choice, list[Reference]] = defaultdict(list)
    forms = board.models.passage_form
    for row in cells[cells.run.isin(other)].itertuples():
        notes = []
        if forms[row.run] == "context":
            notes.append("a passage is a sentence with its paragraph")
        if row.average == "micro":
            notes.append("mean over all questions")
        choice = Choice(row.query_language or ALL, passage_of[row.setting])
        found[choice].append(Reference(row.run, row.value, row.table, "; ".join(notes)))
    for row in pairs[pairs.run.isin(other)].itertuples():
        choice = Choice(row.query_language, row.passage_language)
        found[choice].append(Reference(row.run, row.value, row.table, ""))
    return {
        choice: sorted(own, key=lambda reference: (-reference.value, reference.model))
        for choice, own in found.items()
    }


def _preferences(scores: pd.DataFrame) -> dict[tuple[int, str], tuple[float, float, float]]:
    own = scores[(scores.measure == PREFERENCE) & (scores.average != "micro")]
    return {
        (row.run, row.query_language): (row.value, row.low, row.high) for row in own.itertuples()
    }
