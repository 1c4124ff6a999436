"""What a random order of the pool gives: the value that a system has to be set against."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import digamma, gammaln

from xbench.metrics.fairness import (
    discount,
    fairness_of,
    kruskal_wallis,
    language_shares_of,
)
from xbench.metrics.multilingual import (
    MultilingualRanking,
    draw_places,
    mean_over_queries,
    multilingual_ranking,
)
from xbench.metrics.ranks import FloatArray, IntArray, PoolRanks

DRAWS = 20_000
"""Random orders that AWRF's chance is the mean of; the error is below .0005."""

PEER_DRAWS = 10_000
"""Random orders that PEER's chance is the mean of; the error is below .004."""

EVEN = {
    "same_language_rank_gain": 0.0,
    "same_language_first": 0.0,
    "own_language_preference": 0.0,
    "own_language_preference_found": 0.0,
    "rank_distance_ratio": 1.0,
    "rank_distance_ratio_found": 1.0,
    "rank_correlation": 0.0,
    "english_advantage": 0.5,
}
"""Scores whose value in random order is the same in every pool."""


def chance(ranks: PoolRanks) -> dict[str, float]:
    """Return the mean over the queries of each language-bias measure in random order.

    In closed form, but for AWRF and PEER, which are simulated with one seed.

    Args:
        ranks: Ranks in a mixed pool; what is relevant and how large the pool is are used.
    """
    ranking = multilingual_ranking(ranks)
    size, count = ranking.pool_size, ranking.relevant.sum(axis=1).astype(np.float64)
    values = {name: mean_over_queries(form(count, size)) for name, form in CLOSED.items()}
    values |= _first_place(ranking) | _fairness(ranking.pool)
    values["rank_distance_median"] = _median_distance(count.astype(np.int64), size)
    values |= _peer(ranking)
    return values | EVEN


def best(ranks: PoolRanks) -> dict[str, float]:
    """Return the mean over the queries of the best value of each measure that has one.

    Args:
        ranks: Ranks in a mixed pool; what is relevant and how large the pool is are used.
    """
    count = np.bincount(ranks.query).astype(np.float64)
    distance = CLOSED["rank_distance"](count, ranks.pool_size)
    spread = float((count - 1).mean())
    return {
        "rank_distance": spread,
        "rank_distance_median": float(np.median(count - 1)),
        "rank_distance_ratio": spread / float(distance.mean()) if distance.any() else 0.0,
        "worst_rank": float(count.mean()),
        **{f"complete_at_{k}": float((count <= k).mean()) for k in (10, 20, 100)},
    }


def expected_average_precision(ranks: PoolRanks) -> float:
    """Return the expected average precision of random rankings.

    For R relevant of N passages: (H_N + (R - 1) (N - H_N) / (N - 1)) / N, where H_N is the Nth
    harmonic number (Bestgen 2015, "Exact Expected Average Precision of the Random Baseline").

    Args:
        ranks: Ranks in any pool.
    """
    size = ranks.pool_size
    relevant: IntArray = np.bincount(ranks.query)
    harmonic = float(digamma(size + 1)) + np.euler_gamma
    other = (relevant - 1) * (size - harmonic) / max(size - 1, 1)
    return float(((harmonic + other) / size).mean())


def _complete(k: int) -> Callable[[FloatArray, int], FloatArray]:
    def probability(count: FloatArray, size: int) -> FloatArray:
        """C(k, m) / C(N, m)."""
        most = int(count.max(initial=0))
        step = np.arange(most)
        factors = np.maximum(k - step, 0) / np.maximum(size - step, 1)
        return np.asarray(np.concatenate([[1.0], np.cumprod(factors)])[count.astype(np.int64)])

    return probability


CLOSED: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "rank_distance": lambda count, size: (count - 1) * (size + 1) / (count + 1),
    "worst_rank": lambda count, size: count * (size + 1) / (count + 1),
    **{f"complete_at_{k}": _complete(k) for k in (10, 20, 100)},
}
"""Expected values by number of relevant passages and of passages."""


def _first_place(ranking: MultilingualRanking) -> dict[str, float]:
    size, own = ranking.pool_size, ranking.relevant_own.sum(axis=1)
    relevant = ranking.relevant.sum(axis=1)
    of_own = ranking.pool[ranking.own] if ranking.own >= 0 else 0
    return {
        "first_place_right_own": mean_over_queries(own / size),
        "first_place_right_other": mean_over_queries((relevant - own) / size),
        "first_place_wrong_own": mean_over_queries((of_own - own) / size),
        "first_place_wrong_other": mean_over_queries((size - of_own - relevant + own) / size),
    }


def _fairness(pool: IntArray) -> dict[str, float]:
    return dict(_fairness_of_pool(tuple(pool.tolist())))


@lru_cache(maxsize=32)
def _fairness_of_pool(pool: tuple[int, ...]) -> tuple[tuple[str, float], ...]:
    """Return AWRF's mean over random orders of a pool."""
    counts = np.array(pool)
    targets = {"awrf": counts / counts.sum(), "awrf_uniform": (counts > 0) / (counts > 0).sum()}
    top = _random_tops(counts, min(100, int(counts.sum())))
    found = []
    for k in (20, 100):
        place = np.arange(1, top[:, :k].shape[1] + 1)
        exposure = language_shares_of(top[:, :k], len(counts), discount(place))
        for name, target in targets.items():
            found.append((f"{name}_at_{k}", float(fairness_of(exposure, target).mean())))
    return tuple(found)


def _random_tops(pool: IntArray, places: int) -> IntArray:
    """Draw the languages of the first places of random orders, shape (draws, places)."""
    generator = np.random.default_rng(0)
    left = np.repeat(pool[None, :], DRAWS, axis=0)
    top = np.empty((DRAWS, places), np.int64)
    rows = np.arange(DRAWS)
    for place in range(places):
        ends = np.cumsum(left, axis=1)
        drawn = generator.random(DRAWS) * ends[:, -1]
        top[:, place] = (ends <= drawn[:, None]).sum(axis=1)
        left[rows, top[:, place]] -= 1
    return top


def _median_distance(count: IntArray, size: int) -> float:
    """Return the median rank distance: P(d) = (N - d) C(d - 1, m - 2) / C(N, m) for m passages."""
    total = np.zeros(size)
    distance = np.arange(1, size)
    for m, queries in zip(*np.unique(count, return_counts=True), strict=True):
        if m < 2:
            total[0] += queries
            continue
        log = np.log(size - distance) + _log_choose(distance - 1, m - 2) - _log_choose(size, int(m))
        total[1:] += queries * np.where(distance >= m - 1, np.exp(log), 0.0)
    if not total.any():
        return float("nan")
    return float(np.searchsorted(np.cumsum(total), total.sum() / 2))


def _log_choose(n: IntArray | int, k: int) -> FloatArray:
    return np.asarray(gammaln(np.add(n, 1)) - gammaln(k + 1) - gammaln(np.maximum(n - k + 1, 1)))


def _peer(ranking: MultilingualRanking) -> dict[str, float]:
    """Return PEER's mean over random places of the relevant passages.

    A query's chance depends only on how many relevant passages it has in each language.
    """
    counts = np.stack([(ranking.language == code).sum(axis=1) for code in range(len(ranking.pool))])
    patterns, queries = np.unique(np.sort(counts, axis=0), axis=1, return_counts=True)
    values = [_peer_of(tuple(own[own > 0].tolist()), ranking.pool_size) for own in patterns.T]
    means = np.average(np.array(values).reshape(-1, 3), axis=0, weights=queries)
    return dict(zip(("peer", "peer_at_20", "peer_at_100"), means.tolist(), strict=True))


@lru_cache(maxsize=4096)
def _peer_of(counts: tuple[int, ...], size: int) -> tuple[float, float, float]:
    """Return PEER, PEER@20 and PEER@100 of random places, by relevant passages of each language."""
    generator = np.random.default_rng(0)
    language = np.tile(np.repeat(np.arange(len(counts)), counts), (PEER_DRAWS, 1))
    above = draw_places(np.zeros(language.shape), np.full(language.shape, float(size)), generator)
    observed = [np.where(above > k, np.inf, above) for k in (np.inf, 20, 100)]
    first, second, third = (float(kruskal_wallis(own, language).mean()) for own in observed)
    return first, second, third
