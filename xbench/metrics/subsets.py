"""What the measures make of the ranks of a task's subsets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbench.metrics.across_languages import rank_correlation
from xbench.metrics.advantage import language_advantage
from xbench.metrics.fairness import language_share
from xbench.metrics.multilingual import (
    MultilingualRanking,
    mean_over_queries,
    multilingual_ranking,
)
from xbench.metrics.ranks import FloatArray, IntArray, PoolRanks
from xbench.metrics.registry import (
    EFFECTIVENESS,
    ENGLISH_ADVANTAGE,
    EVIDENCE,
    FULL_DEPTH,
    LANGUAGE_BIAS,
    MEDIANS,
    MIXED_INDEX,
    OF_ANY_POOL,
    RANK_CORRELATION,
)


def per_query(ranks: PoolRanks, *, multilingual: bool) -> dict[str, FloatArray]:
    """Return every measure of a subset, one value per query, nan where it is undefined.

    Args:
        ranks: Ranks of the relevant passages.
        multilingual: Whether the pool mixes languages, so that language bias is measured too; where
            the ranks among the passages of the query's language are known, what the mixing costs.
    """
    matrix = ranks.matrix()
    measures = FULL_DEPTH if ranks.depth is None else EFFECTIVENESS
    values = {name: measure(matrix) for name, measure in measures.items()}
    if not multilingual:
        return values
    ranking = multilingual_ranking(ranks)
    if ranks.own_rank is None and ranks.places_known:
        values |= {name: measure(ranking) for name, measure in LANGUAGE_BIAS.items()}
        return values | _english_advantage(ranks, ranking) | _evidence(ranks)
    if ranks.own_rank is not None:
        values |= {name: measure(ranks, ranking) for name, measure in MIXED_INDEX.items()}
    return values | {name: LANGUAGE_BIAS[name](ranking) for name in OF_ANY_POOL}


def _english_advantage(ranks: PoolRanks, ranking: MultilingualRanking) -> dict[str, FloatArray]:
    languages = list(ranks.pool)
    if "en" not in languages:
        return {}
    values = language_advantage(ranking)[:, languages.index("en")]
    return {} if np.isnan(values).all() else {ENGLISH_ADVANTAGE: values}


def _evidence(ranks: PoolRanks) -> dict[str, FloatArray]:
    relevant = np.bincount(ranks.query)
    missing = ranks.rank == 0
    tied = np.zeros(len(missing), np.bool_) if ranks.ties is None else ranks.ties.tied > 1
    shares = (np.bincount(ranks.query, rows) / relevant for rows in (missing, tied & ~missing))
    return dict(zip(EVIDENCE, shares, strict=True))


def task_per_query(
    subsets: Mapping[str, PoolRanks], *, multilingual: bool
) -> dict[str, dict[str, FloatArray]]:
    """Return every measure of all subsets of a task, by subset and name, one value per query.

    Args:
        subsets: Ranks by subset name.
        multilingual: Whether the pools mix languages; the rank correlation between their query
            languages is then measured too, if there are at least two and the questions parallel.
    """
    values = {name: per_query(ranks, multilingual=multilingual) for name, ranks in subsets.items()}
    parallel = all(ranks.own_rank is None for ranks in subsets.values())
    known = all(ranks.places_known for ranks in subsets.values())
    if multilingual and parallel and known and len(subsets) > 1:
        for name, correlation in _rank_correlations(subsets).items():
            values[name][RANK_CORRELATION] = correlation
    return values


Values = Mapping[str, Mapping[str, FloatArray]]
"""Every measure of all subsets of a task, by subset and name, one value per query."""


def scores(
    subsets: Mapping[str, PoolRanks], *, multilingual: bool, values: Values | None = None
) -> dict[str, dict[str, float]]:
    """Return the scores of all subsets of a task, by subset and name.

    A score is a measure's mean over the queries for which it is defined, or for those of `MEDIANS`
    its median; a measure that is defined for no query of a subset has no score there.

    Args:
        subsets: Ranks by subset name.
        multilingual: Whether the pools mix languages.
        values: What `task_per_query` returns, where it is there already.
    """
    found = {}
    values = values or task_per_query(subsets, multilingual=multilingual)
    for name, own in values.items():
        means = {measure: mean_over_queries(value) for measure, value in own.items()}
        if "rank_distance" in own:
            ranking = multilingual_ranking(subsets[name])
            means |= {score: median(ranking) for score, median in MEDIANS.items()}
        found[name] = {k: v for k, v in means.items() if not np.isnan(v)}
    return found


def language_shares(subsets: Mapping[str, PoolRanks], k: int) -> FloatArray:
    """Return the share of each passage language among the first k places.

    Args:
        subsets: Ranks in the same multilingual pool, by query language.
        k: Number of places.

    Returns:
        Shape (subsets, languages of the pool), the languages in alphabetical order.
    """
    return np.array([language_share(multilingual_ranking(ranks), k) for ranks in subsets.values()])


def _rank_correlations(subsets: Mapping[str, PoolRanks]) -> dict[str, FloatArray]:
    """Align the versions of every question over the query languages, and correlate their ranks.

    A version is a language and a number among the question's passages in it, in the rows' order.
    """
    questions = {q: i for i, q in enumerate(dict.fromkeys(_questions(subsets)))}
    languages = sorted({code for ranks in subsets.values() for code in ranks.pool})
    own = [np.array([questions[q] for q in ranks.questions], int) for ranks in subsets.values()]
    number = [_numbers(ranks) for ranks in subsets.values()]
    most = 1 + max((n.max(initial=0) for n in number), default=0)
    aligned = np.full((len(subsets), len(questions), len(languages) * most), np.nan)
    for index, ranks in enumerate(subsets.values()):
        version = np.searchsorted(languages, ranks.language) * most + number[index]
        above = ranks.rank - 1 if ranks.ties is None else ranks.ties.above
        aligned[index, own[index][ranks.query], version] = above
    correlation = rank_correlation(aligned)
    return {name: correlation[i, own[i]] for i, name in enumerate(subsets)}


def _numbers(ranks: PoolRanks) -> IntArray:
    """Return each row's number among the rows of the same query and language."""
    codes = np.searchsorted(list(ranks.pool), ranks.language)
    key = ranks.query * len(ranks.pool) + codes
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(key)))
    number = np.empty(len(key), np.int64)
    number[order] = np.arange(len(key)) - np.repeat(starts, sizes)
    return number


def _questions(subsets: Mapping[str, PoolRanks]) -> list[str]:
    return [question for ranks in subsets.values() for question in ranks.questions]
