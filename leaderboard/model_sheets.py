"""The sheets of a model's page: its scores by setting and language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from xbench.leaderboard.board import Block, Board, Score, blocks
from xbench.leaderboard.measures import (
    SETTING_ABBREVIATIONS,
    SETTING_NAMES,
    language_name,
    measure_name,
    written,
)
from xbench.metrics import EFFECTIVENESS, SCORES
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE, LANGUAGE_ADVANTAGE
from xbench.results.measured import LANGUAGE_SHARE

BIAS = [score for score in SCORES if score not in EFFECTIVENESS]

LANGUAGE_MEASURES = ("map", "ndcg_at_10", "recall_at_10", "recall_at_100")

HIDDEN = [score for score in EFFECTIVENESS if score not in LANGUAGE_MEASURES]
"""Measures of effectiveness whose scores by query language are not shown, and the others."""

MATRIX_MEASURES = ("map", "ndcg_at_10")
"""Measures that are shown for every pair of languages."""

PASSAGE_MEASURES = {
    LANGUAGE_SHARE: "languages of the first 20 places of the multilingual pool, in %",
    LANGUAGE_ADVANTAGE: "how often a language's passage is before its translation into a third "
    "language, in %; 50 is even",
}
"""Measures of a passage language in the multilingual pool, and what their matrix shows."""

FAVOURED = "which languages are favoured"

CHANCE = "Chance"


@dataclass(frozen=True)
class Sheet:
    """A plain table of scores.

    Attributes:
        caption: What it shows.
        columns: Its headings, the first that of the row headers.
        lines: Row header and cells; a cell is a score and its interval.
    """

    caption: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def sheets_by_dataset(cells: pd.DataFrame, board: Board) -> dict[tuple[int, str], list[Sheet]]:
    """Return the sheets by model and dataset: means and languages, effectiveness and bias apart."""
    means = cells[cells.query_language == ""]
    languages = cells[(cells.query_language != "") & ~cells.measure.isin(HIDDEN)]
    found: dict[tuple[int, str], list[Sheet]] = {}
    for caption, own, make in (
        ("means", means[~means.measure.isin(BIAS)], _mean_sheet),
        ("language bias, means", means[means.measure.isin(BIAS)], _mean_sheet),
        ("by query language", languages[~languages.measure.isin(BIAS)], _language_sheet),
        (
            "language bias by query language",
            languages[languages.measure.isin(BIAS)],
            _language_sheet,
        ),
    ):
        rows, columns = (
            (["measure", "average"], ["setting"])
            if make is _mean_sheet
            else (["query_language"], ["measure", "setting"])
        )
        for at, block in blocks(own, ["run", "dataset"], rows, columns).items():
            sheet = make(f"{at[1]}: {caption}", block)
            if caption == "language bias, means":
                sheet = _with_chance(sheet, block, at, board.chance)
            found.setdefault(at, []).append(sheet)
    return found


def _with_chance(
    sheet: Sheet, block: Block, at: tuple[Any, ...], chance: Mapping[tuple[Any, ...], float]
) -> Sheet:
    """Return a sheet of means with what a random order of the multilingual pool gives."""
    known = [chance.get((*at, "multilingual", measure), nan) for measure, _ in block.rows]
    if all(map(isnan, known)):
        return sheet
    texts = (
        "" if isnan(value) else written(measure, value)
        for (measure, _), value in zip(block.rows, known, strict=True)
    )
    lines = tuple(
        (name, (*cells, (text, ""))) for (name, cells), text in zip(sheet.lines, texts, strict=True)
    )
    return Sheet(sheet.caption, (*sheet.columns, CHANCE), lines)


def favoured_sheets(scores: pd.DataFrame) -> dict[tuple[Any, ...], Sheet]:
    """Return how much each passage language is favoured, and its monolingual score, by run."""
    favoured = scores[scores.measure.isin(BY_PASSAGE_LANGUAGE) & (scores.average == "macro")]
    monolingual = scores[(scores.setting == "monolingual") & (scores.query_language != "")]
    monolingual = monolingual[
        monolingual.measure.isin(MATRIX_MEASURES)
        & monolingual.run.isin(favoured.run)
        & monolingual.dataset.isin(favoured.dataset)
    ]
    rows = pd.concat(
        [
            favoured.assign(language=favoured.passage_language.astype(object)),
            monolingual.assign(language=monolingual.query_language.astype(object)),
        ]
    )
    found = {}
    for at, block in blocks(rows, ["run", "dataset"], ["language"], ["measure"]).items():
        measures = [measure for (measure,) in block.columns]
        headings = (
            measure_name(m) if m in BY_PASSAGE_LANGUAGE else f"Mo. {measure_name(m)}"
            for m in measures
        )
        lines = tuple(
            (f"{language_name(code)} ({code})", tuple(map(_written, measures, own)))
            for (code,), own in zip(block.rows, block.cells, strict=True)
        )
        found[at] = Sheet(f"{at[1]}: {FAVOURED}", ("Passage language", *headings), lines)
    return found


def _mean_sheet(caption: str, block: Block) -> Sheet:
    """Return a sheet with a line per mean and a column per setting."""
    lines = (
        (
            measure_name(measure) + (", over all questions" if average == "micro" else ""),
            tuple(_written(measure, score) for score in scores),
        )
        for (measure, average), scores in zip(block.rows, block.cells, strict=True)
    )
    headings = (SETTING_NAMES[setting] for (setting,) in block.columns)
    return Sheet(caption, ("Measure", *headings), tuple(lines))


def _language_sheet(caption: str, block: Block) -> Sheet:
    """Return a sheet with a line per query language and a column per measure and setting."""
    several = len({setting for _, setting in block.columns}) > 1
    headings = (
        f"{SETTING_ABBREVIATIONS[setting]} {measure_name(measure)}"
        if several
        else measure_name(measure)
        for measure, setting in block.columns
    )
    measures = [measure for measure, _ in block.columns]
    lines = (
        (f"{language_name(code)} ({code})", tuple(map(_written, measures, scores)))
        for (code,), scores in zip(block.rows, block.cells, strict=True)
    )
    return Sheet(caption, ("Query language", *headings), tuple(lines))


def _written(measure: str, score: Score | float) -> tuple[str, str]:
    if not isinstance(score, Score):
        return "", ""
    ends = () if isnan(score.low) else (score.low, score.high)
    return written(measure, score.value), "\N{EN DASH}".join(written(measure, end) for end in ends)
