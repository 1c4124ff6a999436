from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from tests.metrics.rankings import ranking, rankings
from xbench.metrics.preference import (
    first_place,
    own_language_preference,
    same_language_first,
    same_language_rank_gain,
)

NAN = np.nan


def test_same_language_rank_gain_by_hand():
    example = ranking(
        "a* d b* d d c*",  # own 1; others 3 and 6
        "b* d d a*",  # own 4; other 1
        "a* c a* d b*",  # own 1 and 3; other 5
        "c b* | a",  # own at 3 to 10, 6.5 in the mean; other 2
    )
    assert_allclose(same_language_rank_gain(example), [4.5 - 1, 1 - 4, 5 - 2, 2 - 6.5])


def test_same_language_first_by_hand():
    example = ranking(
        "d a* b* c*",  # own before two others, 1 of 3 by chance
        "b* a* c*",
        "b* a* a*",  # 2 of 3 by chance
        "d a* | b",
        "b* | a",
    )
    expected = [1 - 1 / 3, 0 - 1 / 3, 0 - 2 / 3, 1 - 1 / 2, 0 - 1 / 2]
    assert_allclose(same_language_first(example), expected)


def test_own_language_preference_is_the_rate_rescaled_by_chance():
    # First in 2 of 3, where chance gives 1 / 2, 1 / 2 and 2 / 3 of 3: (2 - 5 / 3) / (3 - 5 / 3).
    example = ranking("d a* b*", "b* a*", "a* b* a*")
    assert own_language_preference(example).mean() == pytest.approx((1 / 3) / (4 / 3))


def test_own_language_preference_of_found_questions():
    pool = (20, 20)
    far = "b " * 10 + "b* a*"
    example = ranking("a* b*", "b* a*", "a* b*", far, pool=pool)
    assert own_language_preference(example, found=True).mean() == pytest.approx(2 * 2 / 3 - 1)
    assert own_language_preference(example).mean() == pytest.approx(0)
    assert np.isnan(own_language_preference(ranking(far, pool=pool), found=True)).all()


@pytest.mark.parametrize("versions", ["abc", "abcd", "aabc"])
def test_a_system_that_always_and_one_that_never_looks_at_the_language(versions):
    orders = [" ".join(f"{code}*" for code in order) for order in permutations(versions)]
    blind = ranking(*orders)
    always = ranking(*(order for order in orders if order.startswith("a")))
    never = ranking(*(order for order in orders if not order.startswith("a")))
    assert own_language_preference(blind).mean() == pytest.approx(0)
    assert own_language_preference(always).mean() == pytest.approx(1)
    assert own_language_preference(never).mean() < 0
    assert own_language_preference(ranking("| " + " ".join(versions))).mean() == pytest.approx(0)


@pytest.mark.parametrize("measure", [same_language_rank_gain, same_language_first])
def test_preference_needs_a_version_in_the_own_language_and_another(measure):
    assert_allclose(measure(ranking("a* a*", "b* c*", "a b", "| a", "| b")), [NAN] * 5)
    assert_allclose(measure(ranking("a* b*", own="z")), [NAN])


@pytest.mark.parametrize("measure", [same_language_rank_gain, same_language_first])
def test_nothing_retrieved_shows_no_preference(measure):
    assert_allclose(measure(ranking("d | a b c")), [0])


@pytest.mark.parametrize("versions", ["abc", "abcd", "aabc", "abbcc"])
@pytest.mark.parametrize("measure", [same_language_rank_gain, same_language_first])
def test_the_mean_over_all_orders_is_zero(measure, versions):
    orders = [" ".join(f"{code}*" for code in order) for order in permutations(versions)]
    assert measure(ranking(*orders)).mean() == pytest.approx(0)


def test_preference_is_greatest_with_the_own_version_first():
    orders = [" ".join(f"{code}*" for code in order) for order in permutations("abcd")]
    for measure in (same_language_rank_gain, same_language_first):
        values = dict(zip(orders, measure(ranking(*orders)), strict=True))
        assert {order for order in orders if values[order] == max(values.values())} == {
            order for order in orders if order.startswith("a")
        }


def test_first_place_by_hand():
    example = ranking("a* b", "b* a*", "a b*", "b a*", "| a", "a")
    cases = {
        (right, own): first_place(example, right=right, own=own)
        for right in (True, False)
        for own in (True, False)
    }
    assert_allclose(cases[True, True], [1, 0, 0, 0, NAN, 0])
    assert_allclose(cases[True, False], [0, 1, 0, 0, NAN, 0])
    assert_allclose(cases[False, True], [0, 0, 1, 0, NAN, 1])
    assert_allclose(cases[False, False], [0, 0, 0, 1, NAN, 0])


def test_first_place_is_never_own_without_passages_of_the_own_language():
    example = ranking("b* c", "c b*", "| b", own="z")
    assert_allclose(first_place(example, right=True, own=False), [1, 0, NAN])
    assert_allclose(first_place(example, right=False, own=False), [0, 1, NAN])
    assert_allclose(first_place(example, right=True, own=True), [0, 0, NAN])


@given(rankings())
def test_the_four_cases_of_the_first_place_sum_to_one(example):
    total = sum(
        first_place(example, right=right, own=own)
        for right in (True, False)
        for own in (True, False)
    )
    empty = example.top.max(axis=1, initial=-1) < 0
    assert_allclose(total, np.where(empty, NAN, 1))
