"""A comparison as one tidy table, and as CSV and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from xbench.analysis.comparison import Comparison
from xbench.analysis.comparison_rows import ModelScore, Row

DIFFERENCE = {
    "difference": "value",
    "difference_low": "low",
    "difference_high": "high",
    "p": "p",
    "standardised": "standardised",
    "superiority": "superiority",
}
"""Attribute of a difference that each column of `comparison_frame` holds."""

COUNTS = ("rank_low", "rank_high", "tier", "questions", "groups")
"""Columns of `comparison_frame` that hold whole numbers."""


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Return a comparison as one tidy table, with a row per score of a model.

    Its columns are ``table`` (settings, languages, bias, advantages, gaps or spreads), ``task``,
    ``language`` (of the queries, of advantages of the passages; missing where the score is a
    mean), ``measure``, ``model``, ``value``, ``low`` and ``high`` (95 % interval); in the rows of
    the first of two models the difference, first minus second: ``difference``, ``difference_low``,
    ``difference_high``, ``p``, ``standardised`` and ``superiority``; ``rank_low``, ``rank_high``,
    ``tier`` and ``as_good_as_best``; ``chance`` and ``best``, of measures that have such;
    ``questions``, ``groups`` and ``effective_questions``. What was not tested is missing.
    """
    rows = [
        {
            "table": name,
            "task": row.task,
            "language": row.language,
            "measure": row.measure,
            "model": model,
            **_columns(score),
            "chance": row.chance,
            "best": row.best,
            "questions": row.questions or None,
            "groups": row.groups or None,
            "effective_questions": row.effective,
        }
        for name, row in _rows(comparison)
        for model, score in zip(comparison.models, row.scores, strict=True)
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({**dict.fromkeys(DIFFERENCE, float), **dict.fromkeys(COUNTS, "Int64")})


def _rows(comparison: Comparison) -> Iterator[tuple[str, Row]]:
    for name in ("settings", "languages", "bias", "advantages", "gaps", "spreads"):
        for row in getattr(comparison, name):
            yield name, row


def pairs_frame(comparison: Comparison) -> pd.DataFrame:
    """Return every tested pair of models, as `Comparison.pairs` says."""
    columns = ("table", "task", "language", "measure", "first", "second", "difference", "p")
    rows = []
    for name, row in _rows(comparison):
        if row.p_values is None:
            continue
        for i, j in zip(*np.triu_indices(len(row.scores), k=1), strict=True):
            difference = row.scores[i].value - row.scores[j].value
            pair = comparison.models[i], comparison.models[j]
            p = float(row.p_values[i, j])
            rows.append((name, row.task, row.language, row.measure, *pair, difference, p))
    return pd.DataFrame(rows, columns=columns)


def _columns(score: ModelScore) -> dict[str, float | int | bool | None]:
    rank_low, rank_high = score.ranks or (None, None)
    return {
        "value": score.value,
        "low": score.low,
        "high": score.high,
        **{name: getattr(score.difference, own, None) for name, own in DIFFERENCE.items()},
        "rank_low": rank_low,
        "rank_high": rank_high,
        "tier": score.tier,
        "as_good_as_best": score.as_good_as_best,
    }


def comparison_csv(frame: pd.DataFrame) -> str:
    """Return the table of `comparison_frame` as CSV; what is missing or not finite is empty."""
    return str(frame.replace([math.inf, -math.inf], math.nan).to_csv(index=False))


def comparison_json(frame: pd.DataFrame) -> str:
    """Return the table of `comparison_frame` as JSON; what is missing or not finite is null."""
    finite = frame.replace([math.inf, -math.inf], math.nan).astype(object)
    records = finite.where(finite.notna(), None).to_dict("records")
    return json.dumps(records, indent=2, allow_nan=False)
