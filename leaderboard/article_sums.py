"""What each article adds to the main score of every pair of languages, for one model and dataset.

Intervals and tests draw whole articles, so of a column, the questions of one language over the
passages of another or over the pool, they need one number per article: the sum of its questions'
deviations from the column's mean. Any mean over columns, its interval, and the difference of two
models follow from these, as `xbench.metrics.intervals.group_values` has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from xbench.metrics import FloatArray, IntArray, intervals
from xbench.results.score_table import TaskSums

POOL = "pool"
"""What stands for the passages of a pool of all languages."""

Pair = tuple[str, str]
"""Query language, and passage language or `POOL`."""


class ArticleSums(NamedTuple):
    """The columns of a model on a dataset.

    Attributes:
        pairs: What each column is of.
        means: Mean of the main score of each column.
        numbers: Number of questions of each column.
        chance: What a random order gives as the mean of each column.
        sums: Shape (columns, articles): sum of the deviations from the column's mean of the
            questions of an article; nan where it has no question in the column.
    """

    pairs: tuple[Pair, ...]
    means: FloatArray
    numbers: IntArray
    chance: FloatArray
    sums: NDArray[np.float32]

    def questions(self) -> tuple[tuple[Pair, ...], bytes, bytes]:
        """Return what two models have in common if they answered the same questions."""
        return self.pairs, self.numbers.tobytes(), np.isnan(self.sums).tobytes()


class Alike:
    """The sums of models that answered the same questions, as one array.

    Args:
        sums: The sums by number of the model, at least one.
    """

    def __init__(self, sums: Mapping[int, ArticleSums]) -> None:
        self.runs, self.first = list(sums), next(iter(sums.values()))
        self._at = {pair: column for column, pair in enumerate(self.first.pairs)}
        self._there = ~np.isnan(self.first.sums)
        self._means = np.stack([own.means for own in sums.values()])
        added = np.nan_to_num(np.stack([own.sums for own in sums.values()]))
        self._added = added / self.first.numbers[:, None].astype(np.float32)

    def columns(self, pairs: Sequence[Pair]) -> list[int] | None:
        """Return where some columns are, None if one is missing."""
        at = [self._at[pair] for pair in pairs if pair in self._at]
        return at if at and len(at) == len(pairs) else None

    def group_values(self, at: Sequence[int]) -> FloatArray:
        """Return `ArticleSums.group_values` of all models, shape (groups, models)."""
        there = self._there[at].any(axis=0)
        added = self._added[:, at].sum(axis=1, dtype=np.float64)[:, there]
        means = self._means[:, at].mean(axis=1, keepdims=True)
        return np.asarray((means + added * there.sum() / len(at)).T)


def ends(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `intervals.interval` of a share of many models at once, from their group values.

    Args:
        drawn: Shape (groups, models), of at least two groups.

    Returns:
        The low and the high end of each model.
    """
    groups = len(drawn)
    mean, deviation = drawn.mean(axis=0), drawn.std(axis=0, ddof=1)
    reach = float(student.ppf((1 + intervals.LEVEL) / 2, groups - 1)) / np.sqrt(groups)
    low, high = mean - reach * deviation, mean + reach * deviation
    if groups >= intervals.FEW:
        with np.errstate(divide="ignore", invalid="ignore"):
            skewness = ((drawn - mean) ** 3).mean(axis=0) / drawn.std(axis=0) ** 3
            inner = [1 + skewness * (y - skewness / (6 * groups)) for y in (reach, -reach)]
            found = [mean - deviation * 3 / skewness * (np.cbrt(own) - 1) for own in inner]
        skewed = (deviation > 0) & (np.abs(skewness) >= 1e-6)
        low, high = np.where(skewed, found[0], low), np.where(skewed, found[1], high)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def article_sums(tasks: Sequence[TaskSums]) -> ArticleSums:
    """Return the sums of a model on a dataset, from those of its tasks."""
    groups = dict.fromkeys(name for own in tasks for name in own.sums.groups)
    at = {name: number for number, name in enumerate(groups)}
    pairs: list[Pair] = []
    numbers, means, chance, sums = [], [], [], []
    for own in tasks:
        added = np.full((len(own.sums.added), len(at)), np.nan, np.float32)
        added[:, [at[name] for name in own.sums.groups]] = own.sums.added
        sums.append(added)
        for subset, mean in own.sums.means.items():
            query, passage = own.languages[subset]
            pairs.append((query, passage or POOL))
            numbers.append(own.questions[subset])
            means.append(mean)
            chance.append(own.sums.chance[subset])
    return ArticleSums(
        tuple(pairs),
        np.array(means),
        np.array(numbers, np.int64),
        np.array(chance),
        np.concatenate(sums),
    )
