"""Which of several systems differ, with one error rate for all pairs of them.

All pairs are tested at once by the step-down method of Romano and Wolf (2005): whole groups of
questions are drawn, the same for all systems and all tables, and the standard errors are computed
again in every resample, without which skewed measures err too often. No leader is read off the
data. Tiers and rank intervals follow from the same tests, so that they always agree.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbench.metrics.ranks import FloatArray, IntArray

RESAMPLES = 10_000
BLOCK = 500
"""Resamples that are looked at together."""

LEAST = 1e-6
"""Least variance of a resample, where that of the data is 1: below it there is only rounding."""

MOST_GROUPS = 1_200
"""Of more groups, which then are single questions, several are put together at random."""


def at_most(groups: IntArray, most: int = MOST_GROUPS) -> IntArray:
    """Return at most so many groups, by putting together several where there are more."""
    names, number = np.unique(groups, return_inverse=True)
    if len(names) <= most:
        return np.asarray(number, np.int64)
    return np.asarray(np.random.default_rng(0).permutation(len(names))[number] % most, np.int64)


def pairwise_tests(models: FloatArray, resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """Return the p value of every pair of systems, adjusted for all pairs.

    Args:
        models: The group values of each system (see `intervals.group_values`), shape (groups,
            systems), of the same groups for all.
        resamples: Number of resamples.
        seed: Seed of the resamples; one seed, the same bytes.

    Returns:
        Shape (systems, systems); 1 on the diagonal, and for systems with equal values.
    """
    groups, number = models.shape
    p_values = np.ones((number, number))
    first, second = np.triu_indices(number, k=1)
    if groups < 2 or not len(first):
        return p_values
    centred = (models - models.mean(axis=0)).astype(np.float64)
    gap = models.mean(axis=0)[first] - models.mean(axis=0)[second]
    error = (centred[:, first] - centred[:, second]).std(axis=0) / np.sqrt(groups - 1)
    scale = np.abs(centred).max(initial=1e-300)
    same = error <= 1e-9 * scale
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(same, np.where(np.abs(gap) > 1e-9 * scale, np.inf, 0), abs(gap) / error)
    order = np.argsort(-observed, kind="stable")
    scaled = np.where(same, 0.0, centred[:, first] - centred[:, second])
    scaled /= np.where(same, 1.0, error * np.sqrt(groups - 1))
    reached = _times_reached(scaled[:, order], observed[order], resamples, seed)
    adjusted = np.maximum.accumulate((1 + reached) / (1 + resamples))
    adjusted = np.where(observed[order] == 0, 1.0, adjusted)
    p_values[first[order], second[order]] = p_values[second[order], first[order]] = adjusted
    return p_values


def _times_reached(
    differences: FloatArray, observed: FloatArray, resamples: int, seed: int
) -> FloatArray:
    """Count the resamples whose greatest statistic of a pair and all weaker reaches its own.

    Args:
        differences: What each group adds to the difference of each pair, with mean 0 and variance
            1 (or all 0), shape (groups, pairs); the strongest pair first.
        observed: The statistic of each pair.
        resamples: Number of resamples.
        seed: Seed of the resamples.
    """
    values = np.ascontiguousarray(differences[:, ::-1].T, np.float32)
    squares = values**2
    (pairs, groups), weaker_first = values.shape, observed[::-1]
    reached = np.zeros(pairs)
    bound = ((weaker_first * (1 - 1e-6)) ** 2).astype(np.float32)[:, None]
    for counts in _drawn(groups, resamples, seed):
        weights = counts.T.astype(np.float32)
        means = values @ weights
        means /= groups
        means *= means
        variance = squares @ weights
        variance /= groups
        variance -= means
        np.maximum(variance, LEAST, out=variance)
        means /= variance
        means *= groups - 1
        reached += (np.maximum.accumulate(means, axis=0, out=means) >= bound).sum(axis=1)
    return reached[::-1]


@lru_cache(maxsize=4)
def _all_drawn(groups: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each group is drawn in each resample, the same for all tables."""
    generator = np.random.default_rng(seed)
    counts = np.empty((resamples, groups), np.uint8)
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        drawn = generator.integers(0, groups, size=(size, groups))
        drawn += np.arange(size)[:, None] * groups
        times = np.bincount(drawn.ravel(), minlength=size * groups).reshape(size, groups)
        counts[start : start + size] = np.minimum(times, 255)
    return counts


def _drawn(groups: int, resamples: int, seed: int) -> list[NDArray[np.uint8]]:
    counts = _all_drawn(groups, resamples, seed)
    return [counts[start : start + BLOCK] for start in range(0, resamples, BLOCK)]


class Place(NamedTuple):
    """Where a system is among others.

    Attributes:
        tier: Tier from 1; no two systems of a tier differ, and every system below the first tier is
            beaten by one of the tier above.
        low: Best rank that the tests leave possible.
        high: Worst rank.
    """

    tier: int
    low: int
    high: int


def places(scores: ArrayLike, p_values: FloatArray, level: float = 0.05) -> list[Place]:
    """Return tier and rank interval of each system, from which of them beat which.

    One beats another that has a lower score if their difference is significant. The tier of a
    system is one more than the greatest of those that beat it, the longest chain of significant
    differences. The rank interval goes from 1 + those that beat it to all less those that it beats;
    with 1 - level all true ranks are inside (Mogstad et al. 2024).

    Args:
        scores: The score of each system; more is better.
        p_values: Adjusted p value of each pair.
        level: Chance of any false difference.

    Examples:
        >>> places([0.9, 0.5, 0.4], np.array([[1, 0.01, 0.01], [0.01, 1, 0.6], [0.01, 0.6, 1]]))
        [Place(tier=1, low=1, high=1), Place(tier=2, low=2, high=3), Place(tier=2, low=2, high=3)]
    """
    values = np.asarray(scores, np.float64)
    beats = (p_values <= level) & (values[:, None] > values[None, :])
    tiers = np.ones(len(values), np.int64)
    for system in np.argsort(-values, kind="stable"):
        above = tiers[beats[:, system]]
        tiers[system] = 1 + above.max(initial=0)
    low, high = 1 + beats.sum(axis=0), len(values) - beats.sum(axis=1)
    return [Place(*map(int, place)) for place in zip(tiers, low, high, strict=True)]


def holm(p_values: ArrayLike) -> FloatArray:
    """Return p-values corrected for their number by the step-down method of Holm (1979).

    The k-th smallest of m is multiplied by m - k + 1, raised to the one before it, and at most 1.
    Holds the family-wise error under any dependence. No tests give none back.

    Examples:
        >>> holm([0.01, 0.04, 0.02])
        array([0.03, 0.04, 0.04])
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if raw.ndim != 1 or not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError("p-values must be a vector of numbers between 0 and 1")
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    return np.asarray(np.minimum(stepped, 1.0)[np.argsort(order)])
