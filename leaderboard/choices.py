"""A choice of question and passage languages, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

from xbench.leaderboard.article_sums import POOL, Pair
from xbench.leaderboard.board import Standing
from xbench.metrics import FloatArray

ALL, SAME, OTHER = "all", "same", "other"

SETTING = {SAME: "monolingual", OTHER: "crosslingual", POOL: "multilingual"}

DECIMALS = 6
"""Decimals of the values, those of the result files."""


class Choice(NamedTuple):
    """Query language or `ALL`, and passage language, `SAME`, `OTHER` or `POOL`."""

    query: str
    passage: str

    def columns(self, languages: Sequence[str]) -> list[Pair]:
        """Return the columns that its score is the mean of."""
        asked = languages if self.query == ALL else [self.query]
        if self.passage == OTHER:
            return [(q, p) for q in asked for p in languages if p != q]
        return [(q, q if self.passage == SAME else self.passage) for q in asked]


class Row(NamedTuple):
    """A measured model in a view; what is not known is nan or None."""

    model: int
    value: float
    low: float
    high: float
    standing: Standing
    preference: tuple[float, float, float]


class Reference(NamedTuple):
    """A published or imported score; ``note`` says why it is not in the order, if it is not."""

    model: int
    value: float
    table: str
    note: str


@dataclass(frozen=True)
class View:
    """What a choice shows.

    Attributes:
        choice: The choice.
        questions: Number of questions, None if not known.
        articles: Number of articles that are drawn, None if not known.
        chance: What a random order gives, nan if not known.
        rows: The measured models, best first.
        references: Other scores, best first.
        by_language: Score of each row in each language of the questions; only of all questions.
    """

    choice: Choice
    questions: int | None
    articles: int | None
    chance: float
    rows: Sequence[Row]
    references: Sequence[Reference]
    by_language: FloatArray | None = None


def setting_of(pair: Pair) -> str:
    """Return which of `SAME`, `OTHER` and `POOL` a column is of."""
    query, passage = pair
    return POOL if passage == POOL else SAME if query == passage else OTHER


def as_data(view: View) -> dict[str, Any]:
    """Return a view as the page and its scripts take it; what is not known is None.

    ``rows`` are lists: number of the model, value, low, high, best rank, worst rank, tier, the
    number of models from the best behind which it is distinguished from all, and the own-language
    preference with its interval.
    """
    rows = [
        [
            row.model,
            *map(rounded, (row.value, row.low, row.high)),
            row.standing.low,
            row.standing.high,
            row.standing.tier,
            row.standing.apart,
            *map(rounded, row.preference),
        ]
        for row in view.rows
    ]
    data: dict[str, Any] = {
        "questions": view.questions,
        "articles": view.articles,
        "chance": rounded(view.chance),
        "rows": rows,
        "references": [[own[0], rounded(own[1]), *own[2:]] for own in view.references],
    }
    if view.by_language is not None:
        data["by_language"] = [[rounded(v) for v in row] for row in view.by_language.tolist()]
    return data


def rounded(value: float) -> float | None:
    """Return a value as it is written, None if it is not known."""
    return None if isnan(value) else round(float(value), DECIMALS)
