"""Tests of all pairs: by hand, against plain loops, and their errors on real scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from tests.metrics.real_scores import articles, draw, exchanged, systems
from xbench.metrics.comparisons import at_most, holm, pairwise_tests, places
from xbench.metrics.intervals import group_values


def plain_loops(models, resamples, counts):
    """The step-down test of Romano and Wolf as its definition reads."""
    groups, number = models.shape
    pairs = [(i, j) for i in range(number) for j in range(i + 1, number)]

    def statistic(weights, i, j, centre):
        drawn = np.repeat(models[:, i] - models[:, j], weights)
        error = drawn.std() / np.sqrt(groups - 1)
        gap = drawn.mean() - centre
        return 0.0 if abs(gap) < 1e-9 else (np.inf if error < 1e-9 else abs(gap) / error)

    once = np.ones(groups, int)
    observed = {pair: statistic(once, *pair, 0.0) for pair in pairs}
    gaps = {(i, j): models[:, i].mean() - models[:, j].mean() for i, j in pairs}
    order = sorted(pairs, key=lambda pair: -observed[pair])
    drawn = [{pair: statistic(own, *pair, gaps[pair]) for pair in pairs} for own in counts]
    p_values, last = np.ones((number, number)), 0.0
    for place, (i, j) in enumerate(order):
        weaker = order[place:]
        reached = sum(
            max(own[pair] for pair in weaker) >= observed[i, j] * (1 - 1e-6) for own in drawn
        )
        last = max(last, (1 + reached) / (1 + resamples))
        p_values[i, j] = p_values[j, i] = last
    return p_values


def test_the_tests_are_those_of_plain_loops():
    from xbench.metrics.comparisons import _all_drawn

    random = np.random.default_rng(5)
    models = random.random((12, 4)) + np.array([0, 0.2, 0.25, 0.6])
    expected = plain_loops(models, 400, _all_drawn(12, 400, 0).T)
    assert_allclose(pairwise_tests(models, 400), expected, atol=1.5 / 401)


def test_one_seed_gives_the_same_bytes_and_another_others():
    models = np.random.default_rng(0).random((30, 5))
    assert pairwise_tests(models, 600).tobytes() == pairwise_tests(models, 600).tobytes()
    assert pairwise_tests(models, 600, seed=1).tobytes() != pairwise_tests(models, 600).tobytes()


def test_equal_systems_do_not_differ_and_constant_ones_do():
    one = np.random.default_rng(0).random(40)
    p_values = pairwise_tests(np.stack([one, one, one + 1], axis=1), 500)
    assert p_values[0, 1] == 1
    assert p_values[0, 2] == p_values[1, 2] == pytest.approx(1 / 501)
    assert (pairwise_tests(one[:, None], 500) == 1).all()
    assert (pairwise_tests(np.stack([one[:1], one[1:2]], axis=1), 500) == 1).all()


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6, 1e-8, 1e-15])
def test_two_systems_that_are_almost_equal_do_not_hide_a_third(noise):
    random = np.random.default_rng(3)
    second = random.random(48)
    first = second + 0.3 + 0.2 * random.standard_normal(48)
    third = second + noise * random.standard_normal(48)
    p_values = pairwise_tests(np.stack([first, second, third], axis=1), 2000)
    assert p_values[0, 1] < 0.01
    assert p_values[0, 2] < 0.01


def test_two_systems_are_close_to_the_t_test():
    random = np.random.default_rng(2)
    first = random.standard_normal(200)
    second = first + 0.5 * random.standard_normal(200) + 0.08
    p = pairwise_tests(np.stack([first, second], axis=1), 4000)[0, 1]
    assert p == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.01)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 7))
def test_the_order_of_the_systems_does_not_matter(seed, number):
    random = np.random.default_rng(seed)
    models = random.random((15, number))
    order = random.permutation(number)
    found = pairwise_tests(models, 300)
    assert_allclose(pairwise_tests(models[:, order], 300), found[np.ix_(order, order)], atol=0.01)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_tiers_and_rank_intervals_follow_from_the_same_tests(seed, number):
    random = np.random.default_rng(seed)
    scores = random.random(number)
    p_values = np.triu(random.choice([0.01, 0.5], (number, number)), 1)
    p_values += p_values.T + np.eye(number)
    found = places(scores, p_values)
    for i, own in enumerate(found):
        better = [j for j in range(number) if p_values[i, j] <= 0.05 and scores[j] > scores[i]]
        worse = [j for j in range(number) if p_values[i, j] <= 0.05 and scores[j] < scores[i]]
        assert (own.low, own.high) == (1 + len(better), number - len(worse))
        assert own.tier == 1 + max((found[j].tier for j in better), default=0)
        for j, other in enumerate(found):
            if i != j and own.tier == other.tier:
                assert p_values[i, j] > 0.05
        rank = 1 + (scores > scores[i]).sum()
        assert own.low <= rank <= own.high


def test_holm_by_hand():
    assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert holm([]).shape == (0,)
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.5])


def test_many_groups_are_put_together():
    assert at_most(np.array([5, 5, 9]), 10).tolist() == [0, 0, 1]
    few = at_most(np.arange(5000), 100)
    assert np.bincount(few).tolist() == [50] * 100


def false_differences(measure, number, repetitions, resamples, seed=0):
    """Return how often any of some equal systems is said to differ from another."""
    random = np.random.default_rng(seed)
    population, groups = systems(measure, number, random), articles()
    found = 0
    for _ in range(repetitions):
        rows, drawn = draw(random, groups)
        values = exchanged(population[rows], drawn, random)
        models = np.stack([group_values(own, drawn) for own in values.T], axis=1)
        found += (pairwise_tests(models, resamples) <= 0.05).any()
    return found / repetitions


@pytest.mark.integration
def test_equal_systems_seldom_differ():
    assert false_differences("map", 10, 150, 400) <= 0.12


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["map", "ndcg_at_10"])
@pytest.mark.parametrize("number", [2, 10, 30])
def test_the_chance_of_a_false_difference_is_as_promised(measure, number):
    # .06 and one standard error of 4,000 repetitions.
    resamples = 4000 if number <= 10 else 1000
    assert false_differences(measure, number, 4000, resamples) <= 0.064


@pytest.mark.slow
def test_all_true_ranks_are_inside_their_intervals_in_95_percent_of_tables():
    random = np.random.default_rng(0)
    population, groups = systems("map", 12, random), articles()
    true = 1 + (population.mean(axis=0)[None, :] > population.mean(axis=0)[:, None]).sum(axis=1)
    inside = 0
    for _ in range(1000):
        rows, drawn = draw(random, groups)
        models = np.stack([group_values(own, drawn) for own in population[rows].T], axis=1)
        found = places(models.mean(axis=0), pairwise_tests(models, 1000))
        inside += all(own.low <= rank <= own.high for own, rank in zip(found, true, strict=True))
    assert inside / 1000 >= 0.94


@pytest.mark.slow
def test_power_is_at_least_that_of_holm_on_t_tests_for_single_questions():
    random = np.random.default_rng(0)
    population = systems("map", 10, random)
    number, questions = population.shape[1], len(population)
    pairs = list(zip(*np.triu_indices(number, k=1), strict=True))
    ours = theirs = 0
    for _ in range(60):
        sample = population[random.integers(0, questions, questions)]
        found = pairwise_tests(at_most_groups(sample), 2000)
        ours += sum(found[pair] <= 0.05 for pair in pairs)
        p = [stats.ttest_rel(sample[:, i], sample[:, j]).pvalue for i, j in pairs]
        theirs += (holm(p) <= 0.05).sum()
    assert ours >= 0.99 * theirs


def at_most_groups(sample):
    """The values of single questions as those of groups of one."""
    return np.stack([group_values(own, np.arange(len(own))) for own in sample.T], axis=1)
