"""A comparison as one tidy table, and as the tables of text that are made of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from xbench._util.text_tables import TextTable
from xbench.analysis.comparison import Comparison, Figure, main_score
from xbench.data.catalogue import TASKS
from xbench.metrics import IN_RANKS

TESTED_NOTE = (
    "Bold: the best, and what cannot be distinguished from it. Intervals: 95 %, bootstrap over\n"
    "questions. Δ: difference from the best. p: paired randomisation test, Holm-corrected within\n"
    "the table. Effect: mean difference per question over its standard deviation. Better: share\n"
    "of questions on which the model is better than the best, ties half. Rank: range in 95 % of\n"
    "the resamples. Tier: models of one tier are not distinguished from its best."
)
BIAS_NOTE = "Means over query languages with 95 % intervals; shares and probabilities × 100."
PEER_NOTE = (
    " Where each\n"
    "language has one relevant passage, peer is a constant that says nothing of a model."
)
SCORE_NAMES = {"map": "mAP", "ndcg_at_10": "nDCG@10"}
"""Names of main scores for readers."""

DIFFERENCE = {
    "difference": "value",
    "difference_low": "low",
    "difference_high": "high",
    "p": "p",
    "standardised": "standardised",
    "superiority": "superiority",
}
"""Attribute of a difference that each column of `comparison_frame` holds."""

COUNTS = ("rank_low", "rank_high", "tier")
"""Columns of `comparison_frame` that hold whole numbers."""


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return a comparison as one tidy table, with a row per score of a model.

    Its columns are ``table`` (settings, languages, bias, gaps or spreads), ``task``, ``language``
    (missing where the score is a mean over languages), ``measure``, ``model``, ``value``, ``low``
    and ``high`` (95 % interval); of the difference from the best ``difference``,
    ``difference_low``, ``difference_high``, ``p``, ``standardised`` and ``superiority``; and
    ``rank_low``, ``rank_high``, ``tier`` and ``as_good_as_best``. What was not tested is missing.
    """
    rows = [
        {
            "table": name,
            "task": row.task,
            "language": row.language,
            "measure": row.measure,
            "model": model,
            **_columns(figure),
        }
        for name in ("settings", "languages", "bias", "gaps", "spreads")
        for row in getattr(comparison, name)
        for model, figure in zip(comparison.models, row.figures, strict=True)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({**dict.fromkeys(DIFFERENCE, float), **dict.fromkeys(COUNTS, "Int64")})


def _columns(figure: Figure) -> dict[str, float | int | bool | None]:
    rank_low, rank_high = figure.ranks or (None, None)
    return {
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        **{name: getattr(figure.difference, own, None) for name, own in DIFFERENCE.items()},
        "rank_low": rank_low,
        "rank_high": rank_high,
        "tier": figure.tier,
        "as_good_as_best": figure.cannot_be_told_from_the_best,
    }


def comparison_csv(frame: pd.DataFrame) -> str:
    """Return the table of `comparison_frame` as CSV; what is missing or not finite is empty."""
    return str(frame.replace([math.inf, -math.inf], math.nan).to_csv(index=False))


def comparison_json(frame: pd.DataFrame) -> str:
    """Return the table of `comparison_frame` as JSON; what is missing or not finite is null."""
    finite = frame.replace([math.inf, -math.inf], math.nan).astype(object)
    records = finite.where(finite.notna(), None).to_dict("records")
    return json.dumps(records, indent=2, allow_nan=False)


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables of a comparison: settings, languages, language bias, gaps."""
    models = comparison.models
    frames = dict(iter(comparison_frame(comparison).groupby("table")))
    tables = [_settings(frames["settings"])]
    for name, title in (
        ("languages", "by query language"),
        ("gaps", "cross-lingual gap (monolingual minus cross-lingual)"),
    ):
        for task, rows in _by_task(frames, name):
            tables.append(_wide(f"{_title(task)}: {_scores(rows)} × 100, {title}", models, rows))
    if "spreads" in frames:
        tables.append(_spreads(models, frames["spreads"]))
    tables += [_bias(task, models, rows) for task, rows in _by_task(frames, "bias")]
    return tables


def _by_task(frames: Mapping[str, pd.DataFrame], name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    if name in frames:
        yield from frames[name].groupby("task", sort=False)


def _settings(rows: pd.DataFrame) -> TextTable:
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
    return TextTable(title, cells, keys=2, best=best, note=TESTED_NOTE)


def _wide(title: str, models: Sequence[str], rows: pd.DataFrame) -> TextTable:
    """Return one row per language and one column per model; with two, difference and p too."""
    cells = _by_model(_texts(rows, _with_interval, "value", "low", "high"), models)
    best = _by_model(rows["as_good_as_best"], models)
    cells.insert(0, "Language", [*rows["language"].fillna("mean")[:: len(models)]])
    if len(models) == 2 and rows["tier"].notna().all():
        tested = rows[rows["p"].notna()]
        sign = np.where(tested["model"] == models[0], 1, -1)
        turned = tested.assign(
            difference=sign * tested["difference"], standardised=sign * tested["standardised"]
        )
        cells["Δ (first − second)"] = _texts(turned, _percent, "difference")
        cells["p"] = _texts(turned, _p_value, "p")
        cells["Effect"] = _texts(turned, "{:.2f}".format, "standardised")
    return TextTable(title, cells, best=best.reindex(columns=cells.columns, fill_value=False))


def _spreads(models: Sequence[str], rows: pd.DataFrame) -> TextTable:
    cells = _by_model(_texts(rows, _percent, "value"), models)
    first = rows[:: len(models)]
    cells.insert(0, "Task", _texts(first, _title, "task"))
    cells.insert(1, "Over languages", _texts(first, _statistic, "task", "measure"))
    return TextTable(f"{_scores(rows)} × 100, spread over query languages", cells, keys=2)


def _bias(task: str, models: Sequence[str], rows: pd.DataFrame) -> TextTable:
    cells = _by_model(_texts(rows, _measured, "measure", "value", "low", "high"), models)
    measures = [*rows["measure"][:: len(models)]]
    cells.insert(0, "Measure", measures)
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


def _with_interval(
    value: float, low: float, high: float, form: Callable[[float], str] | None = None
) -> str:
    form = form or _percent
    return f"{form(value)} [{form(low)}, {form(high)}]"


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
