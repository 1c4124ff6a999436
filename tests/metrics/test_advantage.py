import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.metrics.rankings import ranking
from xbench.metrics.advantage import language_advantage

NAN = np.nan
POOL = (9, 9, 9, 9)


def advantages(*runs, own="a"):
    return np.nanmean(language_advantage(ranking(*runs, own=own, pool=POOL)), axis=0)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_language_advantage_by_hand():
    # Queries in a. b before c in 2 of 3, b before d in 1 of 1, c before d in half of 1: a tie.
    found = advantages("b* c* a*", "a* c* b*", "b* c*=d*")
    b = ((1 + 0 + 1) / 3 + 1) / 2
    c = ((0 + 1 + 0) / 3 + 1 / 2) / 2
    d = (0 + 1 / 2) / 2
    assert_allclose(found, [NAN, b, c, d])


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_the_mean_over_the_languages_is_even():
    found = advantages("b* c* d* a*", "d* a* | b c", "c*=d* b*", own="a")
    assert np.nanmean(found) == pytest.approx(0.5)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_the_preference_for_the_own_language_does_not_enter():
    first = advantages("a* b* c*", "a* c* b*")
    last = advantages("b* c* a*", "c* b* a*")
    assert_allclose(first, last)
    assert_allclose(first, [NAN, 0.5, 0.5, NAN])


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_of_several_passages_in_a_language_the_best_counts():
    assert_allclose(advantages("b* c* b* b*"), [NAN, 1, 0, NAN])


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_what_was_not_retrieved_is_behind_and_among_itself_even():
    assert_allclose(advantages("c* | b d"), [NAN, 1 / 4, 1, 1 / 4])


def test_a_question_with_two_versions_never_counts_and_is_no_value():
    values = language_advantage(ranking("a* b*", "b* c*", pool=POOL))
    assert np.isnan(values[0]).all()
    assert_allclose(values[1], [NAN, 1, 0, NAN])


def test_a_querys_value_is_its_influence_on_the_mean_of_rates():
    runs = ["b* c*", "c* b*", "b* c* d*", "d* b*", "c* d*"]
    values = language_advantage(ranking(*runs, pool=POOL))
    value = np.nanmean(values[:, 1])
    step = 1e-6
    for row in range(5):
        if np.isnan(values[row, 1]):
            continue
        weights = np.ones(5)
        weights[row] += step * np.sum(~np.isnan(values[:, 1]))
        # Rates of b before c (in 0, 1, 2) and of b before d (in 2, 3), weighted.
        before_c = weights[[0, 2]].sum() / weights[[0, 1, 2]].sum()
        before_d = weights[2] / weights[[2, 3]].sum()
        slope = ((before_c + before_d) / 2 - value) / step
        assert values[row, 1] - value == pytest.approx(slope, rel=1e-3, abs=1e-3)
