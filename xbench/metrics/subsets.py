"""The measures by name, and what they make of a subset's ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from xbench.metrics.across_languages import rank_correlation
from xbench.metrics.advantage import language_advantage
from xbench.metrics.effectiveness import (
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)
from xbench.metrics.fairness import awrf, awrf_uniform, language_share, peer
from xbench.metrics.language_bias import (
    complete,
    rank_distance,
    rank_distance_median,
    rank_distance_ratio,
    worst_rank,
)
from xbench.metrics.mixed_index import ndcg_lost, other_language_share, same_language_preference
from xbench.metrics.multilingual import (
    MultilingualRanking,
    mean_over_queries,
    multilingual_ranking,
)
from xbench.metrics.preference import (
    first_place,
    own_language_preference,
    same_language_first,
    same_language_rank_gain,
)
from xbench.metrics.ranks import FloatArray, IntArray, PoolRanks

FULL_DEPTH: dict[str, Callable[[FloatArray], FloatArray]] = {
    "map": average_precision,
    "map_at_20": partial(average_precision, k=20),
    **{f"recall_at_{k}": partial(recall, k=k) for k in (1, 5, 10, 20, 100)},
    "ndcg_at_10": partial(ndcg, k=10),
    "mrr_at_10": partial(reciprocal_rank, k=10),
}
"""Measures of every setting: ranks (queries, relevant passages) -> one value per query."""

CUT_OFFS = (1, 3, 5, 10, 20, 100, 1000)
"""Depths at which mteb measures a run."""

EFFECTIVENESS: dict[str, Callable[[FloatArray], FloatArray]] = {
    **FULL_DEPTH,
    **{
        f"{name}_at_{k}": partial(measure, k=k)
        for name, measure in (
            ("map", average_precision),
            ("recall", recall),
            ("precision", precision),
            ("ndcg", ndcg),
            ("mrr", reciprocal_rank),
        )
        for k in CUT_OFFS
    },
}
"""Those, and what mteb measures of a run of limited depth; ``map`` is then that of the run."""

LANGUAGE_BIAS: dict[str, Callable[[MultilingualRanking], FloatArray]] = {
    "own_language_preference": own_language_preference,
    "own_language_preference_found": partial(own_language_preference, found=True),
    "rank_distance_ratio": rank_distance_ratio,
    "rank_distance_ratio_found": partial(rank_distance_ratio, found=True),
    "rank_distance": rank_distance,
    "worst_rank": worst_rank,
    "complete_at_10": partial(complete, k=10),
    "complete_at_20": partial(complete, k=20),
    "complete_at_100": partial(complete, k=100),
    "peer": peer,
    "peer_at_20": partial(peer, k=20),
    "peer_at_100": partial(peer, k=100),
    "awrf_at_20": partial(awrf, k=20),
    "awrf_at_100": partial(awrf, k=100),
    "awrf_uniform_at_20": partial(awrf_uniform, k=20),
    "awrf_uniform_at_100": partial(awrf_uniform, k=100),
    "same_language_rank_gain": same_language_rank_gain,
    "same_language_first": same_language_first,
    "first_place_right_own": partial(first_place, right=True, own=True),
    "first_place_right_other": partial(first_place, right=True, own=False),
    "first_place_wrong_own": partial(first_place, right=False, own=True),
    "first_place_wrong_other": partial(first_place, right=False, own=False),
}
"""Measures of a multilingual pool: a ranking -> one value per query, nan where undefined."""

MIXED_INDEX: dict[str, Callable[[PoolRanks, MultilingualRanking], FloatArray]] = {
    "ndcg_at_10_lost": lambda ranks, _: ndcg_lost(ranks, 10),
    "other_language_share_at_10": lambda _, ranking: other_language_share(ranking, 10),
    "same_language_preference_at_10": lambda _, ranking: same_language_preference(ranking, 10),
}
"""Measures of a pool in which only passages in the query's language are relevant."""

OF_ANY_POOL = tuple(name for name in LANGUAGE_BIAS if name.startswith(("awrf", "first_place")))
"""Those of `LANGUAGE_BIAS` that need no parallel versions of the relevant passages."""

RANK_CORRELATION = "rank_correlation"
"""The measure that needs the same questions in several query languages."""

ENGLISH_ADVANTAGE = "english_advantage"
"""The `language_advantage` of English, for queries in other languages."""

EVIDENCE = ("not_retrieved_share", "tied_share")
"""Shares of a query's relevant passages that say what its language bias rests on: of those that the
system did not retrieve, and of those whose score another passage has, too."""

MEDIANS = {"rank_distance_median": rank_distance_median}
"""Scores that are no mean of values of the queries, each with what gives it of a ranking."""

IN_RANKS = ("rank_distance", "rank_distance_median", "worst_rank", "same_language_rank_gain")
"""Scores that are counted in ranks; all others are shares, probabilities or correlations."""

SIGNED = (
    RANK_CORRELATION,
    "same_language_first",
    "same_language_rank_gain",
    "own_language_preference",
    "own_language_preference_found",
    "same_language_preference_at_10",
    "ndcg_at_10_lost",
)
"""Scores that may be negative."""

UNBOUNDED = ("rank_distance_ratio", "rank_distance_ratio_found")
"""Scores that may be above 1."""

NOT_ALWAYS_DEFINED = (
    ENGLISH_ADVANTAGE,
    "own_language_preference_found",
    "rank_distance_ratio_found",
)
"""Scores that a subset may not have: of English, and of questions of which nothing was found."""

SCORES_OF_PARALLEL_POOL = (
    *FULL_DEPTH,
    *(name for name in LANGUAGE_BIAS if name not in NOT_ALWAYS_DEFINED),
    RANK_CORRELATION,
    *MEDIANS,
    *EVIDENCE,
)
"""Names of the scores of a multilingual pool in which every language holds the answer."""

SCORES = (
    *EFFECTIVENESS,
    *LANGUAGE_BIAS,
    *MIXED_INDEX,
    RANK_CORRELATION,
    *MEDIANS,
    ENGLISH_ADVANTAGE,
    *EVIDENCE,
)
"""Names of all scores."""


def task_scores(*, multilingual: bool, parallel: bool) -> tuple[str, ...]:
    """Return the names of the scores of a task.

    Args:
        multilingual: Whether its pools mix languages.
        parallel: Whether its questions are parallel and every passage is ranked; else the runs are
            of limited depth and only passages in the query's language are relevant.
    """
    if parallel:
        return SCORES_OF_PARALLEL_POOL if multilingual else tuple(FULL_DEPTH)
    return (*EFFECTIVENESS, *((*MIXED_INDEX, *OF_ANY_POOL) if multilingual else ()))


def score_range(name: str) -> tuple[float, float]:
    """Return the least and the greatest value that a score can have.

    >>> score_range("rank_correlation")
    (-1.0, 1.0)
    """
    high = np.inf if name in (*IN_RANKS, *UNBOUNDED) else 1.0
    if name.startswith("own_language_preference"):
        return -np.inf, high
    return (-high if name in SIGNED else 0.0), high


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


def scores(subsets: Mapping[str, PoolRanks], *, multilingual: bool) -> dict[str, dict[str, float]]:
    """Return the scores of all subsets of a task, by subset and name.

    A score is a measure's mean over the queries for which it is defined, or for those of `MEDIANS`
    its median; a measure that is defined for no query of a subset has no score there.

    Args:
        subsets: Ranks by subset name.
        multilingual: Whether the pools mix languages.
    """
    found = {}
    for name, values in task_per_query(subsets, multilingual=multilingual).items():
        means = {measure: mean_over_queries(value) for measure, value in values.items()}
        if "rank_distance" in values:
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
