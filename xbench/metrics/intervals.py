"""How certain a score is: one influence value per question, and intervals in closed form.

A score is a macro mean over subsets (query languages, language pairs) of the mean over their
queries. `values` has the shape (questions, subsets), nan where a question has no query in a subset.
The versions of a question are hard or easy together, and so are the questions about one text, so
that what is drawn are groups of questions: articles, by default (Cameron, Gelbach and Miller 2008).
"""

from __future__ import annotations

from math import copysign, inf, isnan
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from xbench.metrics.ranks import FloatArray, IntArray
from xbench.metrics.registry import LANGUAGE_ADVANTAGE, SCORES, score_range

Method = Literal["hall", "t", "wilson", "none"]

LEVEL = 0.95
"""Share of samples whose interval is to contain the true score."""


ROUNDING = 1e-12
"""Least share, and least standard error, that are more than rounding."""

FEW = 40
"""Of fewer groups the skewness is not known well enough to take it out."""


def method_of(measure: str) -> Method:
    """Return which interval a measure has, by its name alone and never by its values.

    Shares of questions have Wilson's; the others Hall's, for they are skewed; differences that are
    nearly symmetric Student's (the language advantage Wilson's where all groups have the same); a
    median over the queries and a spread over languages have none.

    Examples:
        >>> method_of("first_place_right_own"), method_of("map"), method_of("rank_distance_median")
        ('wilson', 'hall', 'none')
    """
    if measure.startswith(("complete_at", "first_place")) or measure.endswith("_share"):
        return "wilson"
    if measure == "rank_distance_median":
        return "none"
    if measure in (LANGUAGE_ADVANTAGE, "english_advantage", "cross_lingual_gap"):
        return "t"
    return "hall"


def macro_mean(values: ArrayLike) -> float:
    """Return the mean of the subsets' means; subsets without a value are skipped.

    Examples:
        >>> macro_mean([[1.0, 0.5], [0.0, np.nan]])
        0.5
    """
    sample = _sample(values)
    return float(np.nanmean(sample, axis=0).mean()) if sample.size else float("nan")


def influence(values: ArrayLike) -> FloatArray:
    """Return one value per question, whose mean is the macro mean.

    The macro mean plus the question's influence on it, Σ (x - mean of its subset) · n / (questions
    of the subset) / (subsets); nan for a question without a value.

    Args:
        values: Shape (questions, subsets).

    Examples:
        >>> influence([[1.0, 0.5], [0.0, np.nan]])
        array([0.75, 0.25])
    """
    matrix = np.asarray(values, dtype=np.float64)
    sample = matrix[:, ~np.isnan(matrix).all(axis=0)]
    if not sample.size:
        return np.full(len(matrix), np.nan)
    present = ~np.isnan(sample)
    asked = present.any(axis=1)
    means = np.nanmean(sample, axis=0)
    weights = asked.sum() / present.sum(axis=0) / sample.shape[1]
    deviation = np.where(present, sample - means, 0.0) @ weights
    return np.where(asked, means.mean() + deviation, np.nan)


def group_values(values: FloatArray, groups: IntArray) -> FloatArray:
    """Return one value per group of questions, whose mean is that of the questions.

    The score plus the sum of the group's deviations from it, times groups / questions: what a group
    adds counts as that of a question does where each question is a group of its own.

    Args:
        values: One value per question, nan where it has none.
        groups: Number of each question's group.

    Examples:
        >>> group_values(np.array([1.0, 0.0, 0.5, 0.5]), np.array([0, 0, 1, 1]))
        array([0.5, 0.5])
    """
    there = ~np.isnan(values)
    _, number = np.unique(groups[there], return_inverse=True)
    own = values[there]
    if not len(own):
        return np.empty(0)
    sums = np.bincount(number, own - own.mean())
    return np.asarray(own.mean() + sums * len(sums) / len(own))


def standard_error(groups: FloatArray) -> float:
    """Return the standard error of a score, of its group values; nan with fewer than two."""
    if len(groups) < 2:
        return float("nan")
    return float(groups.std(ddof=1) / np.sqrt(len(groups)))


def effective_number(values: FloatArray, groups: IntArray) -> float:
    """Return how many independent questions some questions are worth, for one score.

    The number with which single questions would give the standard error of their groups.
    """
    own = values[~np.isnan(values)]
    error = standard_error(group_values(values, groups))
    return float(own.var(ddof=1) / error**2) if error > 0 else float(len(own))


def interval(
    measure: str, values: FloatArray, groups: IntArray, level: float = LEVEL
) -> tuple[float, float]:
    """Return the interval of a score, within the values that the measure can have.

    Args:
        measure: Name of the measure, which decides the method.
        values: One value per question, whose mean is the score; nan where it has none.
        groups: Number of each question's group.
        level: Share of samples whose interval is to contain the true score.

    Returns:
        Both ends; nan for a measure without interval and with fewer than two groups.
    """
    method, drawn = method_of(measure), group_values(values, groups)
    if method == "none" or len(drawn) < 2:
        return float("nan"), float("nan")
    if method == "wilson":
        return wilson(drawn, int((~np.isnan(values)).sum()), level)
    if measure == LANGUAGE_ADVANTAGE and not drawn.std():
        return wilson(drawn, len(drawn), level)
    skewed = method == "hall" and len(drawn) >= FEW
    low, high = hall(drawn, level) if skewed else symmetric(drawn, level)
    known = measure in (*SCORES, LANGUAGE_ADVANTAGE)
    least, most = score_range(measure) if known else (-inf, inf)
    return max(low, least), min(high, most)


def symmetric(groups: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """Return Student's interval of a mean, with one degree of freedom less than groups."""
    half = float(student.ppf((1 + level) / 2, len(groups) - 1)) * standard_error(groups)
    mean = float(groups.mean())
    return mean - half, mean + half


def hall(groups: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """Return Student's interval with the skewness taken out by a monotone cubic (Hall 1992).

    θ - s h(±q), where q is the t quantile / √G, c the skewness and
    h(y) = (3 / c) (∛(1 + c (y - c / (6 G))) - 1).
    """
    number, mean, deviation = len(groups), float(groups.mean()), float(groups.std(ddof=1))
    if deviation == 0:
        return mean, mean
    skewness = float(((groups - mean) ** 3).mean() / groups.std() ** 3)
    if abs(skewness) < 1e-6:
        return symmetric(groups, level)
    quantile = float(student.ppf((1 + level) / 2, number - 1)) / np.sqrt(number)

    def transformed(y: float) -> float:
        inner = 1 + skewness * (y - skewness / (6 * number))
        return float(3 / skewness * (np.cbrt(inner) - 1))

    return mean - deviation * transformed(quantile), mean - deviation * transformed(-quantile)


def wilson(groups: FloatArray, questions: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's interval of a share with the effective number of questions.

    p (1 - p) / error² after Korn and Graubard (1998), and all of them where the error is 0. It
    covers too little where nearly all of a rare share comes from one text.

    Args:
        groups: The group values.
        questions: Number of questions.
        level: Share of samples whose interval is to contain the true share.
    """
    share, error = float(np.clip(groups.mean(), 0, 1)), standard_error(groups)
    varies = error > ROUNDING and ROUNDING < share < 1 - ROUNDING
    number = share * (1 - share) / error**2 if varies else questions
    z = float(student.ppf((1 + level) / 2, len(groups) - 1))
    centre = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number)
    half *= np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    low, high = min(centre - half, share), max(centre + half, share)
    return float(max(low, 0.0)), float(min(high, 1.0))


def difference(
    first: FloatArray, second: FloatArray, groups: IntArray, level: float = LEVEL
) -> tuple[float, float, float, float]:
    """Return the difference of two scores with its interval and its p value: t over groups.

    Args:
        first: One value per question, whose mean is the score; nan where it has none.
        second: Those of the other, for the same questions.
        groups: Number of each question's group.
        level: Share of samples whose interval is to contain the true difference.

    Returns:
        Difference, low and high end of its interval, two-sided p value. p is 1 if all are equal.
    """
    drawn = group_values(first - second, groups)
    value, error = float(drawn.mean()), standard_error(drawn)
    if isnan(error) or error == 0:
        return value, value, value, float(value == 0)
    p = float(2 * student.sf(abs(value) / error, len(drawn) - 1))
    return value, *symmetric(drawn, level), p


class EffectSize(NamedTuple):
    """Sizes of a paired difference that do not grow with the number of questions."""

    standardised: float
    superiority: float


def effect_size(first: FloatArray, second: FloatArray) -> EffectSize:
    """Return how large first minus second is next to its variation over the questions.

    `standardised`: mean of the differences / their standard deviation with n - 1 (Sakai 2018), 0 if
    all are 0, infinite if all are another number. `superiority`: share of positive ones, ties
    counted half (Vargha and Delaney 2000, paired).

    Examples:
        >>> first, second = np.array([0.5, 0.75, 0.5, 0.5]), np.array([0.25, 0.25, 0.5, 0.25])
        >>> effect_size(first, second).superiority
        0.875
    """
    differences = (first - second)[~np.isnan(first) & ~np.isnan(second)]
    small = 1e-12 * max(float(np.abs(first[~np.isnan(first)]).max(initial=0)), 1e-300)
    signs = np.where(np.abs(differences) <= small, 0.0, np.sign(differences))
    superiority, mean = float((1 + signs).mean() / 2), float(differences.mean())
    if len(differences) < 2 or np.ptp(differences) <= small:
        return EffectSize(copysign(inf, mean) if abs(mean) > small else 0.0, superiority)
    return EffectSize(mean / float(differences.std(ddof=1)), superiority)


def _sample(values: ArrayLike) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"values must be (questions, subsets), not {matrix.shape}")
    return matrix[:, ~np.isnan(matrix).all(axis=0)]
