"""Comparisons between query languages: the same questions, or the same score, in each of them."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from xbench.metrics.fairness import midranks
from xbench.metrics.ranks import FloatArray


def rank_correlation(ranks: FloatArray) -> FloatArray:
    """Rank correlation: do two query languages put a question's parallel passages in one order?

    For question i and query language a, the mean over the other query languages b of Spearman's
    correlation of the ranks that a and b give to the question's relevant passages. 1 if every
    language orders them alike, about 0 if the orders are unrelated, a little below 0 if each
    language ranks its own version at rank 1 and the others at random.

    MRC of arXiv 2509.06195 (MRL 2024) averages the same way, over b and then over questions, but
    correlates the rankings of the documents of the whole collection (MRC@k: of the first k; how it
    treats documents in one list only could not be verified). Here only the parallel passages enter,
    so that their ranks suffice; a score of one must not be set next to a score of the other.

    Passages of equal score, and those that were not retrieved, are in random order: the expected
    correlation then is Σ (x - x̄) (y - ȳ) of the mid-ranks over m (m² - 1) / 12, nearer 0 than the
    correlation of the mid-ranks, and 0 where a language ties them all. Passages missing for a or b
    are skipped of that pair; a pair counts if at least two passages remain.

    Args:
        ranks: Rank in the pool of every version of every question, the versions in the same order
            for all query languages; equal ranks are ties, `nan` is missing. Shape (query
            languages, questions, versions).

    Returns:
        Shape (query languages, questions); nan where no pair counts. A language's score is the
        mean over its questions.

    Examples:
        >>> rank_correlation(np.array([[[1.0, 2.0, 3.0]], [[4.0, 9.0, 5.0]]]))
        array([[0.5],
               [0.5]])
    """
    languages, questions, _ = ranks.shape
    total = np.zeros((languages, questions))
    count = np.zeros((languages, questions))
    for a, b in combinations(range(languages), 2):
        correlation = _spearman(ranks[a], ranks[b])
        counts = ~np.isnan(correlation)
        for language in (a, b):
            total[language] += np.where(counts, correlation, 0.0)
            count[language] += counts
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spearman(x: FloatArray, y: FloatArray) -> FloatArray:
    """Spearman's correlation of each row of `x` and `y`, over the entries that both have."""
    missing = np.isnan(x) | np.isnan(y)
    count = (~missing).sum(axis=1, keepdims=True)
    middle = (count + 1) / 2
    dx, dy = (
        np.where(missing, 0.0, midranks(np.where(missing, np.nan, values)) - middle)
        for values in (x, y)
    )
    scale = (count * (count**2 - 1) / 12)[:, 0]
    product = (dx * dy).sum(axis=1)
    return np.where(scale > 0, product / np.where(scale > 0, scale, 1.0), np.nan)


def cross_lingual_gap(scores: FloatArray) -> FloatArray:
    """Cross-lingual gap: monolingual score minus mean cross-lingual score of each query language.

    score(a, a) - mean over b ≠ a of score(a, b) (elementary). Positive where a language is served
    better with passages of its own. nan where the monolingual score or all cross-lingual scores of
    a language are missing.

    Args:
        scores: One score per query language and passage language, both in the same order; `nan`
            for missing. Shape (languages, languages).

    Returns:
        Shape (languages,).

    Raises:
        ValueError: If `scores` is not square.

    Examples:
        >>> cross_lingual_gap(np.array([[0.75, 0.25], [0.5, np.nan]]))
        array([0.5, nan])
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise ValueError(
            f"scores has shape {scores.shape}; expected one row and one column per language"
        )
    cross = ~np.eye(len(scores), dtype=np.bool_) & ~np.isnan(scores)
    count = cross.sum(axis=1)
    mean = np.where(cross, scores, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, np.diagonal(scores) - mean, np.nan)


class Spread(NamedTuple):
    """How a score varies over languages.

    Attributes:
        minimum: Score of the worst language.
        maximum: Score of the best language.
        standard_deviation: Root mean square deviation from the mean over the languages.
    """

    minimum: float
    maximum: float
    standard_deviation: float


def spread(scores: FloatArray) -> Spread:
    """Spread of a score over languages: minimum, maximum and standard deviation.

    The languages are all there are, not a sample, so the deviation divides by their number. Missing
    scores are skipped; without any score all three are nan.

    Args:
        scores: One score per language, `nan` for missing. Shape (languages,).

    Examples:
        >>> spread(np.array([0.25, 0.75, np.nan]))
        Spread(minimum=0.25, maximum=0.75, standard_deviation=0.25)
    """
    present = scores[~np.isnan(scores)]
    if len(present) == 0:
        return Spread(np.nan, np.nan, np.nan)
    return Spread(float(present.min()), float(present.max()), float(present.std()))
