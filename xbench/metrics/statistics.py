"""How certain a score is: intervals, paired tests, effect sizes, ranks and tiers.

A score is a macro average over subsets (query languages, language pairs) of the mean over their
queries. `values` has the shape (questions, subsets), nan where a question has no query in a subset.
The versions of a question are hard or easy together, so whole questions are resampled and swapped:
with (question, language) pairs intervals are too narrow. Questions without a value are skipped.
Wrong values, and models of other shapes or other nan, raise ValueError. One seed, the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, copysign, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class EffectSize(NamedTuple):
    """Sizes of a paired difference that do not grow with the number of questions."""

    standardised: float
    superiority: float


def subset_means(values: ArrayLike) -> FloatArray:
    """Return the mean of every subset over the questions that it has."""
    return np.asarray(np.nanmean(_sample(values), axis=0))


def macro_mean(values: ArrayLike) -> float:
    """Return the mean of the subsets' means.

    >>> macro_mean([[1.0, 0.5], [0.0, np.nan]])
    0.5
    """
    return float(subset_means(values).mean())


def bootstrap(values: ArrayLike, resamples: int = 10_000, seed: int = 0) -> FloatArray:
    """Return the macro means of resamples of the questions, drawn with replacement.

    The bootstrap of Efron and Tibshirani (1993): a question drawn twice counts twice in each of its
    subsets. A subset of which a resample has no question is skipped of that mean. The resamples
    follow from the seed and the number of questions, which must be two or more.
    """
    sample = _sample(values, least=2)
    values_and_presence = np.hstack([_on_grid(np.nan_to_num(sample)), ~np.isnan(sample)])
    means = []
    for counts in _blocks_drawn(len(sample), resamples, seed):
        sums, sizes = np.hsplit(counts.astype(np.float64) @ values_and_presence, 2)
        with np.errstate(invalid="ignore"):
            means.append(np.nanmean(sums / sizes, axis=1))
    return np.concatenate(means)


def bootstrap_models(
    models: Sequence[ArrayLike], resamples: int = 10_000, seed: int = 0
) -> FloatArray:
    """Return `bootstrap` of each of several models on the same questions, (models, resamples)."""
    samples = _paired(models)
    present, values = ~np.isnan(samples[0]), [_on_grid(np.nan_to_num(own)) for own in samples]
    rows = [np.flatnonzero(column) for column in present.T]
    columns = [np.array([own[at, i] for own in values]) for i, at in enumerate(rows)]
    means = []
    for counts in _blocks_drawn(len(present), resamples, seed):
        total, subsets = np.zeros((len(models), len(counts))), np.zeros(len(counts))
        for at, column in zip(rows, columns, strict=True):
            drawn = counts[:, at].astype(np.float64)
            sizes = drawn.sum(axis=1)
            total += column @ drawn.T / np.fmax(sizes, 1)
            subsets += sizes > 0
        means.append(total / subsets)
    return np.concatenate(means, axis=1)


def _blocks_drawn(questions: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield how often each question is drawn, some resamples at a time."""
    counts, start = _drawn(questions, resamples, seed), 0
    for size in _blocks(resamples, questions):
        yield counts[start : start + size]
        start += size


@lru_cache(maxsize=8)
def _drawn(questions: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each question is drawn in each resample, (resamples, questions).

    Many scores of one data set are resampled alike, so the last few are kept.
    """
    generator = np.random.default_rng(seed)
    counts = np.empty((resamples, questions), np.uint8)
    row = 0
    for size in _blocks(resamples, questions):
        drawn = generator.integers(0, questions, size=(size, questions))
        drawn += np.arange(size)[:, None] * questions
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        counts[row : row + size] = np.minimum(times, 255)
        row += size
    return counts


def paired_difference(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Return first minus second; its `bootstrap` is that of the difference of the macro means."""
    return np.asarray(np.subtract(*_paired([first, second])))


def interval(distribution: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of a bootstrap distribution.

    Percentile (Efron and Tibshirani 1993, chapter 13): stays in the range of the score and, as the
    means are nearly symmetric, covers 94 to 95 % at 250 questions (simulated), but 91 % at ten.
    """
    low, high = np.quantile(_resampled(distribution, 1, level), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def randomisation_test(
    first: ArrayLike, second: ArrayLike, permutations: int = 10_000, seed: int = 0
) -> float:
    """Return the two-sided p-value of the difference of two models' macro means.

    Fisher's randomisation test (Smucker et al. 2007): if the models do not differ, their names can
    be swapped for any question, all its versions together. p = (1 + random swaps with at least the
    observed absolute difference) / (1 + all of them): never 0, and 1 for identical models.
    """
    return float(pairwise_tests([first, second], permutations, seed)[0, 1])


def pairwise_tests(
    models: Sequence[ArrayLike], permutations: int = 10_000, seed: int = 0
) -> FloatArray:
    """Return `randomisation_test` of every pair of models, not corrected; 1 on the diagonal.

    The sum of the subsets' means has one addend per question, so a swap only changes signs.
    Differences that agree to 1e-9 of the absolute sum of the values count as equal.
    """
    samples = _paired(models)
    sizes = (~np.isnan(samples[0])).sum(axis=0)
    influence_values = np.stack([np.nansum(sample / sizes, axis=1) for sample in samples], axis=1)
    influence_values = _on_grid(influence_values - influence_values.mean(axis=1, keepdims=True))
    questions, number = influence_values.shape
    scores = influence_values.sum(axis=0)
    tolerance = 1e-9 * np.abs(influence_values).sum(axis=0).max()
    bound = np.abs(scores[:, None] - scores) - tolerance
    generator, reached = np.random.default_rng(seed), np.ones((number, number))
    for size in _blocks(permutations, questions):
        swap = generator.integers(0, 2, size=(size, questions), dtype=np.int8)
        swapped = scores[:, None] - 2 * (influence_values.T @ swap.T.astype(np.float64))
        for i in range(number):
            differences = np.abs(swapped[i + 1 :] - swapped[i])
            extreme = differences >= bound[i, i + 1 :, None]
            reached[i, i + 1 :] += np.count_nonzero(extreme, axis=1)
    upper = np.triu(reached / (1 + permutations), k=1)
    return np.asarray(upper + upper.T + np.eye(number))


def holm(p_values: ArrayLike) -> FloatArray:
    """Return p-values corrected for their number by the step-down method of Holm (1979).

    The k-th smallest of m is multiplied by m - k + 1, raised to the one before it, and at most 1.
    Holds the family-wise error under any dependence. No tests give none back.

    >>> holm([0.01, 0.04, 0.02])
    array([0.03, 0.04, 0.04])
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if raw.ndim != 1 or not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError("p-values must be a vector of numbers between 0 and 1")
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    return np.asarray(np.minimum(stepped, 1.0)[np.argsort(order)])


def effect_size(first: ArrayLike, second: ArrayLike) -> EffectSize:
    """Return how large first minus second is next to its variation over the questions.

    A question's difference is the plain mean over its versions; macro means weigh by subset, so
    with many nan the signs can differ. `standardised`: mean of the differences / their standard
    deviation with n - 1 (Sakai 2018), 0 if all are 0, ± inf if all are another number, n ≥ 2.
    `superiority`: share of positive ones, ties counted half (Vargha and Delaney 2000, paired).

    >>> effect_size([[0.5], [0.75], [0.5], [0.5]], [[0.25], [0.25], [0.5], [0.25]]).superiority
    0.875
    """
    differences = _on_grid(np.nanmean(_sample(paired_difference(first, second), 2), axis=1))
    superiority, mean = float((1 + np.sign(differences)).mean() / 2), float(differences.mean())
    if np.ptp(differences) == 0:
        return EffectSize(copysign(inf, mean) if mean else 0.0, superiority)
    return EffectSize(mean / float(differences.std(ddof=1)), superiority)


def rank_intervals(distributions: ArrayLike, level: float = 0.95) -> list[tuple[int, int]]:
    """Return each model's best and worst rank, 1 highest, in the central share of the resamples.

    At most (1 - level) / 2 of the resamples lie beyond either end (Goldstein and Spiegelhalter
    1996). Tied models hold all ranks that they share. `distributions` has the shape (models,
    resamples): `bootstrap` with one seed, negated for a measure of which less is better.

    >>> rank_intervals([[0.9, 0.8], [0.5, 0.8], [0.1, 0.2]])
    [(1, 2), (1, 2), (3, 3)]
    """
    means = -_resampled(distributions, 2, level)
    order = np.argsort(means, axis=0)
    ordered = np.take_along_axis(means, order, axis=0)
    number = np.arange(len(means))[:, None]
    opens = np.vstack([np.ones_like(ordered[:1], bool), ordered[1:] != ordered[:-1]])
    closes = np.vstack([opens[1:], opens[:1]])
    best, worst = np.empty(means.shape, np.int64), np.empty(means.shape, np.int64)
    first = np.maximum.accumulate(np.where(opens, number, 0), axis=0)
    last = np.minimum.accumulate(np.where(closes, number, len(means))[::-1], axis=0)[::-1]
    np.put_along_axis(best, order, 1 + first, axis=0)
    np.put_along_axis(worst, order, 1 + last, axis=0)
    share = (1 + level) / 2
    low = -np.quantile(-best, share, axis=1, method="inverted_cdf")
    high = np.quantile(worst, share, axis=1, method="inverted_cdf")
    return list(zip(map(int, low), map(int, high), strict=True))


def tiers(models: Sequence[ArrayLike], level: float = 0.05, seed: int = 0) -> list[int]:
    """Return each model's tier, 1 highest: not distinguished from its tier's best.

    From the highest macro mean down (of equal ones, the earlier first), a model opens a new tier if
    it differs from the best of the current one: `randomisation_test`, p ≤ level after `holm` over
    all pairs, because which model leads is read off the data too; 10,000 permutations or, if more,
    5 × the fewest with which a pair can differ. One tier means not shown to differ, not equal.
    Negate the values of a measure of which less is better.

    >>> tiers([np.full((20, 1), 0.5), np.full((20, 1), 0.75), np.full((20, 1), 0.5)])
    [2, 1, 2]
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    pairs = np.triu_indices(len(models), k=1)
    p_values = pairwise_tests(models, max(10_000, ceil(5 * len(pairs[0]) / level)), seed)
    p_values[pairs] = holm(p_values[pairs])
    order = np.argsort([-macro_mean(values) for values in models], kind="stable")
    found, leader, tier = [1] * len(models), order[0], 1
    for model in order:
        if p_values[min(leader, model), max(leader, model)] <= level:
            leader, tier = model, tier + 1
        found[model] = tier
    return found


def _sample(values: ArrayLike, least: int = 1) -> FloatArray:
    """Return the questions with a value, checked."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"values must be (questions, subsets) and not empty, not {matrix.shape}")
    if np.isinf(matrix).any():
        raise ValueError("values must be finite, or nan where a question has no query in a subset")
    present = ~np.isnan(matrix)
    if not present.any(axis=0).all():
        raise ValueError(f"no question has a value in subset {np.argmin(present.any(axis=0))}")
    if present.any(axis=1).sum() < least:
        raise ValueError(f"{least} questions with a value are needed, one was given")
    return matrix[present.any(axis=1)]


def _paired(models: Sequence[ArrayLike]) -> list[FloatArray]:
    """Return the samples of models, checked to have the same questions in the same subsets."""
    if not len(models):
        raise ValueError("at least one model is needed")
    matrices = [np.asarray(values, dtype=np.float64) for values in models]
    for number, other in enumerate(matrices):
        base = matrices[0]
        if other.shape != base.shape:
            raise ValueError(f"model 0 has the shape {base.shape}, model {number} {other.shape}")
        differing = np.argwhere(np.isnan(other) != np.isnan(base)).tolist()
        if differing:
            at = tuple(differing[0])
            raise ValueError(f"values{[*at]}: model 0 has {base[at]}, model {number} {other[at]}")
    return [_sample(matrix) for matrix in matrices]


def _on_grid(values: FloatArray) -> FloatArray:
    """Round to a power of two: sums over the rows are exact, so threads and order do not show."""
    exponent = 52 - np.frexp(np.abs(values).max() * len(values))[1]
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, exponent)), -exponent))


def _blocks(number: int, questions: int) -> list[int]:
    """Return the sizes of blocks of resamples or permutations: at most 8 MiB of counts each."""
    if number < 1:
        raise ValueError(f"at least one resample or permutation is needed, not {number}")
    size = max(1, 2**20 // questions)
    return [min(size, number - start) for start in range(0, number, size)]


def _resampled(distribution: ArrayLike, dimensions: int, level: float) -> FloatArray:
    means = np.asarray(distribution, dtype=np.float64)
    if means.ndim != dimensions or not means.size or not np.isfinite(means).all():
        raise ValueError(f"needed: finite numbers, {dimensions} dimension(s), not {means.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    return means
