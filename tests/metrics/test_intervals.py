"""Intervals in closed form: worked out by hand, against SciPy, and their cover of real scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from tests.metrics.real_scores import articles, draw, paragraphs, scores
from xbench.metrics import SCORES, score_range
from xbench.metrics.intervals import (
    difference,
    effect_size,
    effective_number,
    group_values,
    hall,
    influence,
    interval,
    macro_mean,
    method_of,
    standard_error,
    symmetric,
    wilson,
)

NAN = np.nan


def test_influence_by_hand():
    # Means .5 and .3; the third question has no query in the second subset, the last in neither.
    values = np.array([[1.0, 0.4], [0.0, 0.2], [0.5, NAN], [NAN, NAN]])
    expected = [0.4 + (0.5 + 0.1 * 1.5) / 2, 0.4 - (0.5 + 0.1 * 1.5) / 2, 0.4, NAN]
    assert_allclose(influence(values), expected)
    assert np.nanmean(influence(values)) == pytest.approx(macro_mean(values)) == pytest.approx(0.4)


def test_influence_without_gaps_is_the_mean_over_the_subsets():
    values = np.random.default_rng(0).random((20, 3))
    assert_allclose(influence(values), values.mean(axis=1))


def test_influence_is_the_slope_of_the_macro_mean():
    random = np.random.default_rng(1)
    values = random.random((9, 4))
    values[random.random((9, 4)) < 0.4] = NAN
    values[0] = 0.5
    found, step = influence(values), 1e-6
    for question in np.flatnonzero(~np.isnan(found)):
        weights = np.ones(9)
        weights[question] += step * (~np.isnan(found)).sum()
        present = ~np.isnan(values)
        means = (weights @ np.nan_to_num(values)) / (weights @ present)
        slope = (means.mean() - macro_mean(values)) / step
        assert found[question] - np.nanmean(found) == pytest.approx(slope, abs=1e-4)


def test_group_values_by_hand():
    # Mean .5; the first group adds .5 and .3, the second -.5 and -.3: times 2 groups / 4 questions.
    values = np.array([1.0, 0.8, 0.0, 0.2])
    assert_allclose(group_values(values, np.array([7, 7, 3, 3])), [0.5 - 0.4, 0.5 + 0.4])
    assert_allclose(group_values(values, np.arange(4)), values)


@given(st.integers(0, 2**32 - 1))
def test_the_names_of_groups_and_the_order_of_questions_do_not_matter(seed):
    random = np.random.default_rng(seed)
    values, groups = random.random(60), random.integers(0, 50, 60)
    order, names = random.permutation(60), random.permutation(50)
    for measure in ("map", "language_advantage", "first_place_right_own"):
        one = interval(measure, values, groups)
        two = interval(measure, values[order], names[groups][order])
        assert one == pytest.approx(two)


def test_students_interval_is_that_of_scipy():
    values = np.random.default_rng(0).random(30)
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert symmetric(values) == pytest.approx(expected)


def test_halls_interval_by_hand_and_without_skewness_is_students():
    values = np.tile([0.0, 1.0, 2.0], 20)
    assert hall(values) == pytest.approx(symmetric(values))
    skewed = np.array([0.0] * 50 + [10.0])
    low, high = hall(skewed)
    g, s = stats.skew(skewed), skewed.std(ddof=1)
    q = stats.t.ppf(0.975, 50) / np.sqrt(51)

    def inverse(y):
        return 3 / g * (np.cbrt(1 + g * (y - g / (6 * 51))) - 1)

    assert low == pytest.approx(skewed.mean() - s * inverse(q))
    assert high == pytest.approx(skewed.mean() - s * inverse(-q))
    assert skewed.mean() - low < high - skewed.mean()


def test_wilsons_interval_is_the_textbooks_for_single_questions():
    values = np.array([1.0] * 30 + [0.0] * 970)
    low, high = wilson(values, 1000)
    p, z = 0.03, stats.t.ppf(0.975, 999)
    number = p * (1 - p) / (values.var(ddof=1) / 1000)
    centre = (p + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(p * (1 - p) / number + z**2 / (4 * number**2))
    assert (low, high) == pytest.approx((centre - half, centre + half))
    assert wilson(np.zeros(50), 50)[0] == 0
    assert 0 < wilson(np.zeros(50), 50)[1] < 0.1


def test_a_share_of_none_or_all_is_an_end_of_its_interval():
    groups = np.arange(1190) // 25
    assert interval("complete_at_10", np.zeros(1190), groups)[0] == 0
    assert interval("complete_at_10", np.ones(1190), groups)[1] == 1


def test_the_method_follows_from_the_name_alone():
    assert {method_of(measure) for measure in SCORES} == {"hall", "t", "wilson", "none"}
    for measure in SCORES:
        found = interval(measure, np.linspace(0, 1, 100), np.arange(100))
        low, high = score_range(measure)
        if method_of(measure) == "none":
            assert np.isnan(found).all()
        else:
            assert low <= found[0] <= 0.5 <= found[1] <= high
    assert np.isnan(interval("map", np.ones(5), np.zeros(5, int))).all()


def test_effective_number_by_hand():
    values = np.array([1.0, 1.0, 0.0, 0.0] * 10)
    alone, pairs = np.arange(40), np.arange(40) // 2
    assert effective_number(values, alone) == pytest.approx(40)
    assert effective_number(values, pairs) == pytest.approx(
        values.var(ddof=1) / standard_error(group_values(values, pairs)) ** 2
    )
    assert 19 < effective_number(values, pairs) < 21


def test_the_difference_is_the_paired_t_test_for_single_questions():
    random = np.random.default_rng(3)
    first = random.random(50)
    second = first + 0.1 * random.standard_normal(50)
    value, low, high, p = difference(first, second, np.arange(50))
    expected = stats.ttest_rel(first, second)
    assert (value, p) == pytest.approx(((first - second).mean(), expected.pvalue))
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert difference(first, first, np.arange(50)) == (0, 0, 0, 1)


def test_effect_size_by_hand():
    first, second = np.array([0.9, 0.5, 0.7, NAN]), np.array([0.5, 0.5, 0.8, NAN])
    differences = np.array([0.4, 0.0, -0.1])
    found = effect_size(first, second)
    assert found.standardised == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.superiority == pytest.approx(0.5)
    assert effect_size(second, second) == (0, 0.5)
    assert effect_size(second + 1, second).standardised == np.inf


MEASURES = ("map", "ndcg_at_10", "rank_distance", "first_place_right_own", "awrf_at_20")
BIAS = (
    "english_advantage",
    "own_language_preference",
    "own_language_preference_found",
    "rank_distance_ratio_found",
    "same_language_rank_gain",
    "tied_share",
)


def cover(measure, groups, repetitions, model=1, language="", seed=0):
    """Return how often the interval of drawn texts has the score of all of them."""
    random, values = np.random.default_rng(seed), scores(measure, model, language)
    # With whole texts drawn, the true score is the mean over texts, weighed by their questions.
    inside = 0
    for _ in range(repetitions):
        rows, drawn = draw(random, groups)
        low, high = interval(measure, values[rows], drawn)
        inside += low <= np.nanmean(values) <= high
    return inside / repetitions


@pytest.mark.parametrize("measure", MEASURES)
def test_intervals_cover_the_score_of_new_articles(measure):
    assert 0.86 <= cover(measure, articles(), 300) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("model", [1, 2])
@pytest.mark.parametrize("measure", [*MEASURES, *BIAS])
def test_intervals_cover_95_percent_of_new_texts(measure, model):
    assert 0.90 <= cover(measure, articles(), 3000, model) <= 0.975
    assert 0.925 <= cover(measure, paragraphs(), 3000, model) <= 0.975


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_the_same_rate_on_few_articles_is_not_certain(rate):
    """Six articles say little, even where all have the same rate; and no rate is outside 0 to 1."""
    low, high = interval("language_advantage", np.full(6, rate), np.arange(6))
    assert 0 <= low <= rate <= high <= 1
    assert high - low > 0.3
    mixed = np.array([1, 1, 1, 1, 0.5, 0.5])
    assert interval("language_advantage", mixed, np.arange(6))[1] == 1


def test_a_share_of_none_is_none_whatever_rounding_makes_of_it():
    """The values of macro means may be 1e-19 where all are 0; then all questions count."""
    rounded = np.array([1e-19, 0, 2e-19, 0, 0, 0])
    none = interval("complete_at_10", np.zeros(6), np.arange(6))
    assert interval("complete_at_10", rounded, np.arange(6)) == pytest.approx(none, abs=1e-9)
