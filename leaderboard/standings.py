"""Ranks and tiers of the models of a column, and how certain these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from xbench.data.groups import groups_in_order
from xbench.leaderboard.board import Standing
from xbench.leaderboard.layout import DEMONSTRATIONS, shown
from xbench.leaderboard.measures import lower_is_better
from xbench.metrics import FloatArray, comparisons, intervals

MANY = 30
"""Up to so many models the tests are those of ``xbench compare``; of more, fewer resamples are
drawn."""

RESAMPLES_OF_MANY = 2_000

TESTED = 200
"""How many models are tested, the best; below them a model has a rank alone."""

Influence = Mapping[tuple[str, str], FloatArray]
"""What each question adds to a mean, by file and measure."""


def ranked_columns(scores: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    """Return the scores of each column with standings, by dataset, setting and measure."""
    means = scores[(scores.average == "macro") & (scores.query_language == "")]
    means = means[(means.provenance == "measured") & ~means.dataset.isin(list(DEMONSTRATIONS))]
    return {
        key: own
        for key, own in means.groupby(["dataset", "setting", "measure"], observed=True)
        if (*key[1:], "macro") in shown(key[0]).standing
    }


def standings(column: pd.DataFrame, influence: Influence) -> dict[int, Standing]:
    """Return the standing of each model of a column among those it may be compared with.

    Models are compared if their passages have the same form and they have values for the same
    questions; one alone has no standing. Whole articles are drawn, the same for all models, so that
    tiers and rank intervals of 3 to `MANY` models are those that ``xbench compare`` gives for them.

    Args:
        column: The rows of one mean on one dataset, with the number of the model as ``run``.
        influence: The influence values.
    """
    groups = defaultdict(list)
    for row in column.itertuples():
        known = influence.get((row.file, row.measure))
        if known is None or len(known) < 2:
            continue
        own = known[:, 0]
        groups[row.passage_form, own.shape, np.isnan(own).tobytes()].append((row, own))
    found: dict[int, Standing] = {}
    for group in groups.values():
        if len(group) > 1:
            rows, values = zip(*group, strict=True)
            sign = -1 if lower_is_better(rows[0].measure) else 1
            scores = sign * np.array([row.value for row in rows])
            placed = _standings(rows[0].dataset, scores, [sign * each for each in values])
            found |= {row.run: standing for row, standing in zip(rows, placed, strict=True)}
    return found


def _standings(title: str, scores: FloatArray, values: Sequence[FloatArray]) -> list[Standing]:
    """Return the standing of each model; the highest score is the best."""
    best = np.sort(np.argsort(-scores, kind="stable")[:TESTED])
    groups = groups_in_order(title, len(values[0]))
    if len(best) == 2:
        *_, p = intervals.difference(values[0], values[1], groups)
        p_values = np.array([[1.0, p], [p, 1.0]])
    else:
        groups = comparisons.at_most(groups)
        drawn = np.stack([intervals.group_values(values[i], groups) for i in best], axis=1)
        resamples = RESAMPLES_OF_MANY if len(best) > MANY else comparisons.RESAMPLES
        p_values = comparisons.pairwise_tests(drawn, resamples)
    places = dict(zip(best.tolist(), comparisons.places(scores[best], p_values), strict=True))
    found = []
    for model, score in enumerate(scores):
        rank = 1 + int((scores > score).sum())
        place = places.get(model)
        low, high = (place.low, place.high) if place else (len(best) + 1, len(scores))
        found.append(Standing(rank, low, high, place.tier if place else None))
    return found
