"""Ranks and tiers of the models of a column, and how certain these are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from xbench.leaderboard.board import Standing
from xbench.leaderboard.layout import DEMONSTRATIONS, shown
from xbench.leaderboard.measures import lower_is_better
from xbench.metrics import FloatArray, statistics
from xbench.results.summaries import SEED, influence_values

MANY = 30
"""Up to so many models, all is as in ``xbench compare``. Of more, only the best so many are tested
for tiers, because all pairs are and the time grows steeply, and fewer resamples are ranked."""

RESAMPLES = 10_000
RESAMPLES_OF_MANY = 2_000
"""How many resamples are ranked of more models than `MANY`; 50 of them are beyond each end."""

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
    questions; one alone has no standing. The questions are resampled for all models alike, so ranks
    and tiers of up to `MANY` models are those that ``xbench compare`` gives for the same models.

    Args:
        column: The rows of one mean on one dataset, with the number of the model as ``run``.
        influence: The influence values.
    """
    groups = defaultdict(list)
    for row in column.itertuples():
        own = influence[row.file, row.measure]
        if len(own) < 2:
            continue
        groups[row.passage_form, own.shape, np.isnan(own).tobytes()].append((row, own))
    found: dict[int, Standing] = {}
    for group in groups.values():
        if len(group) > 1:
            rows, values = zip(*group, strict=True)
            sign = -1 if lower_is_better(rows[0].measure) else 1
            scores = sign * np.array([row.value for row in rows])
            placed = _standings(scores, [sign * each for each in values])
            found |= {row.run: standing for row, standing in zip(rows, placed, strict=True)}
    return found


def _standings(scores: FloatArray, values: Sequence[FloatArray]) -> list[Standing]:
    """Return the standing of each model; the highest score is the best."""
    resamples = RESAMPLES_OF_MANY if len(scores) > MANY else RESAMPLES
    drawn = statistics.bootstrap_models(values, resamples, SEED)
    intervals = statistics.rank_intervals(drawn)
    return [
        Standing(1 + int((scores > score).sum()), *interval, tier)
        for score, interval, tier in zip(scores, intervals, _tiers(scores, values), strict=True)
    ]


def _tiers(scores: FloatArray, values: Sequence[FloatArray]) -> list[int | None]:
    best = sorted(np.argsort(-scores, kind="stable")[:MANY].tolist())
    tiers: list[int | None] = [None] * len(scores)
    tested = [influence_values(values[i])[:, None] for i in best]
    for index, tier in zip(best, statistics.tiers(tested, seed=SEED), strict=True):
        tiers[index] = tier
    return tiers
