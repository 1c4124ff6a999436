"""What a model's page shows of each dataset: all means, the languages, and how it was run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isnan, nan
from typing import Any

import pandas as pd

from xbench.data.catalogue import SETTINGS
from xbench.leaderboard.board import Block, Board, Score, blocks
from xbench.leaderboard.layout import RANKED
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
from xbench.results.store import PER_QUERY_SUFFIX

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

STEPS = 10
"""Number of steps of the colour scale of matrices, from 0 to 100."""

RUN_DETAILS = (
    "command",
    "versions",
    "query_prompt",
    "passage_prompt",
    "maximum_length",
    "truncated",
    "dtype",
    "device",
    "date",
)
"""Columns of the runs that are shown."""


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


@dataclass(frozen=True)
class Matrix:
    """Scores of every pair of query and passage language, as coloured cells.

    Attributes:
        caption: What it shows.
        languages: The languages of its columns.
        rows: Each query language with its scores, each with its step of the colour scale.
    """

    caption: str
    languages: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


@dataclass(frozen=True)
class DatasetPart:
    """What a model's page shows of one dataset; of its runs, each different one with its name."""

    title: str
    zero_shot: str
    sheets: tuple[Sheet, ...]
    matrices: tuple[Matrix, ...]
    notes: tuple[str, ...]
    runs: tuple[tuple[str, Mapping[str, Any]], ...]


def dataset_parts(board: Board, models: pd.DataFrame) -> Iterator[tuple[Any, list[DatasetPart]]]:
    """Yield some of the models, as rows, with what their pages show of each dataset."""
    cells = board.cells[board.cells.run.isin(models.index)]
    scores = board.scores[board.scores.run.isin(models.index)]
    sheets, matrices = _sheets(cells, board), _matrices(scores)
    for at, favoured in _favoured_sheets(scores).items():
        sheets.setdefault(at, []).append(favoured)
    runs: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for run in board.runs[board.runs.run.isin(models.index)].to_dict("records"):
        runs[run["run"], run["dataset"]].append(run)
    notes: dict[tuple[int, str], list[str]] = defaultdict(list)
    for noted in scores[scores.note != ""].itertuples():
        notes[noted.run, noted.dataset].append(noted.note)
    for model in models.itertuples():
        yield (
            model,
            [
                DatasetPart(
                    title=title,
                    zero_shot=own[0]["zero_shot"],
                    sheets=tuple(sheets.get(at, ())),
                    matrices=tuple(matrices.get(at, ())),
                    notes=tuple(
                        dict.fromkeys([*chain(*(run["notes"] for run in own)), *notes[at]])
                    ),
                    runs=_runs(own) if model.provenance == "measured" else (),
                )
                for title in model.datasets
                for at in [(model.Index, title)]
                for own in [runs[at]]
            ],
        )


def _sheets(cells: pd.DataFrame, board: Board) -> dict[tuple[int, str], list[Sheet]]:
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


def _favoured_sheets(scores: pd.DataFrame) -> dict[tuple[Any, ...], Sheet]:
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


def _matrices(scores: pd.DataFrame) -> dict[tuple[int, str], list[Matrix]]:
    """Return the matrices by model and dataset: effectiveness, and shares of the languages."""
    shown = scores.measure.isin([*MATRIX_MEASURES, *PASSAGE_MEASURES])
    pairs = scores[shown & (scores.query_language != "") & (scores.passage_language != "")]
    axes = ["query_language"], ["passage_language"]
    found: dict[tuple[int, str], list[Matrix]] = {}
    for (run, title, measure), block in blocks(pairs, ["run", "dataset", "measure"], *axes).items():
        there = [
            query == passage
            for (query,), row in zip(block.rows, block.cells, strict=True)
            for (passage,), score in zip(block.columns, row, strict=True)
            if isinstance(score, Score)
        ]
        if len(set(there)) == 2 or measure == LANGUAGE_ADVANTAGE:
            caption = PASSAGE_MEASURES.get(
                measure,
                f"{measure_name(measure)} of each query language and passage language, × 100",
            )
            found.setdefault((run, title), []).append(_matrix(f"{title}: {caption}", block))
    return found


def _matrix(caption: str, block: Block) -> Matrix:
    rows = (
        (code, tuple(map(_step, scores)))
        for (code,), scores in zip(block.rows, block.cells, strict=True)
    )
    return Matrix(caption, tuple(code for (code,) in block.columns), tuple(rows))


def _step(score: Score | float) -> tuple[str, int]:
    """Return a score as it is shown, and its step of the colour scale."""
    if not isinstance(score, Score):
        return "", 0
    return written("map", score.value), min(max(round(STEPS * score.value), 0), STEPS)


def legend() -> Sequence[tuple[int, int]]:
    """Return each step of the colour scale and the score it stands for."""
    return [(step, 100 * step // STEPS) for step in range(STEPS + 1)]


def per_query_file(file: str) -> str:
    """Return the file with the ranks of every question, next to a result file."""
    return file.removesuffix(".json") + PER_QUERY_SUFFIX


def _runs(runs: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return the different ways in which the settings were run, each under their names."""
    different: list[tuple[list[str], dict[str, Any]]] = []
    for run in sorted(runs, key=lambda run: SETTINGS.index(run["setting"])):
        details = {name: run[name] for name in RUN_DETAILS}
        known = RANKED.get(run["dataset"])
        details |= {"dataset_revision": known.revision if known else "", "files": []}
        name, file = SETTING_NAMES[run["setting"]], per_query_file(run["file"])
        same = next((own for own in different if own[1] | {"files": []} == details), None)
        if same is None:
            different.append(([name], details))
        else:
            same[0].append(name.lower())
        (same or different[-1])[1]["files"].append(file)
    return tuple((", ".join(names), details) for names, details in different)
