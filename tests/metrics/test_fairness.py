from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, kruskal, rankdata

from tests.metrics.rankings import orders, ranking, rankings
from xbench.metrics.fairness import (
    awrf,
    awrf_uniform,
    kruskal_wallis,
    language_share,
    language_share_ratio,
    midranks,
    peer,
)

NAN, INF = np.nan, np.inf


def test_peer_by_hand():
    # a at 1 and 2, b at 3 and 4: group means 1.5 and 3.5, overall 2.5.
    # H = 3 · (2 · 1 + 2 · 1) / (1.5² + 0.5² + 0.5² + 1.5²) = 12 / 5.
    assert_allclose(peer(ranking("a* a* b* b*")), chi2.sf(12 / 5, 1))
    # The same order with other passages between: only the order counts.
    assert_allclose(peer(ranking("c a* a* d a b* d d b*")), chi2.sf(12 / 5, 1))


def test_peer_is_one_for_equal_mean_ranks_and_least_for_segregated_languages():
    values = {
        order: peer(ranking(" ".join(order)))[0] for order in permutations(["a*"] * 2 + ["b*"] * 2)
    }
    assert values["a*", "b*", "b*", "a*"] == 1
    assert values["a*", "a*", "b*", "b*"] == values["b*", "b*", "a*", "a*"] == min(values.values())


def test_peer_ties_what_lies_beyond_the_cut_off():
    # Observations a: 1, 2; b: 3.5, 3.5. H = 3 · (2 · 1² + 2 · 1²) / (1.5² + 0.5² + 1 + 1).
    for run in ("a* a* b* b*", "a* a* c b* d b*", "a* a* | b b"):
        assert_allclose(peer(ranking(run), k=2), chi2.sf(12 / 4.5, 1))


def test_peer_is_one_without_a_second_language_or_anything_within_the_cut_off():
    values = peer(ranking("a* c a*", "b c a* b*", "| a b", "a*"), k=2)
    assert_allclose(values, [1, 1, 1, 1])
    assert np.isnan(peer(ranking("a b")))


@pytest.mark.parametrize("n", [2, 3, 4, 11])
def test_peer_is_constant_with_one_relevant_passage_per_language(n):
    random = np.random.default_rng(n)
    ranks = np.array([random.choice(1000, n, replace=False) + 1.0 for _ in range(50)])
    constant = chi2.sf(n - 1, n - 1)
    assert_allclose(kruskal_wallis(ranks, np.tile(np.arange(n), (50, 1))), constant)
    for k in (5, 100, 500):
        cut = kruskal_wallis(np.where(ranks > k, INF, ranks), np.tile(np.arange(n), (50, 1)))
        assert_allclose(cut, np.where((ranks <= k).any(axis=1), constant, 1))


def test_peer_rewards_finding_nothing_with_one_relevant_passage_per_language():
    everything, nothing = peer(ranking("a* b* c*", "d d d a* b* c*"), k=3)
    assert everything < nothing == 1


@given(rankings(), st.sampled_from([1, 3, 10, INF]))
def test_peer_agrees_with_scipy(example, k):
    for row, value in enumerate(peer(example, k)):
        real = example.relevant[row]
        ranks = np.where(example.above >= k, 10**6, example.above)[row, real]
        groups = [ranks[example.language[row, real] == code] for code in range(len(example.pool))]
        groups = [group for group in groups if len(group)]
        if len(groups) < 2 or len(set(ranks)) == 1:
            assert value == 1
        else:
            assert value == pytest.approx(kruskal(*groups).pvalue, rel=1e-9, abs=1e-12)


@given(st.lists(st.sampled_from([1.0, 2.0, 5.0, INF]), max_size=8), st.integers(0, 2))
def test_midranks_agree_with_scipy(values, filling):
    row = np.array([[*values, *[NAN] * filling]])
    expected = [*rankdata(values), *[NAN] * filling]
    assert_allclose(midranks(row), [expected])


def test_awrf_by_hand():
    # Attention 1, 1, 1 / log₂ 3, ½ to a, b, a, a: all four places.
    attention = np.array([1 + 1 / np.log2(3) + 1 / 2, 1.0])
    a, b = attention / attention.sum()
    middle_a, middle_b = (a + 3 / 4) / 2, (b + 1 / 4) / 2
    divergence = (a * np.log2(a / middle_a) + b * np.log2(b / middle_b)) / 2
    divergence += (3 / 4 * np.log2(3 / 4 / middle_a) + 1 / 4 * np.log2(1 / 4 / middle_b)) / 2
    assert_allclose(awrf(ranking("a b a a", pool=(3, 1)), k=4), 1 - divergence)
    # Places 1 and 2 have equal attention.
    assert_allclose(awrf_uniform(ranking("a b a a", pool=(3, 1)), k=2), 1)
    assert_allclose(awrf(ranking("a b a a", pool=(2, 2)), k=2), 1)


def test_awrf_of_a_ranking_of_one_language():
    # JSD((1, 0), (½, ½)) = (log₂(4/3) + ½ log₂(2/3) + ½ log₂ 2) / 2.
    divergence = (np.log2(4 / 3) + np.log2(2 / 3) / 2 + 1 / 2) / 2
    assert_allclose(awrf_uniform(ranking("a a a a b b", pool=(4, 2)), k=4), 1 - divergence)
    assert_allclose(awrf(ranking("a a a", pool=(3,)), k=2), 1)


def test_awrf_counts_only_languages_of_the_pool_and_places_of_the_run():
    values = awrf_uniform(ranking("a b", "a", "| a", pool=(1, 1, 0)), k=20)
    assert values[0] == pytest.approx(1)
    assert values[1] < 1
    assert np.isnan(values[2])


def test_awrf_is_lower_the_more_one_language_is_favoured():
    values = awrf(ranking("a b a b", "a a b b", "a a a b", "a a a a", pool=(4, 4)), k=4)
    assert (np.diff(values) < 0).all()


@given(rankings(), st.integers(1, 12))
def test_awrf_agrees_with_scipy(example, k):
    targets = {awrf: example.pool, awrf_uniform: example.pool > 0}
    for measure, target in targets.items():
        for top, value in zip(example.top[:, :k], measure(example, k), strict=True):
            exposure = np.zeros(len(example.pool))
            top = top[top >= 0]
            for place, code in enumerate(top, 1):
                exposure[code] += 1 / np.log2(max(place, 2))
            if len(top) == 0:
                assert np.isnan(value)
            else:
                distance = jensenshannon(exposure, target, base=2)
                assert value == pytest.approx(1 - distance**2, abs=1e-9)


def test_language_share_by_hand():
    example = ranking("a b a c", "a", "b a", "| a")
    # Shares of the first two places: (½, ½), (1, 0), (½, ½); the empty run is skipped.
    assert_allclose(language_share(example, k=2), [2 / 3, 1 / 3, 0, 0])
    # Pool shares 0.4, 0.3, 0.2, 0.1.
    assert_allclose(language_share_ratio(example, k=2), [2 / 3 / 0.4, 1 / 3 / 0.3, 0, 0])


def test_language_share_ratio_of_a_language_outside_the_pool_is_undefined():
    assert_allclose(language_share_ratio(ranking("a b", pool=(1, 1, 0)), k=2), [1, 1, NAN])


@given(rankings())
def test_language_shares_sum_to_one_and_mirror_the_pool_at_full_depth(example):
    shares = language_share(example, k=3)
    assert np.isnan(shares).all() or shares.sum() == pytest.approx(1)
    if (example.top >= 0).all() and example.top.shape[1] == example.pool_size:
        assert_allclose(language_share_ratio(example, k=example.pool_size), 1)


def test_shares_of_equal_scores_are_the_mean_over_their_orders():
    run, pool = "b a=c=a b=a d", (4, 2, 1, 1)
    for k in (1, 2, 3, 5, 7):
        every = ranking(*orders(run, pool), pool=pool)
        assert_allclose(language_share(ranking(run, pool=pool), k), language_share(every, k))
