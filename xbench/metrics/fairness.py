"""Fairness between the languages of a multilingual pool, no language being the reference."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, xlogy

from xbench.metrics.multilingual import MultilingualRanking
from xbench.metrics.ranks import FloatArray, IntArray


def peer(ranking: MultilingualRanking, k: float = np.inf) -> FloatArray:
    """Probability of equal expected rank: whether relevant passages rank alike in every language.

    PEER@k = Σ_l w_l · p_l over the relevance levels l, where p_l is the p-value of a Kruskal-Wallis
    test on the ranks of the passages of level l, grouped by language (arXiv 2405.00978, SIGIR 2024;
    read in summaries and in its code, hltcoe/peer_measure). Relevance is binary here and the weight
    of the irrelevant passages is 0, so PEER@k = p of the relevant ones. Relevant passages beyond
    place k, or not retrieved, share one rank after place k; equal scores are ties of the test.

    1 when all groups have the same mean rank (fair), towards 0 the more surely they differ; also 1
    with fewer than two languages and when no relevant passage is within place k. nan for a query
    without relevant passages.

    **With one relevant passage per language PEER says nothing.** All variation is then variation
    between groups, H = n - 1 for every ranking of n passages, and the value is the constant
    P(χ²ₙ₋₁ > n - 1): 0.317 for 2 languages, 0.392 for 4, 0.440 for 11. A cut-off does not help:
    ties leave H at n - 1, unless no relevant passage is within place k; then the value is 1, and
    the mean over queries rewards the ranking that finds nothing.

    The reference code deviates from the test it names in two ways that are not followed. It takes
    the places in the run as the observations instead of their ranks among the relevant passages,
    so relevant passages of two languages at places 1, 50 and 2, 3 give 0.338, not 1. And it asks
    whether ``x.all() is None``, which is never true, so that U of N relevant passages that were not
    retrieved get place N + (U + 1) / 2, which may be before those that were retrieved:
    places 15, 16 against 18 and not retrieved give 0.491, not 0.121.

    Args:
        ranking: Ranks and languages of the relevant passages are used.
        k: Number of places looked at; infinite for the whole ranking.
    """
    observed = np.where(ranking.above >= k, np.inf, ranking.above)
    probability = kruskal_wallis(observed, ranking.language)
    return np.where(ranking.relevant.any(axis=1), probability, np.nan)


def kruskal_wallis(values: FloatArray, groups: IntArray) -> FloatArray:
    """P-values of the Kruskal-Wallis test, one test per row.

    H = (N - 1) Σ_g n_g (r̄_g - r̄)² / Σᵢ (rᵢ - r̄)² on the mid-ranks rᵢ, which contains the correction
    for ties; p = P(χ² with one degree less than groups > H). Agrees with ``scipy.stats.kruskal``.
    1 with fewer than two groups, and where all values are tied.

    Args:
        values: Shape (tests, values); `nan` to fill rows. Infinite values are ties.
        groups: Group of each value, from 0; ignored where the value is `nan`. Same shape.

    Returns:
        Shape (tests,).

    Examples:
        >>> kruskal_wallis(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[0, 0, 1, 1]])).round(4)
        array([0.1213])
    """
    tests = len(values)
    present = ~np.isnan(values)
    ranks = midranks(values)
    total = present.sum(axis=1)
    deviation = np.where(present, ranks - (total[:, None] + 1) / 2, 0.0)
    width = int(groups.max(initial=0)) + 1
    cell = (np.arange(tests)[:, None] * width + groups)[present]
    size = np.bincount(cell, minlength=tests * width).reshape(tests, width)
    summed = np.bincount(cell, deviation[present], tests * width).reshape(tests, width)
    between = (summed**2 / np.maximum(size, 1)).sum(axis=1)
    within_all = (deviation**2).sum(axis=1)
    freedom = (size > 0).sum(axis=1) - 1
    testable = (freedom > 0) & (within_all > 0)
    statistic = (total - 1) * between / np.where(testable, within_all, 1.0)
    return np.where(testable, chdtrc(np.maximum(freedom, 1), statistic), 1.0)


def midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1 within each row, equal values sharing their mean rank; `nan` stays `nan`.

    Examples:
        >>> midranks(np.array([[7.0, 3.0, 7.0, np.nan]]))
        array([[2.5, 1. , 2.5, nan]])
    """
    order = np.argsort(values, axis=1)
    ascending = np.take_along_axis(values, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    differs = ascending[:, 1:] != ascending[:, :-1]
    edge = np.ones((len(values), min(values.shape[1], 1)), np.bool_)
    first = np.where(np.hstack([edge, differs]), place, 0)
    last = np.where(np.hstack([differs, edge]), place, values.shape[1])
    first = np.maximum.accumulate(first, axis=1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    ranks[np.isnan(values)] = np.nan
    return ranks


def awrf(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Attention-weighted rank fairness: do the first k places mirror the languages of the pool?

    AWRF@k = 1 - JSD(ε, τ), where ε_l is the share of language l in the attention
    Σ 1 / log₂(max(place, 2)) over the first k places, τ the target distribution, here the pool's
    own, and JSD the Jensen-Shannon divergence with logarithms to base 2 (TREC Fair Ranking 2022,
    arXiv 2302.05558, after Sapiezynski et al. 2019). 1 if the exposure equals the target; 0 only if
    they have no language in common, which a target that covers the pool rules out. A run that ends
    before place k is judged on the places it fills; nan for an empty one.

    **1 is out of reach for a ranking that is blind to language**, because a few places cannot
    mirror the pool: a random order gives .8575 at k = 20 and .9749 at k = 100 on XQuAD-R. Equal
    scores are in one random order, the same for the same scores, since the expected value has no
    closed form: over the queries of a data set the error is below .0005.

    The track's own code takes the divergence with natural logarithms, so that its 1 - AWRF is ln 2
    times the one here.

    Args:
        ranking: The languages of the first places and of the pool are used.
        k: Number of places looked at.
    """
    return _awrf(ranking, k, _share_of_pool(ranking))


def discount(place: IntArray) -> FloatArray:
    """Return the attention that places get, 1 / log₂(max(place, 2))."""
    return np.asarray(1 / np.log2(np.maximum(place, 2)))


def awrf_uniform(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Attention-weighted rank fairness with equal exposure of every language as the target.

    As `awrf`, with τ uniform over the languages that have a passage in the pool. The two differ as
    the languages' numbers of passages do: in MLQA-R's pool English has 3.5 times the passages of
    Spanish, and a ranking that mirrors the pool is not uniform.

    Args:
        ranking: The languages of the first places and of the pool are used.
        k: Number of places looked at.
    """
    present = ranking.pool > 0
    return _awrf(ranking, k, present / max(present.sum(), 1))


def _awrf(ranking: MultilingualRanking, k: int, target: FloatArray) -> FloatArray:
    place = np.arange(1, ranking.top[:, :k].shape[1] + 1)
    return fairness_of(
        language_shares_of(ranking.top[:, :k], len(ranking.pool), discount(place)), target
    )


def fairness_of(exposure: FloatArray, target: FloatArray) -> FloatArray:
    """Return 1 minus the Jensen-Shannon divergence of each row from a distribution."""
    mean = (exposure + target) / 2
    divergence = _entropy(mean) - (_entropy(exposure) + _entropy(target)) / 2
    return np.asarray(1 - np.maximum(divergence, 0.0))


def _entropy(distribution: FloatArray) -> FloatArray:
    return np.asarray(-xlogy(distribution, distribution).sum(axis=-1) / np.log(2))


def language_share(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Share of each language among the first k places, mean over the queries.

    Of equal scores that reach into the first places the mean share of a random order counts. The
    rows of several query languages make the matrix query language × passage language. A run
    that ends before place k is judged on the places it fills; queries with an empty run are
    skipped, and without any other query the shares are nan.

    Args:
        ranking: The languages of the first places are used.
        k: Number of places looked at.

    Returns:
        Shape (languages,), summing to 1.
    """
    shares = expected_shares(ranking, k)
    shares = shares[~np.isnan(shares).any(axis=1)]
    return shares.mean(axis=0) if len(shares) else np.full(len(ranking.pool), np.nan)


def language_share_ratio(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Share of each language among the first k places, divided by its share of the pool.

    1 where a language is shown as often as it occurs, above 1 where it is favoured; nan where the
    pool has no passage of it.

    Args:
        ranking: The languages of the first places and of the pool are used.
        k: Number of places looked at.

    Returns:
        Shape (languages,).
    """
    occurs = np.where(ranking.pool > 0, _share_of_pool(ranking), np.nan)
    return np.asarray(language_share(ranking, k) / occurs)


def _share_of_pool(ranking: MultilingualRanking) -> FloatArray:
    return np.asarray(ranking.pool / max(ranking.pool_size, 1))


def expected_shares(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Share of each language in the first k places, blocks of equal scores in random order."""
    single, width = ranking.top[:, :k].copy(), len(ranking.pool)
    size = ranking.block_counts.sum(axis=1)
    starts, ends = np.minimum(ranking.block_start, k), np.minimum(ranking.block_start + size, k)
    for query, start, end in zip(ranking.block_query, starts, ends, strict=True):
        single[query, start:end] = -1
    counted = _weight_of(single, width, np.ones(single.shape[1]))
    inside = ((ends - starts) / np.maximum(size, 1))[:, None]
    np.add.at(counted, ranking.block_query, inside * ranking.block_counts)
    return _normalised(counted)


def language_shares_of(top: IntArray, languages: int, weight: FloatArray) -> FloatArray:
    """Share of each language in the weights of some places, shape (queries, languages)."""
    return _normalised(_weight_of(top, languages, weight))


def _weight_of(top: IntArray, languages: int, weight: FloatArray) -> FloatArray:
    width = languages + 1
    cell = np.arange(len(top))[:, None] * width + top + 1
    weights = np.broadcast_to(weight, top.shape)
    summed = np.bincount(cell.ravel(), weights.ravel(), len(top) * width)
    return np.asarray(summed.reshape(len(top), width)[:, 1:])


def _normalised(summed: FloatArray) -> FloatArray:
    total = summed.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan))
