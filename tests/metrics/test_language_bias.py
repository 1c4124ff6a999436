from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.metrics.rankings import ranking, rankings
from xbench.metrics.fairness import awrf, awrf_uniform, language_share, language_share_ratio, peer
from xbench.metrics.language_bias import complete, rank_distance, worst_rank
from xbench.metrics.multilingual import (
    MultilingualRanking,
    mean_over_queries,
    median_over_queries,
)
from xbench.metrics.preference import first_place, same_language_first, same_language_rank_gain

NAN, INF = np.nan, np.inf

# Pool of 20. Query 1: relevant at 8, 1 and 3, unsorted. Query 2: at 2, another not retrieved.
# Query 3: one relevant passage. Query 4: none.
RANKS = np.array([[8, 1, 3], [2, INF, NAN], [7, NAN, NAN], [NAN, NAN, NAN]])

PER_QUERY = {
    "rank_distance": lambda r: rank_distance(r.ranks, r.pool_size),
    "worst_rank": lambda r: worst_rank(r.ranks, r.pool_size),
    "complete": lambda r: complete(r.ranks, k=3),
    "peer": peer,
    "peer_at_3": partial(peer, k=3),
    "awrf": partial(awrf, k=3),
    "awrf_uniform": partial(awrf_uniform, k=3),
    "same_language_rank_gain": same_language_rank_gain,
    "same_language_first": same_language_first,
    "first_place_right_own": partial(first_place, right=True, own=True),
    "first_place_right_other": partial(first_place, right=True, own=False),
    "first_place_wrong_own": partial(first_place, right=False, own=True),
    "first_place_wrong_other": partial(first_place, right=False, own=False),
}
PER_LANGUAGE = {
    "language_share": partial(language_share, k=3),
    "language_share_ratio": partial(language_share_ratio, k=3),
}


def test_rank_distance_by_hand():
    assert_allclose(rank_distance(RANKS, pool_size=20), [8 - 1, 20 - 2, 0, NAN])


def test_worst_rank_by_hand():
    assert_allclose(worst_rank(RANKS, pool_size=20), [8, 20, 7, NAN])


@pytest.mark.parametrize(
    ("k", "expected"), [(2, [0, 0, 0]), (7, [0, 0, 1]), (8, [1, 0, 1]), (20, [1, 0, 1])]
)
def test_complete_by_hand(k, expected):
    assert_allclose(complete(RANKS, k), [*expected, NAN])


def test_complete_is_out_of_reach_with_more_relevant_passages_than_places():
    ranks = np.arange(1.0, 12.0)[None, :]
    assert complete(ranks, k=10) == 0
    assert complete(ranks, k=11) == 1


def test_aggregates_by_hand():
    values = np.array([1.0, NAN, 2.0, 9.0])
    assert mean_over_queries(values) == 4
    assert median_over_queries(values) == 2
    assert np.isnan(mean_over_queries(np.array([NAN])))
    assert np.isnan(median_over_queries(np.empty(0)))


def test_ranking_views_by_hand():
    example = ranking("b a* c | a d", "d*")
    assert example.pool_size == 10
    assert_allclose(example.ranks, [[2, INF, INF], [1, NAN, NAN]])
    assert_allclose(example.places, [[2, 10, 10], [1, NAN, NAN]])
    assert example.relevant.tolist() == [[True, True, True], [True, False, False]]
    assert example.relevant_own.tolist() == [[True, True, False], [False, False, False]]
    assert not ranking("a* b*", "a*", own="z").relevant_own.any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", PER_QUERY)
def test_degenerate_rankings(name):
    measure = PER_QUERY[name]
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
    renamed = MultilingualRanking(
        ranks=example.ranks,
        language=lookup[example.language],
        top=lookup[example.top],
        pool=example.pool[np.argsort(new)],
        own=int(lookup[example.own]),
    )
    for name, measure in PER_QUERY.items():
        assert_allclose(measure(renamed), measure(example), atol=1e-12, err_msg=name)
    for name, measure in PER_LANGUAGE.items():
        assert_allclose(measure(renamed)[new], measure(example), atol=1e-12, err_msg=name)


@given(rankings(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_relevant_passages_does_not_matter(example, seed):
    order = np.random.default_rng(seed).permutation(example.ranks.shape[1])
    shuffled = MultilingualRanking(
        example.ranks[:, order], example.language[:, order], example.top, example.pool, example.own
    )
    for name, measure in PER_QUERY.items():
        assert_allclose(measure(shuffled), measure(example), atol=1e-12, err_msg=name)


@given(rankings())
def test_a_query_is_measured_alone(example):
    for name, measure in PER_QUERY.items():
        together = measure(example)
        for row, value in enumerate(together):
            one = slice(row, row + 1)
            alone = MultilingualRanking(
                example.ranks[one],
                example.language[one],
                example.top[one],
                example.pool,
                example.own,
            )
            assert_allclose(measure(alone), [value], atol=1e-12, err_msg=name)
