"""A comparison as tables of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xbench.analysis.comparison import Comparison, Figure, Row, main_score
from xbench.analysis.text_tables import Cell, TextTable
from xbench.data.catalogue import TASKS
from xbench.metrics import IN_RANKS

TESTED_NOTE = (
    "Bold: the best, and what cannot be told apart from it. Intervals: 95 %, bootstrap over\n"
    "questions. Δ: difference from the best. p: paired randomisation test, Holm-corrected within\n"
    "the table. Effect: mean difference per question over its standard deviation. Better: share\n"
    "of questions on which the model is better than the best, ties half. Rank: range in 95 % of\n"
    "the resamples. Tier: models of one tier are not told apart from its best."
)
BIAS_NOTE = "Means over query languages with 95 % intervals; shares and probabilities × 100."
PEER_NOTE = (
    " Where each\n"
    "language has one relevant passage, peer is a constant that says nothing of a model."
)
SCORE_NAMES = {"map": "mAP", "ndcg_at_10": "nDCG@10"}
"""Names of main scores for readers."""


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables of a comparison: settings, languages, language bias, gaps."""
    tables = [_settings(comparison)]
    for name, rows in (
        ("by query language", comparison.languages),
        ("cross-lingual gap (monolingual minus cross-lingual)", comparison.gaps),
    ):
        for task in dict.fromkeys(row.task for row in rows):
            own = [row for row in rows if row.task == task]
            title = f"{_title(task)}: {_scores(own)} × 100, {name}"
            tables.append(_wide(title, comparison.models, own))
    if comparison.spreads:
        tables.append(_spreads(comparison.models, comparison.spreads))
    for task in dict.fromkeys(row.task for row in comparison.bias):
        own = [row for row in comparison.bias if row.task == task]
        tables.append(_bias(task, comparison.models, own))
    return tables


def _settings(comparison: Comparison) -> TextTable:
    score = _scores(comparison.settings)
    several = " or " in score
    rows = [
        (
            Cell(_title(row.task, scored=several) if number == 0 else ""),
            Cell(model),
            Cell(_percent(figure.value), best=figure.cannot_be_told_from_the_best),
            Cell(f"{_percent(figure.low)} to {_percent(figure.high)}"),
            *_difference(figure),
        )
        for row in comparison.settings
        for number, (model, figure) in enumerate(zip(comparison.models, row.figures, strict=True))
    ]
    head = "Score" if several else score
    columns = ("Task", "Model", f">{head}", ">95 %", ">Δ", ">95 %", ">p", ">Effect", ">Better")
    return TextTable(
        f"{score} × 100, means over subsets",
        (*columns, ">Rank", ">Tier"),
        tuple(rows),
        TESTED_NOTE,
    )


def _difference(figure: Figure) -> tuple[Cell, ...]:
    difference, ranks = figure.difference, figure.ranks
    placed = (
        Cell("" if ranks is None else str(ranks[0]) if ranks[0] == ranks[1] else _range(ranks)),
        Cell("" if figure.tier is None else str(figure.tier)),
    )
    if difference is None:
        return (*(Cell("") for _ in range(5)), *placed)
    return (
        Cell(_percent(difference.value)),
        Cell(f"{_percent(difference.low)} to {_percent(difference.high)}"),
        Cell("<0.001" if difference.p < 0.001 else f"{difference.p:.3f}"),
        Cell(f"{difference.standardised:.2f}"),
        Cell(f"{100 * difference.superiority:.0f} %"),
        *placed,
    )


def _range(ranks: tuple[int, int]) -> str:
    return f"{ranks[0]}-{ranks[1]}"


def _wide(title: str, models: Sequence[str], rows: Sequence[Row]) -> TextTable:
    """Return one row per language and one column per model; with two, difference and p too."""
    two = len(models) == 2 and rows[0].figures[0].tier is not None
    body = []
    for row in rows:
        cells = [Cell(row.language or "mean")]
        for figure in row.figures:
            best = figure.cannot_be_told_from_the_best
            cells.append(Cell(_with_interval(figure), best=best))
        if two:
            (difference,) = (f.difference for f in row.figures if f.difference is not None)
            sign = -1 if row.figures[0].difference is None else 1
            cells += [
                Cell(_percent(sign * difference.value)),
                Cell("<0.001" if difference.p < 0.001 else f"{difference.p:.3f}"),
                Cell(f"{sign * difference.standardised:.2f}"),
            ]
        body.append(tuple(cells))
    columns = ("Language", *(f">{model}" for model in models))
    extra = (">Δ (first − second)", ">p", ">Effect") if two else ()
    return TextTable(title, (*columns, *extra), tuple(body))


def _spreads(models: Sequence[str], rows: Sequence[Row]) -> TextTable:
    body = tuple(
        (
            Cell(_title(row.task)),
            Cell(row.measure.removeprefix(f"{main_score(row.task)}_").replace("_", " ")),
            *(Cell(_percent(figure.value)) for figure in row.figures),
        )
        for row in rows
    )
    columns = ("Task", "Over languages", *(f">{model}" for model in models))
    return TextTable(f"{_scores(rows)} × 100, spread over query languages", columns, body)


def _bias(task: str, models: Sequence[str], rows: Sequence[Row]) -> TextTable:
    body = tuple(
        (
            Cell(row.measure),
            *(
                Cell(_with_interval(figure, in_ranks=row.measure in IN_RANKS))
                for figure in row.figures
            ),
        )
        for row in rows
    )
    columns = ("Measure", *(f">{model}" for model in models))
    note = BIAS_NOTE + (PEER_NOTE if any(row.measure == "peer" for row in rows) else "")
    return TextTable(f"{_title(task)}: language bias", columns, body, note)


def _scores(rows: Sequence[Row]) -> str:
    """Return the names of the main scores of the rows' tasks."""
    names = [SCORE_NAMES.get(own := main_score(row.task), own) for row in rows]
    return " or ".join(dict.fromkeys(names))


def _title(task: str, *, scored: bool = False) -> str:
    if task not in TASKS:
        return task
    dataset, setting = TASKS[task]
    kind = " (demonstration)" if dataset.demonstration else ""
    score = f" ({SCORE_NAMES[dataset.main_score]})" if scored else ""
    return f"{dataset.title}{kind} {setting}{score}"


def _with_interval(figure: Figure, *, in_ranks: bool = False) -> str:
    if math.isnan(figure.value):
        return ""
    shown = _ranks if in_ranks else _percent
    return f"{shown(figure.value)} [{shown(figure.low)}, {shown(figure.high)}]"


def _ranks(value: float) -> str:
    return f"{value:,.0f}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace("-", "−")
