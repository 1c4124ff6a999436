"""Matrices of languages: figures of every pair of query and passage language, as coloured cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xbench.leaderboard.figures import Key, Row
from xbench.leaderboard.measures import measure_name, written

STEPS = 10
"""Number of steps of the colour scale, from 0 to 100."""

MATRIX_MEASURES = ("map", "ndcg_at_10")
"""Measures that a model's page shows for every pair of languages."""


@dataclass(frozen=True)
class Matrix:
    """A table of query languages and passage languages.

    Attributes:
        caption: What it shows.
        languages: The languages of its columns.
        rows: Each query language with its figures, each with its step of the colour scale.
    """

    caption: str
    languages: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def matrices_of(row: Row) -> list[Matrix]:
    """Return the matrices that there are of a row: effectiveness, and shares of the languages."""
    found = []
    for measure in MATRIX_MEASURES:
        pairs = {
            (query, key.passage_language or query): figure.value
            for key, figure in row.figures.items()
            if key.measure == measure and (query := key.language) and _is_pair(key)
        }
        if len({query != passage for query, passage in pairs}) == 2:
            caption = f"{measure_name(measure)} of each query language and passage language, × 100"
            found.append(_matrix(f"{row.dataset}: {caption}", pairs))
    if row.shares:
        caption = "languages of the first 20 places of the multilingual pool, in %"
        found.append(_matrix(f"{row.dataset}: {caption}", row.shares))
    return found


def _is_pair(key: Key) -> bool:
    return key.setting == "monolingual" or key.passage_language is not None


def _matrix(caption: str, values: Mapping[tuple[str, str], float]) -> Matrix:
    queries = sorted({query for query, _ in values})
    passages = tuple(sorted({passage for _, passage in values}))
    rows = tuple((q, tuple(_cell(values.get((q, p))) for p in passages)) for q in queries)
    return Matrix(caption, passages, rows)


def _cell(value: float | None) -> tuple[str, int]:
    if value is None:
        return "", 0
    return written("map", value), min(max(round(STEPS * value), 0), STEPS)


def legend() -> Sequence[tuple[int, int]]:
    """Return each step of the colour scale and the figure it stands for."""
    return [(step, 100 * step // STEPS) for step in range(STEPS + 1)]
