"""Chance in closed form, against random orders that are drawn and measured."""

import numpy as np
import pytest

from xbench.metrics import PoolRanks, per_query
from xbench.metrics.chance import best, chance, expected_average_precision
from xbench.metrics.language_bias import rank_distance_median
from xbench.metrics.multilingual import multilingual_ranking
from xbench.metrics.ranks import Ties

POOL = {"de": 30, "en": 50, "fi": 20}
VERSIONS = (("de", "en", "fi"), ("de", "de", "en"), ("en", "fi"))
QUESTIONS = 900


def random_ranks(seed, query_language="de"):
    """Ranks of relevant passages at random places, with the languages of random first places."""
    random = np.random.default_rng(seed)
    languages = np.repeat(list(range(3)), list(POOL.values()))
    query, code, rank, top = [], [], [], []
    for question in range(QUESTIONS):
        versions = VERSIONS[question % len(VERSIONS)]
        order = random.permutation(100)
        chosen = {}
        for version in versions:
            index = list(POOL).index(version)
            free = [p for p in np.flatnonzero(languages == index).tolist() if p not in chosen]
            chosen[free[0]] = version
        place = np.argsort(order)
        for passage, version in chosen.items():
            query.append(question)
            code.append(version)
            rank.append(place[passage] + 1)
        top.append(languages[order])
    none = np.empty(0, np.int64)
    ranks = np.array(rank)
    return PoolRanks(
        questions=tuple(map(str, range(QUESTIONS))),
        query=np.array(query),
        language=np.array(code),
        rank=ranks,
        query_language=query_language,
        pool=POOL,
        top=np.array(top),
        ties=Ties(ranks - 1, np.ones_like(ranks), none, none, np.empty((0, 3), np.int64)),
    )


@pytest.fixture(scope="module")
def simulated():
    """The values of every measure of random orders: mean and standard error."""
    drawn = [per_query(random_ranks(seed), multilingual=True) for seed in range(8)]
    values = {name: np.concatenate([own[name] for own in drawn]) for name in drawn[0]}
    known = {name: own[~np.isnan(own)] for name, own in values.items()}
    return {
        name: (own.mean(), own.std() / np.sqrt(len(own))) for name, own in known.items() if len(own)
    }


MEASURES = [
    name
    for name in chance(random_ranks(0))
    if name not in ("rank_distance_median", "rank_correlation")
]


@pytest.mark.parametrize("measure", MEASURES)
def test_chance_is_the_mean_of_random_orders(simulated, measure):
    mean, error = simulated[measure]
    assert chance(random_ranks(0))[measure] == pytest.approx(mean, abs=4 * error + 1e-3)


def test_chance_of_average_precision_is_the_mean_of_random_orders(simulated):
    mean, error = simulated["map"]
    assert expected_average_precision(random_ranks(0)) == pytest.approx(mean, abs=4 * error)


def test_chance_of_the_median_distance_is_the_median_of_random_orders():
    medians = [rank_distance_median(multilingual_ranking(random_ranks(s))) for s in range(8)]
    error = np.std(medians) / np.sqrt(8)
    value = chance(random_ranks(0))["rank_distance_median"]
    assert value == pytest.approx(np.mean(medians), abs=4 * error + 0.5)


def test_a_system_that_retrieves_nothing_has_chance():
    ranks = random_ranks(0)
    none = np.empty(0, np.int64)
    nothing = PoolRanks(
        ranks.questions,
        ranks.query,
        ranks.language,
        np.zeros_like(ranks.rank),
        "de",
        POOL,
        top=np.full((QUESTIONS, 100), -1),
        ties=Ties(
            np.zeros_like(ranks.rank),
            np.full_like(ranks.rank, 100),
            none,
            none,
            np.empty((0, 3), np.int64),
        ),
    )
    values, expected = per_query(nothing, multilingual=True), chance(ranks)
    for measure in (
        "rank_distance",
        "rank_distance_ratio",
        "worst_rank",
        "complete_at_20",
        "same_language_rank_gain",
        "same_language_first",
        "own_language_preference",
        "english_advantage",
    ):
        assert np.nanmean(values[measure]) == pytest.approx(expected[measure]), measure
    assert values["not_retrieved_share"].mean() == 1


def test_best_values_by_hand():
    found = best(random_ranks(0))
    assert found["rank_distance"] == pytest.approx((2 + 2 + 1) / 3)
    assert found["worst_rank"] == pytest.approx((3 + 3 + 2) / 3)
    assert found["complete_at_10"] == 1
    distance = (2 * 101 / 4 * 2 + 101 / 3) / 3
    assert found["rank_distance_ratio"] == pytest.approx((5 / 3) / distance)
