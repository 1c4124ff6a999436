"""Claims are tested over seeds and questions: by simulation, false findings are as rare as said."""

from __future__ import annotations

import numpy as np
import pytest

from xbench.training.studies.inference import contrast, decide, estimate, share_values
from xbench.training.studies.report_tables import written_score

SEED_SPREAD = 0.004
"""Deviation of a score over the seeds of a run, the largest of three mAPs in the pilot."""

QUESTIONS, GROUPS = 600, 240


def simulated(generator, conditions, seeds, spread=SEED_SPREAD):
    """Return values of conditions without any effect, shape (conditions, seeds, questions)."""
    groups = generator.integers(0, GROUPS, QUESTIONS)
    article = generator.normal(0, 0.1, (conditions, GROUPS))[:, groups]
    question = generator.normal(0, 0.15, (conditions, QUESTIONS)) + article
    of_seed = generator.normal(0, spread, (conditions, seeds))
    noise = generator.normal(0, 0.05, (conditions, seeds, QUESTIONS))
    return 0.4 + question[:, None, :] + of_seed[..., None] + noise, groups


@pytest.mark.integration
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [SEED_SPREAD, 0.03])
def test_false_findings_over_the_claims_of_a_report_are_at_most_one_in_twenty(seeds, spread):
    generator = np.random.default_rng(seeds)
    repetitions, wrong = 600, 0
    for _ in range(repetitions):
        values, groups = simulated(generator, 4, seeds, spread)
        pairs = [(0, 1), (0, 2), (1, 2), (0, 3), (2, 3)]
        claims = [(estimate([values[a], -values[b]], groups), "better", 0.005) for a, b in pairs]
        tested = decide(claims)
        wrong += any(own.p <= 0.05 for own in tested)
    assert wrong / repetitions <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / repetitions)


def test_questions_alone_would_err_far_more_often():
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        values, groups = simulated(generator, 2, 5, 0.03)
        as_if = [own.mean(axis=0, keepdims=True) for own in values]
        alone = estimate([as_if[0], -as_if[1]], groups, seeded=[False, False])
        wrong += alone.p_value() <= 0.05
    assert wrong / 200 > 0.15


def test_the_closed_form_by_hand():
    first = np.array([[0.2, 0.4], [0.4, 0.6]])
    second = np.array([[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]])
    found = estimate([first, -second], np.array([0, 1]))
    seeds, questions = 0.02 / 2, 0.02 / 2
    assert found.value == pytest.approx(0.3)
    assert found.error == pytest.approx(np.sqrt(seeds + questions))
    assert found.freedom == pytest.approx((seeds + questions) ** 2 / (seeds**2 + questions**2))
    assert found.seeds_share == pytest.approx(0.5)


def test_shares_kept_by_hand():
    clean, changed = np.array([[0.8, 0.4], [0.5, 0.5]]), np.array([[0.4, 0.2], [0.0, 0.5]])
    found = share_values(changed, clean)
    assert found.mean(axis=1) == pytest.approx([0.5, 0.5])
    assert found[0] == pytest.approx([0.5, 0.5]), "each question keeps half"
    assert found[1] == pytest.approx([0.0, 1.0])


@pytest.mark.integration
@pytest.mark.parametrize("seeds", [3, 5])
def test_shares_of_conditions_that_lose_alike_are_seldom_found_to_differ(seeds):
    """One condition has half of the other's score and keeps the same share of it."""
    generator = np.random.default_rng(seeds)
    repetitions, wrong, falls = 600, 0, 0
    for _ in range(repetitions):
        values, groups = simulated(generator, 4, seeds)
        clean, changed = values[:2], 0.7 * values[:2] + 0.3 * (values[2:] - 0.4)
        half = np.array([1.0, 0.5])[:, None, None]
        one, other = (share_values(half[i] * changed[i], half[i] * clean[i]) for i in (0, 1))
        wrong += estimate([one, -other], groups).p_value() <= 0.05
        fall = half * (clean - changed)
        falls += estimate([fall[0], -fall[1]], groups).p_value() <= 0.05
    assert 0.01 < wrong / repetitions <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / repetitions)
    assert falls / repetitions > 0.9, "though the lower one falls by half as much"


def test_what_is_not_trained_has_no_seed_part_and_one_seed_no_interval():
    groups = np.arange(50)
    generator = np.random.default_rng(0)
    start, one = generator.normal(0, 1, (2, 1, 50))
    assert estimate([start], groups, seeded=[False]).half > 0
    unknown = estimate([one, -start], groups, seeded=[True, False])
    assert np.isnan(unknown.half)
    assert decide([(unknown, "better", 0.1)])[0].verdict == "not separable"


def test_evaluations_of_the_same_models_are_taken_together():
    generator = np.random.default_rng(0)
    clean = generator.normal(0, 0.1, (5, 100)) + generator.normal(0, 1, (5, 1))
    cells = {"a": {"clean": clean, "typo": clean - 0.2}}
    weights = {("a", "clean"): 1.0, ("a", "typo"): -1.0}
    found = contrast(weights, cells, np.arange(100))
    assert found.value == pytest.approx(0.2)
    assert found.error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("shift", "kind", "verdict", "matters"),
    [
        (0.05, "better", "held", True),
        (0.012, "better", "held", None),
        (0.0, "better", "not held", False),
        (-0.05, "better", "not held", False),
        (0.0, "at_least", "held", False),
        (-0.05, "at_least", "not held", False),
    ],
)
def test_how_a_claim_comes_out(shift, kind, verdict, matters):
    generator = np.random.default_rng(2)
    base = generator.normal(0, 0.02, (5, 400))
    centred = base - base.mean()
    found = estimate([centred + shift], np.arange(400))
    (tested,) = decide([(found, kind, 0.0125)])
    assert (tested.verdict, tested.matters) == (verdict, matters)


def test_a_claim_that_these_runs_cannot_decide():
    generator = np.random.default_rng(3)
    found = estimate([generator.normal(0, 1, (5, 40))], np.arange(40))
    assert decide([(found, "better", 0.01)])[0].verdict == "not separable"


@pytest.mark.parametrize(
    ("measure", "value", "written"),
    [
        ("rank_distance", -0.3, "0"),
        ("rank_distance", -1342.4, "-1,342"),
        ("multilingual_map", 0.0004, "0.000"),
        ("multilingual_map", -0.0306, "-0.031"),
        ("multilingual_map", 0.02, "+0.020"),
    ],
)
def test_a_difference_that_rounds_to_nothing_has_no_sign(measure, value, written):
    assert written_score(measure, value, "+") == written
