"""The measures by name, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from xbench.metrics.effectiveness import (
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)
from xbench.metrics.fairness import awrf, awrf_uniform, peer
from xbench.metrics.language_bias import (
    complete,
    rank_distance,
    rank_distance_median,
    rank_distance_ratio,
    worst_rank,
)
from xbench.metrics.mixed_index import ndcg_lost, other_language_share, same_language_preference
from xbench.metrics.multilingual import MultilingualRanking
from xbench.metrics.preference import (
    first_place,
    own_language_preference,
    same_language_first,
    same_language_rank_gain,
)
from xbench.metrics.ranks import FloatArray, PoolRanks

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

WRONG_SHARES_AT = 20
"""Number of first places of which the wrong passages are counted."""

LANGUAGE_ADVANTAGE = "language_advantage"
WRONG_SHARE_RATIO = f"wrong_share_ratio_at_{WRONG_SHARES_AT}"
BY_PASSAGE_LANGUAGE = (LANGUAGE_ADVANTAGE, WRONG_SHARE_RATIO)
"""Measures of a pool of parallel passages that have a value for each passage language."""

EVIDENCE = ("not_retrieved_share", "tied_share")
"""Shares of a query's relevant passages that say what its language bias rests on: of those that the
system did not retrieve, and of those whose score another passage has, too."""

MEDIANS = {"rank_distance_median": rank_distance_median}
"""Scores that a mean of values of the queries cannot give, each with what gives it of a ranking."""

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

UNBOUNDED = ("rank_distance_ratio", "rank_distance_ratio_found", WRONG_SHARE_RATIO)
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

    Examples:
        >>> score_range("rank_correlation")
        (-1.0, 1.0)
    """
    high = np.inf if name in (*IN_RANKS, *UNBOUNDED) else 1.0
    if name.startswith("own_language_preference"):
        return -np.inf, high
    return (-high if name in SIGNED else 0.0), high
