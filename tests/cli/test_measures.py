"""``xbench measures``: every score is listed and explained."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from xbench.cli import main
from xbench.metrics import SCORES
from xbench.metrics.descriptions import HIGHER, example, families, measure_of, range_of
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE


def run(*arguments):
    return CliRunner().invoke(main, ["measures", *arguments])


def test_every_score_is_listed_under_its_name():
    listed = run().output
    assert all(written in listed for written in families())
    stems = {score.partition("_at_")[0] for score in (*SCORES, *BY_PASSAGE_LANGUAGE)}
    assert {written.partition("_at_")[0] for written in families()} == stems


@pytest.mark.parametrize("score", SCORES)
def test_every_score_is_explained(score):
    done = run(score)
    assert done.exit_code == 0
    assert measure_of(score).title.partition("@")[0] in done.output
    assert range_of(score) in done.output
    assert len(done.output) > 120


def test_the_worked_example_by_hand():
    values, chance = example()
    # Mean places: 2; 4.5 for one of a block of two; 8.5 for one of the four not retrieved.
    assert values["rank_distance"] == pytest.approx(8.5 - 2)
    assert values["same_language_rank_gain"] == pytest.approx((4.5 + 8.5) / 2 - 2)
    assert values["own_language_preference"] == 1
    assert chance["rank_distance"] == pytest.approx(2 * 11 / 4)
    assert values["rank_distance_ratio"] == pytest.approx(6.5 / 5.5)
    # English before French in one of one case.
    assert values["english_advantage"] == 1
    assert values["not_retrieved_share"] == values["tied_share"] == pytest.approx(1 / 3)
    assert "rank_distance_ratio = 1.182; chance here: 1" in run("rank_distance_ratio").output


def test_an_unknown_score_is_refused_with_the_nearest():
    done = run("rank_distanc")
    assert done.exit_code == 2
    assert "Did you mean 'rank_distance'" in done.output


def test_effectiveness_is_better_higher():
    for score in ("map", "ndcg_at_10", "recall_at_100", "mrr_at_10", "precision_at_5"):
        assert measure_of(score).better == HIGHER
