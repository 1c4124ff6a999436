"""What a model's page shows of each dataset: all means, the languages, and how it was run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from xbench.data.datasets import SETTINGS
from xbench.leaderboard.board import Block, Board, Score, blocks
from xbench.leaderboard.layout import RANKED
from xbench.leaderboard.measures import (
    SETTING_NAMES,
    measure_name,
    written,
)
from xbench.leaderboard.model_sheets import (
    MATRIX_MEASURES,
    PASSAGE_MEASURES,
    Sheet,
    favoured_sheets,
    sheets_by_dataset,
)
from xbench.metrics.registry import LANGUAGE_ADVANTAGE
from xbench.results.per_query_file import PER_QUERY_SUFFIX

STEPS = 10
"""Number of steps of the colour scale of matrices, from 0 to 100."""

RUN_DETAILS = (
    "command",
    "versions",
    "query_prompt",
    "passage_prompt",
    "maximum_length",
    "truncated",
    "seconds_per_1000",
    "dtype",
    "device",
    "date",
)
"""Columns of the runs that are shown."""


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
    sheets, matrices = sheets_by_dataset(cells, board), _matrices(scores)
    for at, favoured in favoured_sheets(scores).items():
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
