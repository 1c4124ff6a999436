"""Ranks and tiers of the models of a column, and how certain these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from xbench.data.groups import groups_in_order
from xbench.leaderboard.board import Standing
from xbench.leaderboard.layout import DEMONSTRATIONS, shown
from xbench.leaderboard.measures import lower_is_better
from xbench.metrics import FloatArray, IntArray, comparisons, intervals

MANY = 30
"""Up to so many models the tests are those of ``xbench compare``; of more, fewer resamples are
drawn."""

RESAMPLES_OF_MANY = 2_000

MANY_IN_VIEWS = 8
"""The same for the views of single languages and pairs, of which a dataset has a hundred and more;
of more models nothing is resampled."""

LEVEL = 0.05
"""Chance of any false difference."""

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
    best = _best(scores)
    groups = groups_in_order(title, len(values[0]))
    if len(best) == 2:
        *_, p = intervals.difference(values[0], values[1], groups)
        return _placed(scores, best, np.array([[1.0, p], [p, 1.0]]))
    groups = comparisons.at_most(groups)
    drawn = np.stack([intervals.group_values(values[i], groups) for i in best], axis=1)
    resamples = RESAMPLES_OF_MANY if len(best) > MANY else comparisons.RESAMPLES
    return _placed(scores, best, comparisons.pairwise_tests(drawn, resamples))


def view_standings(scores: FloatArray, drawn: FloatArray) -> list[Standing]:
    """Return the standing of each model in one of the many views of a dataset.

    Up to `MANY_IN_VIEWS` models are tested as ``xbench compare`` tests them; more, and those of
    which single questions are drawn, by t tests of all pairs with Holm's correction.

    Args:
        scores: The score of each model; more is better.
        drawn: The group values of each model, shape (groups, models).
    """
    best = _best(scores)
    few = 2 < len(best) <= MANY_IN_VIEWS and len(drawn) <= comparisons.MOST_GROUPS
    test = comparisons.pairwise_tests if few else _holm_tests
    return _placed(scores, best, test(drawn[:, best]))


def _best(scores: FloatArray) -> IntArray:
    """Return the models that are tested, in their order."""
    return np.sort(np.argsort(-scores, kind="stable")[:TESTED])


def _holm_tests(drawn: FloatArray) -> FloatArray:
    """Return the p value of every pair of models: t over groups, corrected for all pairs."""
    groups, number = drawn.shape
    p_values = np.ones((number, number))
    if groups < 2 or number < 2:
        return p_values
    first, second = np.triu_indices(number, k=1)
    means, cov = drawn.mean(axis=0), np.atleast_2d(np.cov(drawn, rowvar=False))
    variance = np.diag(cov)[first] + np.diag(cov)[second] - 2 * cov[first, second]
    gap = np.abs(means[first] - means[second])
    error = np.sqrt(np.maximum(variance, 0) / groups)
    same = error <= 1e-9 * np.abs(means).max(initial=1e-300)
    statistic = np.where(same, 0, gap / np.where(same, 1, error))
    p = np.where(same, (gap == 0).astype(float), 2 * student.sf(statistic, groups - 1))
    p_values[first, second] = p_values[second, first] = comparisons.holm(p)
    return p_values


def _placed(scores: FloatArray, best: IntArray, p_values: FloatArray) -> list[Standing]:
    """Return the standings that follow from tests of the best models."""
    places = dict(zip(best.tolist(), comparisons.places(scores[best], p_values), strict=True))
    order = np.argsort(-scores, kind="stable")
    row = {model: number for number, model in enumerate(best.tolist())}
    tested = [row[model] for model in order.tolist() if model in row]
    apart = {}
    for at, number in enumerate(tested):
        alike = np.flatnonzero(p_values[number, tested[at + 1 :]] > LEVEL)
        apart[int(best[number])] = at + 2 + int(alike.max(initial=-1))
    found = []
    for model, score in enumerate(scores):
        rank = 1 + int((scores > score).sum())
        place = places.get(model)
        low, high = (place.low, place.high) if place else (len(best) + 1, len(scores))
        tier = place.tier if place else None
        found.append(Standing(rank, low, high, tier, apart.get(model, len(scores))))
    return found
