"""Claims tested over seeds and questions at once.

Of a weighted sum of conditions' scores, the seeds' part of the variance is the sum over the trained
conditions of the variance of their seeds' values over their number, seeds taken as unpaired; the
questions' part is that of the mean over seeds, by article. The degrees of freedom are those of
Welch and Satterthwaite. Testing over questions alone errs far too often where seeds differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Literal

import numpy as np
from scipy.stats import t as student

from xbench.metrics.comparisons import holm
from xbench.metrics.intervals import group_values
from xbench.metrics.ranks import FloatArray, IntArray
from xbench.training.studies.study_file import Kind

Verdict = Literal["held", "not held", "not separable"]

LEVEL = 0.05


@dataclass(frozen=True)
class Estimate:
    """A weighted sum of scores, such as a mean over seeds or a difference of two.

    Attributes:
        value: The sum.
        error: Its standard error over seeds and questions; nan where a condition has one seed.
        freedom: Degrees of freedom.
        seeds_share: The seeds' share of the squared error.
    """

    value: float
    error: float
    freedom: float
    seeds_share: float

    @property
    def half(self) -> float:
        """Half of the 95 % interval."""
        if not self.error > 0:
            return self.error
        return float(student.ppf(1 - LEVEL / 2, self.freedom)) * self.error

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half

    def p_value(self, against: float = 0.0) -> float:
        """Return the two-sided p value of the sum being another number; 1 if nothing is known."""
        distance = abs(self.value - against)
        if np.isnan(self.error):
            return 1.0
        if self.error == 0:
            return float(distance == 0)
        return float(2 * student.sf(distance / self.error, self.freedom))


def estimate(
    parts: Sequence[FloatArray], groups: IntArray, *, seeded: Sequence[bool] = ()
) -> Estimate:
    """Return the sum over conditions of the mean over seeds, with its error.

    Args:
        parts: By condition, what each seed and question adds, already multiplied by the weights of
            the condition; shape (seeds, questions), nan for a question without a value.
        groups: Number of each question's group.
        seeded: Whether each condition has seeds; one that is not trained has no seed part. By
            default all have.
    """
    flags = list(seeded) or [True] * len(parts)
    total = np.sum([own.mean(axis=0) for own in parts], axis=0)
    drawn = group_values(total, groups)
    number = len(drawn)
    value = float(drawn.mean()) if number else nan
    questions = float(drawn.var(ddof=1) / number) if number > 1 else nan
    freedom = questions**2 / (number - 1) if number > 1 else nan
    seeds = 0.0
    for own, has_seeds in zip(parts, flags, strict=True):
        if not has_seeds:
            continue
        count = len(own)
        part = float(np.nanmean(own, axis=1).var(ddof=1) / count) if count > 1 else nan
        seeds += part
        freedom += part**2 / (count - 1) if count > 1 else nan
    squared = seeds + questions
    degrees = squared**2 / freedom if freedom > 0 else inf
    return Estimate(value, sqrt(squared), degrees, seeds / squared if squared > 0 else 0.0)


def share_values(changed: FloatArray, clean: FloatArray) -> FloatArray:
    """Return values whose mean over questions is, for each seed, one mean as a share of another.

    The ratio of means is made linear at its value, as survey sampling does (Cochran, Sampling
    Techniques, 1977, section 6.4), so that intervals and tests of means hold for it.

    Args:
        changed: Values whose mean is the numerator, shape (seeds, questions).
        clean: Values whose mean is the denominator, of the same questions.

    Examples:
        >>> clean, changed = np.array([[0.5, 1.0, 0.0]]), np.array([[0.5, 0.5, 0.0]])
        >>> values = share_values(changed, clean)
        >>> bool(np.isclose(values.mean(), 2 / 3))
        True
    """
    whole = np.nanmean(clean, axis=1, keepdims=True)
    share = np.nanmean(changed, axis=1, keepdims=True) / whole
    return np.asarray(share + (changed - share * clean) / whole)


@dataclass(frozen=True)
class Tested:
    """A claim that was tested.

    Attributes:
        estimate: The sum that is claimed to be positive.
        p: The p value, corrected for the number of claims by Holm's method.
        verdict: How it came out.
        matters: Whether the size is known to matter (True), known not to (False), or not known.
    """

    estimate: Estimate
    p: float
    verdict: Verdict
    matters: bool | None


def decide(claims: Sequence[tuple[Estimate, Kind, float]]) -> list[Tested]:
    """Return how claims came out, with one error rate for all of them.

    A claim of ``better`` held if its sum is positive and significant, and did not hold if it is
    negative and significant, or if its whole interval is below what matters. A claim of
    ``at_least`` held if its sum is significantly above minus what matters, and did not hold if it
    is significantly below it.

    Args:
        claims: The sum that is claimed to be positive, the kind, the smallest difference that
            matters.
    """
    bounds = [0.0 if kind == "better" else -matters for _, kind, matters in claims]
    raw = [own.p_value(bound) for (own, _, _), bound in zip(claims, bounds, strict=True)]
    corrected = holm(raw) if raw else np.empty(0)
    return [
        _decided(own, kind, matters, float(p), bound)
        for (own, kind, matters), p, bound in zip(claims, corrected, bounds, strict=True)
    ]


def _decided(own: Estimate, kind: Kind, matters: float, p: float, bound: float) -> Tested:
    significant = p <= LEVEL
    size: bool | None = None
    if own.low >= matters:
        size = True
    elif own.high < matters:
        size = False
    if significant and own.value > bound:
        return Tested(own, p, "held", size)
    if significant or (kind == "better" and size is False):
        return Tested(own, p, "not held", size)
    return Tested(own, p, "not separable", size)


Cells = Mapping[str, Mapping[str, FloatArray]]
"""Values of one score by condition and evaluation, shape (seeds, questions)."""


def contrast(
    weights: Mapping[tuple[str, str], float],
    cells: Cells,
    groups: IntArray,
    untrained: frozenset[str] = frozenset(),
) -> Estimate:
    """Return a weighted sum of cells; evaluations of the same models are taken together.

    Args:
        weights: Weight of each condition and evaluation.
        cells: The values.
        groups: Number of each question's group.
        untrained: Conditions without seeds.
    """
    names = list(dict.fromkeys(condition for condition, _ in weights))
    parts = [
        np.sum([w * cells[own][e] for (own, e), w in weights.items() if own == name], axis=0)
        for name in names
    ]
    return estimate(parts, groups, seeded=[name not in untrained for name in names])
