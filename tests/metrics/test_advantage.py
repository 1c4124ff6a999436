import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.metrics.rankings import ranking
from xbench.metrics.advantage import language_advantage, wrong_share_ratio
from xbench.metrics.multilingual import MultilingualRanking

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


def wrong_shares(*runs, own="a", k=3, pool=POOL):
    return wrong_share_ratio(ranking(*runs, own=own, pool=pool), k)


def test_wrong_share_ratio_by_hand():
    # Wrong of 3 places: b, and b, c and half of the second b; d* is right and a is the query's.
    found = wrong_shares("a b* b c c", "b c b=d*", pool=(9, 6, 3, 9))
    assert_allclose(found, [NAN, 2.5 / 3.5 / (6 / 18), 1 / 3.5 / (3 / 18), 0])


def test_what_was_not_retrieved_is_not_among_the_first_places():
    assert_allclose(wrong_shares("b c | d b"), [NAN, 1.5, 1.5, 0])


def test_without_another_wrong_passage_there_is_no_ratio():
    assert np.isnan(wrong_shares("a b* a", k=3)).all()


def test_bad_encoding_and_a_bonus_are_told_apart():
    """Queries in a; b is encoded with more noise than c and d, or has a bonus."""
    random = np.random.default_rng(1)
    size, queries = 400, 300
    language = np.repeat(np.arange(4), size)

    def measured(noise, bonus):
        rankings = []
        vectors = np.tile(random.normal(size=(size, 20)), (4, 1))
        vectors += (
            random.normal(size=vectors.shape) * np.take([0.5, noise, 0.5, 0.5], language)[:, None]
        )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for query in range(queries):
            scores = vectors @ vectors[query] + np.where(language == 1, bonus, 0)
            scores[:size] = -1  # The query's own language is never found.
            order = np.argsort(-scores)
            place = np.argsort(order)[query + size * np.arange(1, 4)]
            rankings.append((order, place))
        return MultilingualRanking(
            above=np.array([place for _, place in rankings], float),
            tied=np.ones((queries, 3)),
            language=np.tile([1, 2, 3], (queries, 1)),
            top=np.array([language[order[:100]] for order, _ in rankings]),
            pool=np.bincount(language),
            own=0,
            block_query=np.empty(0, np.int64),
            block_start=np.empty(0, np.int64),
            block_counts=np.empty((0, 4), np.int64),
        )

    noisy, favoured = measured(1.25, 0), measured(0.5, 0.1)
    assert np.nanmean(language_advantage(noisy)[:, 1]) < 0.2
    assert wrong_share_ratio(noisy, 20)[1] == pytest.approx(1, abs=0.15)
    assert np.nanmean(language_advantage(favoured)[:, 1]) > 0.6
    assert wrong_share_ratio(favoured, 20)[1] > 1.4
