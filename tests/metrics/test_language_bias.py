from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.metrics.rankings import one_query, orders, ranking, rankings, shuffled
from xbench.metrics.advantage import language_advantage
from xbench.metrics.fairness import awrf, awrf_uniform, language_share, language_share_ratio, peer
from xbench.metrics.language_bias import (
    complete,
    rank_distance,
    rank_distance_median,
    rank_distance_ratio,
    worst_rank,
)
from xbench.metrics.multilingual import draw_places, linearised, mean_over_queries
from xbench.metrics.preference import (
    first_place,
    own_language_preference,
    same_language_first,
    same_language_rank_gain,
)

NAN = np.nan

# Query 1: relevant at 8, 1 and 3. Query 2: at 2, the other one of the 8 not retrieved, in the mean
# in the middle of these. Query 3: one relevant passage. Query 4: none.
EXAMPLE = ("a* a b* b b c c a*", "b a* | b", "b b b c a a a*", "a b")

LINEAR = {
    "rank_distance": rank_distance,
    "worst_rank": worst_rank,
    "complete_at_3": partial(complete, k=3),
    "same_language_rank_gain": same_language_rank_gain,
    "same_language_first": same_language_first,
    "first_place_right_own": partial(first_place, right=True, own=True),
    "first_place_right_other": partial(first_place, right=True, own=False),
    "first_place_wrong_own": partial(first_place, right=False, own=True),
    "first_place_wrong_other": partial(first_place, right=False, own=False),
}
"""Measures that are the mean over all orders of equal scores."""

PER_QUERY = {**LINEAR, "peer": peer, "peer_at_3": partial(peer, k=3)}
DRAWN = {"awrf": partial(awrf, k=3), "awrf_uniform": partial(awrf_uniform, k=3)}
RATIOS = {
    "own_language_preference": own_language_preference,
    "own_language_preference_found": partial(own_language_preference, found=True),
    "rank_distance_ratio": rank_distance_ratio,
    "rank_distance_ratio_found": partial(rank_distance_ratio, found=True),
}
"""Ratios of means: a query's value depends on the others."""

PER_LANGUAGE = {
    "language_share": partial(language_share, k=3),
    "language_share_ratio": partial(language_share_ratio, k=3),
}


def test_rank_distance_by_hand():
    assert_allclose(rank_distance(ranking(*EXAMPLE)), [8 - 1, (3 + 10) / 2 - 2, 0, NAN])


def test_worst_rank_by_hand():
    assert_allclose(worst_rank(ranking(*EXAMPLE)), [8, (3 + 10) / 2, 7, NAN])


@pytest.mark.parametrize(
    ("k", "expected"), [(2, [0, 0, 0]), (7, [0, 5 / 8, 1]), (8, [1, 6 / 8, 1]), (10, [1, 1, 1])]
)
def test_complete_by_hand(k, expected):
    assert_allclose(complete(ranking(*EXAMPLE), k), [*expected, NAN])


def test_complete_is_out_of_reach_with_more_relevant_passages_than_places():
    example = ranking(" ".join(["a*"] * 11), pool=(20,))
    assert complete(example, k=10) == 0
    assert complete(example, k=11) == 1


TIED = ["b*=a* c", "a*=b=c* d b*", "d=a=b*=a* | c", "| a b", "a* | b a", "a=a*=b b*=c*=c a | d"]


@pytest.mark.parametrize("run", TIED)
@pytest.mark.parametrize("name", LINEAR)
def test_equal_scores_are_worth_the_mean_over_all_their_orders(run, name):
    pool = (3, 2, 2, 1)
    measure = LINEAR[name]
    every = ranking(*orders(run, pool), pool=pool)
    value = measure(ranking(run, pool=pool))
    if name.startswith("first_place") and not run.partition("|")[0].strip():
        assert np.isnan(value)  # an empty run has no first place
    else:
        assert_allclose(value, measure(every).mean())


@pytest.mark.integration
@pytest.mark.parametrize("run", TIED)
def test_places_are_drawn_like_any_order_of_equal_scores(run):
    pool = (3, 2, 2, 1)
    example = ranking(run, pool=pool)
    generator = np.random.default_rng(0)
    drawn = [draw_places(example.above, example.tied, generator)[0] for _ in range(4000)]
    assert all(len(set(own)) == len(own) for own in map(tuple, drawn))
    exact = [rank_distance(ranking(order, pool=pool))[0] for order in orders(run, pool)]
    assert np.mean([np.ptp(own) for own in drawn]) == pytest.approx(np.mean(exact), abs=0.15)


def test_median_rank_distance_by_hand():
    assert rank_distance_median(ranking("a* b*", "a* d b*", "a* b b b b*")) == 2
    assert np.isnan(rank_distance_median(ranking()))


def test_median_rank_distance_of_nothing_retrieved_is_that_of_random_orders():
    # d of 2 of 10: P(d) = (10 - d) / 45, of which 24 are below 3.
    many = ranking(*["| a b"] * 400)
    assert rank_distance_median(many) == pytest.approx(3, abs=0.3)


def test_rank_distance_ratio_by_hand():
    # Distances 1 and 4; chance (R - 1) (N + 1) / (R + 1) is 11 / 3 of 2 and 22 / 4 of 3 passages.
    values = rank_distance_ratio(ranking("a* b*", "b* a* d d c*", "c d*"))
    assert np.nanmean(values) == pytest.approx((1 + 4) / (11 / 3 + 22 / 4))
    assert np.isnan(values).tolist() == [False, False, True]


def test_rank_distance_of_found_questions_is_set_against_what_follows_the_best_place():
    pool = (20, 20)
    far = "a " * 10 + "b* a*"
    example = ranking("b a* b b*", far, pool=pool)
    # Chance of the first, with its best at place 2 of 40 passages: (40 - 2 + 1) / 2.
    assert np.nanmean(rank_distance_ratio(example, found=True)) == pytest.approx(2 / (39 / 2))
    assert np.isnan(rank_distance_ratio(ranking(far, pool=pool), found=True)).all()


def test_a_ratio_of_means_has_its_delta_method_influence():
    x, y = np.array([1.0, 4.0, 7.0, 2.0]), np.array([2.0, 3.0, 8.0, 5.0])
    values = linearised(x, y)
    assert values.mean() == pytest.approx(x.sum() / y.sum())
    step = 1e-6
    for i in range(4):
        weights = np.full(4, 0.25)
        weights[i] += step
        moved = (weights @ x) / (weights @ y)
        slope = (moved - x.sum() / y.sum()) / step
        assert values[i] - values.mean() == pytest.approx(slope, rel=1e-4)


def test_means_by_hand():
    assert mean_over_queries(np.array([1.0, NAN, 2.0, 9.0])) == 4
    assert np.isnan(mean_over_queries(np.array([NAN])))


def test_ranking_views_by_hand():
    example = ranking("b a* c | a d", "d*")
    assert example.pool_size == 10
    assert_allclose(example.places, [[2, 7, 7], [1, NAN, NAN]])
    assert_allclose(example.best_place, [2, 1])
    assert_allclose(example.worst_place, [3 + 2 * 8 / 3, 1])
    assert example.relevant.tolist() == [[True, True, True], [True, False, False]]
    assert example.relevant_own.tolist() == [[True, True, False], [False, False, False]]
    assert not ranking("a* b*", "a*", own="z").relevant_own.any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [*PER_QUERY, *DRAWN, *RATIOS])
def test_degenerate_rankings(name):
    measure = {**PER_QUERY, **DRAWN, **RATIOS}[name]
    assert measure(ranking()).shape == (0,)
    assert measure(ranking(pool=(0, 0, 0, 0))).shape == (0,)
    assert measure(ranking("a* a", "a a*", pool=(2,))).shape == (2,)
    assert measure(ranking("| a b", "| c")).shape == (2,)
    assert measure(ranking("a b", "c")).shape == (2,)
    assert measure(ranking("a* b", own="z")).shape == (1,)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", PER_LANGUAGE)
def test_no_queries_have_no_shares(name):
    for empty in (ranking(), ranking("| a")):
        assert_allclose(PER_LANGUAGE[name](empty), [NAN] * 4)


@given(rankings(), st.randoms(use_true_random=False))
def test_renaming_the_languages_changes_no_value_and_moves_the_shares(example, random):
    new = np.array(random.sample(range(len(example.pool)), len(example.pool)))
    lookup = np.append(new, -1)
    renamed = replace(
        example,
        language=lookup[example.language],
        top=lookup[example.top],
        pool=example.pool[np.argsort(new)],
        own=int(lookup[example.own]),
        block_counts=example.block_counts[:, np.argsort(new)],
    )
    for name, measure in {**PER_QUERY, **DRAWN, **RATIOS}.items():
        assert_allclose(measure(renamed), measure(example), atol=1e-12, err_msg=name)
    for name, measure in PER_LANGUAGE.items():
        assert_allclose(measure(renamed)[new], measure(example), atol=1e-12, err_msg=name)
    assert_allclose(language_advantage(renamed)[:, new], language_advantage(example), atol=1e-12)


@given(rankings(), st.integers(0, 2**32 - 1))
def test_the_order_of_equal_scores_in_the_first_places_does_not_matter(example, seed):
    generator = np.random.default_rng(seed)
    top = example.top.copy()
    for query, start, counts in zip(
        example.block_query, example.block_start, example.block_counts, strict=True
    ):
        own = slice(start, start + counts.sum())
        top[query, own] = generator.permutation(top[query, own])
    other = replace(example, top=top)
    for name, measure in {**PER_QUERY, **RATIOS, **PER_LANGUAGE}.items():
        assert_allclose(measure(other), measure(example), atol=1e-12, err_msg=name)


@given(rankings(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_relevant_passages_does_not_matter(example, seed):
    order = np.random.default_rng(seed).permutation(example.above.shape[1])
    other = shuffled(example, order)
    for name, measure in {**PER_QUERY, **DRAWN, **RATIOS}.items():
        assert_allclose(measure(other), measure(example), atol=1e-12, err_msg=name)
    assert_allclose(language_advantage(other), language_advantage(example), atol=1e-12)


@given(rankings())
def test_a_query_is_measured_alone(example):
    for name, measure in {**PER_QUERY, **DRAWN}.items():
        together = measure(example)
        for row, value in enumerate(together):
            assert_allclose(measure(one_query(example, row)), [value], atol=1e-12, err_msg=name)
