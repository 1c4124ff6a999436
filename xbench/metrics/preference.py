"""Preference for the language of the query: its direction, not only its size.

Every function returns one value per query. A reader may be served by results in the own language,
so none of these is better high or low.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.multilingual import MultilingualRanking
from xbench.metrics.ranks import FloatArray


def same_language_rank_gain(ranking: MultilingualRanking) -> FloatArray:
    """Places that the version in the query's own language is ahead of the other versions.

    Mean rank of the relevant passages in other languages minus mean rank of those in the query's
    language: positive toward the reader's language, 0 in expectation for a ranking that is blind to
    language (elementary; the bias that LAReQA's strong alignment rules out, arXiv 2004.05484). A
    passage that was not retrieved counts at the end of the pool. nan if all relevant passages, or
    none, are in the query's language.

    Args:
        ranking: Ranks and languages of the relevant passages are used.
    """
    own = ranking.relevant_own
    other = ranking.relevant & ~own
    places = np.where(ranking.relevant, ranking.places, 0.0)
    count_own, count_other = own.sum(axis=1), other.sum(axis=1)
    mean_own = (places * own).sum(axis=1) / np.maximum(count_own, 1)
    mean_other = (places * other).sum(axis=1) / np.maximum(count_other, 1)
    return np.where((count_own > 0) & (count_other > 0), mean_other - mean_own, np.nan)


def same_language_first(ranking: MultilingualRanking) -> FloatArray:
    """Whether the own-language version ranks first among the versions, minus what chance gives.

    [best own-language rank < best other rank] - m / R, where m of the R relevant passages are in
    the query's language; m / R = 1 / n with one version in each of n languages. The mean over
    queries is the rate above chance: between -1 / n and 1 - 1 / n, 0 in expectation for a ranking
    that is blind to language. The rate itself appears to be MLAIRE's language preference rate
    (arXiv 2605.07249; exact formula not verified), read off the same ranks.

    0 if no version was retrieved: all share the end of the pool, and so the first place among them.
    nan if all relevant passages, or none, are in the query's language.

    Args:
        ranking: Ranks and languages of the relevant passages are used.
    """
    own = ranking.relevant_own
    other = ranking.relevant & ~own
    best_own = np.where(own, ranking.ranks, np.inf).min(axis=1, initial=np.inf)
    best_other = np.where(other, ranking.ranks, np.inf).min(axis=1, initial=np.inf)
    chance = own.sum(axis=1) / np.maximum(ranking.relevant.sum(axis=1), 1)
    excess = (best_own < best_other) - chance
    excess = np.where(np.isinf(best_own) & np.isinf(best_other), 0.0, excess)
    return np.where(own.any(axis=1) & other.any(axis=1), excess, np.nan)


def first_place(ranking: MultilingualRanking, *, right: bool, own: bool) -> FloatArray:
    """Whether the passage in the first place is right or wrong, in the query's language or not.

    1 for the one case of four that the first passage falls into, 0 for the other three: relevant
    (right) or not, in the query's language (own) or another. The four sum to 1 for every query.
    Follows MLAIRE's four-way split (arXiv 2605.07249, read in summaries; exact formulas not
    verified). nan for an empty run. Where the pool has no passage in the query's language, all
    results are in another.

    Args:
        ranking: Ranks of the relevant passages and the language of the first place are used.
        right: Count first places that hold a relevant passage, rather than another passage.
        own: Count first places in the query's language, rather than in another language.
    """
    first = ranking.top[:, :1].max(axis=1, initial=-1)
    is_right = (ranking.ranks == 1).any(axis=1)
    matches = (is_right == right) & ((first == ranking.own) == own)
    return np.where(first >= 0, matches.astype(np.float64), np.nan)
