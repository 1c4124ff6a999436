"""Preference for the language of the query: its direction, not only its size.

Every function returns one value per query. A reader may be served by results in the own language,
so none of these is better high or low. Passages of equal score, and those not retrieved, are in
random order (see `multilingual`), in closed form.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.language_bias import FOUND
from xbench.metrics.multilingual import MultilingualRanking, linearised
from xbench.metrics.ranks import FloatArray


def same_language_rank_gain(ranking: MultilingualRanking) -> FloatArray:
    """Places that the version in the query's own language is ahead of the other versions.

    Mean rank of the relevant passages in other languages minus mean rank of those in the query's
    language: positive toward the reader's language, 0 in expectation for a ranking that is blind to
    language (elementary; the bias that LAReQA's strong alignment rules out, arXiv 2004.05484). nan
    if all relevant passages, or none, are in the query's language.

    Args:
        ranking: Places and languages of the relevant passages are used.
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

    The probability that the first of the relevant passages is in the query's language, 1 or 0
    unless scores are equal, minus m / R, where m of the R relevant passages are in the query's
    language; m / R = 1 / n with one version in each of n languages. The mean over queries is the
    rate above chance: between -1 / n and 1 - 1 / n, 0 in expectation for a ranking that is blind to
    language. The rate itself appears to be MLAIRE's language preference rate (arXiv 2605.07249;
    exact formula not verified), read off the same ranks.

    0 if no version was retrieved. nan if all relevant passages, or none, are in the query's
    language.

    Args:
        ranking: Places and languages of the relevant passages are used.
    """
    rate, chance = _first_and_chance(ranking)
    return np.asarray(rate - chance)


def own_language_preference(ranking: MultilingualRanking, *, found: bool = False) -> FloatArray:
    """Preference for the query's language: how often its version is first, rescaled by chance.

    (rate - chance) / (1 - chance), where the rate is how often the first of the relevant passages
    is in the query's language, and chance how often it would be in random order: m of R, the mean
    over queries of both. 1 if the own version is always first, 0 if the language does not matter,
    negative if other languages are preferred; a good system may have either. A query's value is its
    influence on the ratio (see `multilingual.linearised`). nan if all relevant passages, or none,
    are in the query's language.

    Args:
        ranking: Places and languages of the relevant passages are used.
        found: Whether to count only questions of which a relevant passage has a mean place of 10 or
            better, so that the preference among answers that are found is read apart from quality.
    """
    rate, chance = _first_and_chance(ranking)
    counts = np.where(ranking.best_place <= FOUND, 1.0, 0.0) if found else 1.0
    return linearised(counts * (rate - chance), counts * (1 - chance))


def _first_and_chance(ranking: MultilingualRanking) -> tuple[FloatArray, FloatArray]:
    """Return how likely the own version is first, and would be in random order; nan if certain."""
    own, relevant = ranking.relevant_own, ranking.relevant
    first = ranking.above == np.fmin.reduce(ranking.above, axis=1, initial=np.nan)[:, None]
    rate = (first & own).sum(axis=1) / np.maximum(first.sum(axis=1), 1)
    chance = own.sum(axis=1) / np.maximum(relevant.sum(axis=1), 1)
    both = own.any(axis=1) & (relevant & ~own).any(axis=1)
    return np.where(both, rate, np.nan), np.where(both, chance, np.nan)


def first_place(ranking: MultilingualRanking, *, right: bool, own: bool) -> FloatArray:
    """Whether the passage in the first place is right or wrong, in the query's language or not.

    The probability of one case of four, 1 or 0 unless the first places have equal scores: relevant
    (right) or not, in the query's language (own) or another. The four sum to 1 for every query.
    Follows MLAIRE's four-way split (arXiv 2605.07249, read in summaries; exact formulas not
    verified). nan for an empty run. Where the pool has no passage in the query's language, all
    results are in another.

    Args:
        ranking: Places of the relevant passages and the languages of the first places are used.
        right: Count first places that hold a relevant passage, rather than another passage.
        own: Count first places in the query's language, rather than in another language.
    """
    first = ranking.top[:, :1].max(axis=1, initial=-1)
    is_own = (first == ranking.own).astype(np.float64)
    size = np.ones(len(first))
    at_start = ranking.block_start == 0
    query, counts = ranking.block_query[at_start], ranking.block_counts[at_start]
    size[query] = counts.sum(axis=1)
    is_own[query] = counts[:, ranking.own] / size[query] if ranking.own >= 0 else 0.0
    leading = ranking.above == 0
    right_own = (leading & ranking.relevant_own).sum(axis=1) / size
    right_other = (leading & ~ranking.relevant_own).sum(axis=1) / size
    if right:
        probability = right_own if own else right_other
    else:
        probability = is_own - right_own if own else 1 - is_own - right_other
    return np.where(first >= 0, probability, np.nan)
