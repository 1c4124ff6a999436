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
"""Resamples that are drawn, and pairs that are tested, together."""

LEAST = 1e-6
"""Added to the variance of a resample, where that of the data is 1: below it is only rounding."""

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
    gap = np.abs(models.mean(axis=0)[first] - models.mean(axis=0)[second])
    deviation = np.empty(len(first))
    for start in range(0, len(first), BLOCK):
        at = slice(start, start + BLOCK)
        deviation[at] = (centred[:, first[at]] - centred[:, second[at]]).std(axis=0)
    error = deviation / np.sqrt(groups - 1)
    scale = np.abs(centred).max(initial=1e-300)
    same = error <= 1e-9 * scale
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(same, np.where(gap > 1e-9 * scale, np.inf, 0), gap / error)
    order = np.argsort(-observed, kind="stable")
    first, second, observed = first[order], second[order], observed[order]
    factors = np.where(same, 0.0, 1 / np.where(same, 1.0, deviation))[order]
    reached = _times_reached(centred, (first, second, factors), observed, resamples, seed)
    adjusted = np.maximum.accumulate((1 + reached) / (1 + resamples))
    adjusted = np.where(observed == 0, 1.0, adjusted)
    p_values[first, second] = p_values[second, first] = adjusted
    return p_values


def _times_reached(
    centred: FloatArray,
    pairs: tuple[IntArray, IntArray, FloatArray],
    observed: FloatArray,
    resamples: int,
    seed: int,
) -> IntArray:
    """Count the resamples whose greatest statistic of a pair and all weaker reaches its own.

    Of a pair the squared sum over the drawn groups is divided by the sum of squares: that share
    grows as the statistic of Student does, and needs no variance.

    Args:
        centred: What each group adds to each system, with mean 0, shape (groups, systems).
        pairs: Both systems of each pair, the strongest pair first, and the factor that gives their
            difference a variance of 1; 0 for systems with equal values.
        observed: The statistic of each pair.
        resamples: Number of resamples.
        seed: Seed of the resamples.
    """
    groups, number = len(centred), len(observed)
    squared = (observed * (1 - 1e-6)) ** 2
    with np.errstate(invalid="ignore"):
        least = np.where(np.isinf(squared), groups, groups * squared / (groups - 1 + squared))
    drawn = _drawn(groups, resamples, seed)
    greatest = np.zeros(resamples, np.float32)
    reached = np.empty(number, np.int64)
    for end in range(number, 0, -BLOCK):
        weaker_first = slice(end - 1, end - BLOCK - 1 if end > BLOCK else None, -1)
        first, second, factors = (own[weaker_first] for own in pairs)
        values = ((centred[:, first] - centred[:, second]) * factors).astype(np.float32).T
        shares = values @ drawn
        shares *= shares
        squares = (values**2) @ drawn
        squares += LEAST * groups
        shares /= squares
        np.maximum(shares[0], greatest, out=shares[0])
        np.maximum.accumulate(shares, axis=0, out=shares)
        greatest = shares[-1].copy()
        bound = least[weaker_first].astype(np.float32)[:, None]
        reached[weaker_first] = np.count_nonzero(shares >= bound, axis=1)
    return reached


@lru_cache(maxsize=4)
def _all_drawn(groups: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each group is drawn in each resample, the same for all tables."""
    generator = np.random.default_rng(seed)
    counts = np.empty((groups, resamples), np.uint8)
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        drawn = generator.integers(0, groups, size=(size, groups))
        drawn += np.arange(size)[:, None] * groups
        times = np.bincount(drawn.ravel(), minlength=size * groups).reshape(size, groups)
        counts[:, start : start + size] = np.minimum(times, 255).T
    return counts


def _drawn(groups: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """Return the same as numbers to multiply by, shape (groups, resamples)."""
    return _all_drawn(groups, resamples, seed).astype(np.float32)


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
