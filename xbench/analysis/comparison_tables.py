"""A comparison as tables of text, which are made of its tidy table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xbench._util.text_tables import TextTable
from xbench.analysis.comparison import Comparison
from xbench.analysis.comparison_frame import comparison_frame
from xbench.analysis.comparison_rows import Row
from xbench.data.catalogue import TASKS, main_score
from xbench.metrics import IN_RANKS
from xbench.metrics.descriptions import measure_of
from xbench.metrics.registry import WRONG_SHARE_RATIO, WRONG_SHARES_AT
from xbench.results.summaries import BIAS_WITH_INTERVALS

TESTED_NOTE = (
    "Bold: what no model is significantly better than. 95 %: interval; whole {units} are drawn.\n"
    "Rank: the ranks that the tests of all pairs leave possible, with one chance of error of 5 %.\n"
    "Tier: no two models of a tier differ significantly."
)
TWO_NOTE = (
    "\nΔ: first minus second. p: t test over {units}, Holm-corrected within the table. Effect:\n"
    "mean difference per question over its standard deviation. Better: share of questions on\n"
    "which the first is better, ties half."
)
BIAS_NOTE = (
    "Means over query languages with 95 % intervals; shares and probabilities × 100. Chance: what\n"
    "a random order of the pool gives; `xbench measures NAME` explains each."
)
ADVANTAGE_NOTE = (
    "Of 100 cases, how often the passage in a language is before its translation into a third\n"
    "language, for questions in neither; 50 is even. Below 50 a language is disliked or badly\n"
    "encoded: see docs/measures.md on what to look at."
)
WRONG_NOTE = (
    "A language's share of them over its share of the pool, for questions in other languages; 1\n"
    "is even. More says that the language has a bonus, whatever the quality of its encoding."
)
PEER_NOTE = (
    " Where each\n"
    "language has one relevant passage, peer is a constant that says nothing of a model."
)
SCORE_NAMES = {"map": "mAP", "ndcg_at_10": "nDCG@10"}
"""Names of main scores for readers."""

TESTED = ("Δ", "Δ 95 %", "p", "Effect", "Better", "Rank", "Tier")
"""Columns of text that are dropped where nothing is in them."""


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables of a comparison that its option ``show`` asks for."""
    models, show = comparison.models, comparison.options.show
    frames = dict(iter(comparison_frame(comparison).groupby("table")))
    tables = [_settings(frames["settings"], _notes(comparison))]
    if show in ("languages", "all"):
        tables += _language_tables(models, frames)
    for task, rows in _by_task(frames, "bias"):
        if show == "summary":
            tables.append(_bias(task, models, rows[rows["measure"].isin(BIAS_WITH_INTERVALS)]))
        elif show != "languages":
            tables.append(_bias(task, models, rows))
    if show in ("bias", "all"):
        tables += _advantage_tables(models, frames)
    return tables


def _language_tables(
    models: Sequence[str], frames: Mapping[str, pd.DataFrame]
) -> Iterator[TextTable]:
    for name, title in (
        ("languages", "by query language"),
        ("gaps", "cross-lingual gap (monolingual minus cross-lingual)"),
    ):
        for task, rows in _by_task(frames, name):
            yield _wide(f"{_title(task)}: {_scores(rows)} × 100, {title}", models, rows)
    if "spreads" in frames:
        yield _spreads(models, frames["spreads"])


def _advantage_tables(
    models: Sequence[str], frames: Mapping[str, pd.DataFrame]
) -> Iterator[TextTable]:
    for task, rows in _by_task(frames, "advantages"):
        title = f"{_title(task)}: which languages are favoured"
        wrong = rows["measure"] == WRONG_SHARE_RATIO
        table = _wide(title, models, rows[~wrong], "Passages in")
        yield replace(table, note=ADVANTAGE_NOTE)
        cells = _by_model(_texts(rows[wrong], "{:.2f}".format, "value"), models)
        cells.insert(0, "Passages in", [*rows[wrong]["language"][:: len(models)]])
        title = f"{_title(task)}: wrong passages among the first {WRONG_SHARES_AT} places"
        yield TextTable(title, cells, note=WRONG_NOTE)


def _notes(comparison: Comparison) -> str:
    """Return what the tables show, and what the questions are worth."""
    grouped = [row for row in comparison.settings if row.groups < row.questions]
    units = f"{comparison.options.resample}s" if grouped else "questions"
    parts = [TESTED_NOTE + (TWO_NOTE if len(comparison.models) == 2 else "")]
    worth: dict[str, list[Row]] = {}
    for row in comparison.settings:
        title = TASKS[row.task][0].title if row.task in TASKS else row.task
        worth.setdefault(title, []).append(row)
    for title, rows in worth.items():
        numbers = sorted(row.effective for row in rows)
        few, many = (f"{round(number):,}" for number in (numbers[0], numbers[-1]))
        worth_ = few if few == many else f"{few} to {many}"
        first = rows[0]
        groups = f" in {first.groups:,} {units}" if first in grouped else ""
        parts.append(
            f"{title}: {first.questions:,} questions{groups}, worth {worth_} independent ones."
        )
    return "\n".join(parts).replace("{units}", units)


def _by_task(frames: Mapping[str, pd.DataFrame], name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    if name in frames:
        yield from frames[name].groupby("task", sort=False)


def _settings(rows: pd.DataFrame, note: str) -> TextTable:
    score = _scores(rows)
    several = " or " in score
    titles = rows["task"].map(lambda task: _title(task, scored=several))
    cells = pd.DataFrame(
        {
            "Task": titles.mask(rows["task"].duplicated(), ""),
            "Model": rows["model"],
            "Score" if several else score: _texts(rows, _percent, "value"),
            "95 %": _texts(rows, _interval, "low", "high"),
            "Δ": _texts(rows, _percent, "difference"),
            "Δ 95 %": _texts(rows, _interval, "difference_low", "difference_high"),
            "p": _texts(rows, _p_value, "p"),
            "Effect": _texts(rows, "{:.2f}".format, "standardised"),
            "Better": _texts(rows, _share, "superiority"),
            "Rank": _texts(rows, _rank_range, "rank_low", "rank_high"),
            "Tier": _texts(rows, str, "tier"),
        }
    )
    best = pd.DataFrame(False, index=cells.index, columns=cells.columns)
    best.iloc[:, 2] = rows["as_good_as_best"]
    title = f"{score} × 100, means over subsets"
    cells = cells.loc[:, (cells != "").any() | ~cells.columns.isin(TESTED)]
    best = best[cells.columns]
    return TextTable(title, cells, keys=2, best=best, note=note)


def _wide(
    title: str, models: Sequence[str], rows: pd.DataFrame, heading: str = "Language"
) -> TextTable:
    """Return one row per language and one column per model; with two, difference and p too."""
    cells = _by_model(_texts(rows, _with_interval, "value", "low", "high"), models)
    best = _by_model(rows["as_good_as_best"], models)
    cells.insert(0, heading, [*rows["language"].fillna("mean")[:: len(models)]])
    if len(models) == 2 and rows["tier"].notna().all():
        tested = rows[:: len(models)]
        cells["Δ (first − second)"] = _texts(tested, _percent, "difference")
        cells["p"] = _texts(tested, _p_value, "p")
        cells["Effect"] = _texts(tested, "{:.2f}".format, "standardised")
    return TextTable(title, cells, best=best.reindex(columns=cells.columns, fill_value=False))


def _spreads(models: Sequence[str], rows: pd.DataFrame) -> TextTable:
    cells = _by_model(_texts(rows, _percent, "value"), models)
    first = rows[:: len(models)]
    cells.insert(0, "Task", _texts(first, _title, "task"))
    cells.insert(1, "Over languages", _texts(first, _statistic, "task", "measure"))
    return TextTable(f"{_scores(rows)} × 100, spread over query languages", cells, keys=2)


def _bias(task: str, models: Sequence[str], rows: pd.DataFrame) -> TextTable:
    cells = _by_model(_texts(rows, _measured, "measure", "value", "low", "high"), models)
    first = rows[:: len(models)]
    measures = [*first["measure"]]
    cells.insert(0, "Measure", measures)
    cells["Chance"] = _texts(first, _alone, "measure", "chance")
    cells["Best"] = _texts(first, _alone, "measure", "best")
    cells["Better"] = [own.better if (own := measure_of(m)) else "" for m in measures]
    note = BIAS_NOTE + (PEER_NOTE if "peer" in measures else "")
    return TextTable(f"{_title(task)}: language bias", cells, note=note)


def _by_model(column: Sequence[object] | pd.Series, models: Sequence[str]) -> pd.DataFrame:
    """Return a column, in which the models take turns, as one column per model."""
    return pd.DataFrame(np.asarray(column).reshape(-1, len(models)), columns=[*models])


def _texts(rows: pd.DataFrame, form: Callable[..., str], *names: str) -> list[str]:
    """Return what a function makes of the values in some columns, empty where one is missing."""
    values = zip(*(rows[name] for name in names), strict=True)
    return ["" if any(map(pd.isna, own)) else form(*own) for own in values]


def _scores(rows: pd.DataFrame) -> str:
    """Return the names of the main scores of the rows' tasks."""
    names = [SCORE_NAMES.get(own := main_score(task), own) for task in rows["task"]]
    return " or ".join(dict.fromkeys(names))


def _title(task: str, *, scored: bool = False) -> str:
    if task not in TASKS:
        return task
    dataset, setting = TASKS[task]
    kind = " (demonstration)" if dataset.demonstration else ""
    score = f" ({SCORE_NAMES[dataset.main_score]})" if scored else ""
    return f"{dataset.title}{kind} {setting}{score}"


def _statistic(task: str, measure: str) -> str:
    return measure.removeprefix(f"{main_score(task)}_").replace("_", " ")


def _measured(measure: str, value: float, low: float, high: float) -> str:
    return _with_interval(value, low, high, _ranks if measure in IN_RANKS else _percent)


def _alone(measure: str, value: float) -> str:
    return _ranks(value) if measure in IN_RANKS else _percent(value)


def _with_interval(
    value: float, low: float, high: float, form: Callable[[float], str] | None = None
) -> str:
    form = form or _percent
    return form(value) if math.isnan(low) else f"{form(value)} [{form(low)}, {form(high)}]"


def _interval(low: float, high: float) -> str:
    return f"{_percent(low)} to {_percent(high)}"


def _rank_range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _ranks(value: float) -> str:
    return f"{value:,.0f}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace("-", "−")
