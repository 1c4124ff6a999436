"""Which passage languages a system favours, apart from the language of the query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.multilingual import MultilingualRanking
from xbench.metrics.ranks import FloatArray


def language_advantage(ranking: MultilingualRanking) -> FloatArray:
    """Language advantage: how often a language's passage is before its translation into another.

    For a passage language l and every other m, neither of them the query's, the share of the
    queries with relevant passages in both of which the one in l is first; equal scores, and pairs
    of which none was retrieved, count half, and of several passages in a language the best counts.
    The advantage of l is the mean over m, so that the mean over the languages is .5. Only the
    order of translations counts, so the preference for the query's own language does not enter.

    .5 is even if all languages are encoded equally well. Below .5 a language is disliked *or* badly
    encoded: a system that encodes one language with 2.5 times the noise of the others, without any
    preference, gives it .036. Read it with the language's monolingual score and `wrong_share_ratio`
    (elementary; the rate of pairs in order of Kendall, by language).

    Args:
        ranking: Places and languages of the relevant passages are used.

    Returns:
        A query's contributions, whose mean over the queries is each language's advantage, shape
        (queries, languages); nan for the query's language, for one that never has a pair, and for
        queries without any.
    """
    best = _best(ranking)
    languages = best.shape[1]
    values = np.full(best.shape, np.nan)
    others = [code for code in range(languages) if code != ranking.own]
    for one in others:
        pairs = [(best[:, one], best[:, two]) for two in others if two != one]
        cases = [(first < second) + 0.5 * (first == second) for first, second in pairs]
        there = [~np.isnan(first) & ~np.isnan(second) for first, second in pairs]
        values[:, one] = _mean_of_rates(cases, there, len(best))
    return values


def wrong_share_ratio(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Share of the wrong passages among the first k, by language, over its share of the pool.

    Counted over all queries, and over passages in other languages than theirs, so that the
    preference for the query's own language does not enter; equal scores are in random order. 1 is
    even. A system with a bonus for a language puts wrong passages in it among the first, too; one
    that encodes a language badly does not: by this the two are distinguished, which have the same
    `language_advantage` (elementary).

    Args:
        ranking: The first places, and the relevant passages among them, are used.
        k: Number of places.

    Returns:
        Shape (languages,); nan for the query's language, and where no other wrong passage is found.
    """
    languages = len(ranking.pool)
    retrieved = ranking.above < (ranking.top[:, :k] >= 0).sum(axis=1, keepdims=True)
    found = _languages_of_first(ranking, k)
    shallow = np.clip((k - ranking.above[retrieved]) / ranking.tied[retrieved], 0, 1)
    right = np.bincount(ranking.language[retrieved], shallow, minlength=languages)
    others = np.arange(languages) != ranking.own
    wrong = np.where(others, found - right, 0).round(9)
    pool = np.where(others, ranking.pool, 0)
    if not wrong.sum():
        return np.full(languages, np.nan)
    share = wrong / wrong.sum() * pool.sum()
    return np.asarray(np.where(pool > 0, share / np.maximum(pool, 1), np.nan))


def _languages_of_first(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Return how many of the first k places of all queries are of each language, expected.

    Of passages of equal score from which the first k take a part, each is in it as often.
    """
    start, counts = ranking.block_start, ranking.block_counts
    size = counts.sum(axis=1)
    parted = (start < k) & (k < start + size)
    whole = np.full(len(ranking.top), k)
    whole[ranking.block_query[parted]] = start[parted]
    first = ranking.top[:, :k]
    first = first[(np.arange(first.shape[1]) < whole[:, None]) & (first >= 0)]
    share = (k - start[parted]) / size[parted]
    return np.asarray(np.bincount(first, minlength=len(ranking.pool)) + share @ counts[parted])


def _best(ranking: MultilingualRanking) -> FloatArray:
    """Return the passages above the best of each language, shape (queries, languages)."""
    best = np.full((len(ranking.above), len(ranking.pool)), np.inf)
    query, slot = np.nonzero(ranking.relevant)
    at = query, ranking.language[query, slot]
    np.minimum.at(best, at, ranking.above[query, slot])
    return np.where(np.isinf(best), np.nan, best)


def _mean_of_rates(
    cases: list[FloatArray], there: list[NDArray[np.bool_]], queries: int
) -> FloatArray:
    """Return contributions whose mean over the queries with any case is the mean of all rates."""
    known = [(case, present) for case, present in zip(cases, there, strict=True) if present.any()]
    if not known:
        return np.full(queries, np.nan)
    any_case = np.logical_or.reduce([present for _, present in known])
    rates = [case[present].mean() for case, present in known]
    values = np.full(queries, np.mean(rates))
    for (case, present), rate in zip(known, rates, strict=True):
        weight = any_case.sum() / present.sum() / len(known)
        values += weight * np.where(present, case - rate, 0.0)
    return np.where(any_case, values, np.nan)
