from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from xbench.metrics.across_languages import cross_lingual_gap, rank_correlation, spread

NAN, INF = np.nan, np.inf


def test_rank_correlation_by_hand():
    # Orders 1 2 3, 2 1 3 and 3 2 1; ρ = 1 - 6 Σ d² / (n (n² - 1)) with n = 3.
    ranks = np.array([[[1.0, 20.0, 300.0]], [[5.0, 4.0, 6.0]], [[9.0, 8.0, 7.0]]])
    first_second, first_third, second_third = 1 - 6 * 2 / 24, 1 - 6 * 8 / 24, 1 - 6 * 6 / 24
    expected = [
        [(first_second + first_third) / 2],
        [(first_second + second_third) / 2],
        [(first_third + second_third) / 2],
    ]
    assert_allclose(rank_correlation(ranks), expected)


def test_rank_correlation_of_missing_and_unretrieved_passages():
    ranks = np.array(
        [
            [[1.0, 2.0, 3.0], [1.0, 2.0, NAN], [1.0, NAN, NAN], [1.0, 2.0, 3.0]],
            [[8.0, INF, INF], [NAN, 2.0, 1.0], [1.0, 2.0, 3.0], [INF, INF, INF]],
        ]
    )
    # Question 1: ranks 1 2 3, and 1 2 3 or 1 3 2: the mean of 1 and ½. Questions 2 and 3 have one
    # passage in common. Question 4: any order of the second.
    assert_allclose(rank_correlation(ranks), [[0.75, NAN, NAN, 0]] * 2)


def test_a_pair_without_a_value_is_left_out_of_the_mean():
    ranks = np.array([[[1.0, 2.0]], [[3.0, 7.0]], [[NAN, 1.0]]])
    assert_allclose(rank_correlation(ranks), [[1], [1], [NAN]])


def test_rank_correlation_is_one_for_equal_orders_whatever_the_ranks():
    ranks = np.array([[[3.0, 1.0, 2.0]] * 2, [[900.0, 4.0, 17.0]] * 2])
    assert_allclose(rank_correlation(ranks), 1)


def test_each_language_before_the_others_correlates_negatively():
    n = 4
    orders = [
        [rank for rank in permutations(range(1, n + 1)) if rank[own] == 1] for own in range(n)
    ]
    ranks = np.array(
        [[first, second] for first in orders[0] for second in orders[1]], np.float64
    ).transpose(1, 0, 2)
    assert rank_correlation(ranks).mean() == pytest.approx(-3 / (n**2 - 1))


@pytest.mark.filterwarnings("error")
def test_rank_correlation_of_degenerate_inputs():
    assert rank_correlation(np.empty((2, 0, 3))).shape == (2, 0)
    assert rank_correlation(np.empty((0, 0, 0))).shape == (0, 0)
    assert_allclose(rank_correlation(np.array([[[1.0, 2.0]]])), [[NAN]])
    assert_allclose(rank_correlation(np.full((2, 1, 3), NAN)), [[NAN], [NAN]])
    assert_allclose(rank_correlation(np.empty((2, 1, 0))), [[NAN], [NAN]])


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 5))
def test_rank_correlation_is_the_mean_of_spearmans_over_all_orders_of_ties(
    seed, languages, versions
):
    random = np.random.default_rng(seed)
    ranks = random.choice([1.0, 2.0, 5.0, 9.0, 30.0, INF, NAN], (languages, 2, versions))
    for a, values in enumerate(rank_correlation(ranks)):
        for question, value in enumerate(values):
            pairs = [
                _expected_correlation(ranks[a, question], ranks[b, question])
                for b in range(languages)
                if b != a
            ]
            defined = [pair for pair in pairs if not np.isnan(pair)]
            assert value == pytest.approx(np.mean(defined) if defined else NAN, nan_ok=True)


def _expected_correlation(x, y):
    both = ~np.isnan(x) & ~np.isnan(y)
    if both.sum() < 2:
        return NAN
    sides = [_orders(np.minimum(own[both], 1000)) for own in (x, y)]
    return np.mean([spearmanr(first, second).statistic for first, second in product(*sides)])


def _orders(values):
    """Return every order in which the values may be, equal ones in any."""
    return [
        order
        for order in permutations(range(len(values)))
        if (np.diff(values[np.argsort(order)]) >= 0).all()
        or (values[np.argsort(order)] == np.sort(values)).all()
    ]


def test_cross_lingual_gap_by_hand():
    scores = np.array([[0.9, 0.5, 0.3], [NAN, 0.6, 0.7], [0.2, 0.2, NAN]])
    assert_allclose(cross_lingual_gap(scores), [0.9 - 0.4, 0.6 - 0.7, NAN])


@pytest.mark.filterwarnings("error")
def test_cross_lingual_gap_of_one_language_is_undefined():
    assert_allclose(cross_lingual_gap(np.array([[0.9]])), [NAN])
    assert cross_lingual_gap(np.empty((0, 0))).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_cross_lingual_gap_needs_a_square(shape):
    with pytest.raises(ValueError, match="one row and one column per language"):
        cross_lingual_gap(np.zeros(shape))


def test_spread_by_hand():
    low, high, deviation = spread(np.array([0.2, NAN, 0.4, 0.9]))
    assert (low, high) == (0.2, 0.9)
    assert deviation == pytest.approx(np.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 3))
    assert spread(np.array([0.5])) == (0.5, 0.5, 0)


@pytest.mark.filterwarnings("error")
def test_spread_of_nothing_is_undefined():
    assert np.isnan(spread(np.array([NAN]))).all()
    assert np.isnan(spread(np.empty(0))).all()
