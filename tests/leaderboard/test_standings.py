"""Ranks and tiers of a column, and intervals: the same as `xbench compare` gives."""

from __future__ import annotations

import pytest

from xbench.analysis.compared_models import read_candidates
from xbench.analysis.comparison import compare
from xbench.leaderboard import standings as module
from xbench.leaderboard.results import read_results
from xbench.leaderboard.standings import standings
from xbench.results.score_table import ScoreTable

from .sound_results import write_sound

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)
BADNESS = {"org/good": 1.0, "org/alike": 1.02, "org/bad": 3.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("ranked")
    for seed, (model, badness) in enumerate(BADNESS.items()):
        for task in (MONO, CROSS, MULTI):
            write_sound(root, task, model=model, seed=seed, badness=badness, summary=True)
    return root


@pytest.fixture(scope="module")
def table(results):
    return read_results([results])


def column(table: ScoreTable, measure="map", task=MULTI):
    """Return the means of a task, with the name of the model as its number."""
    means = table.scores.query("average == 'macro' and measure == @measure and task == @task")
    return means.assign(run=means.model.astype(object))


def check_same_as_compare(table, results, names):
    assert table.excluded == ()
    comparison = compare(read_candidates(names, results))
    assert comparison.settings
    for line in comparison.settings:
        own = column(table, task=line.task)
        found = standings(own, table.influence)
        for name, score in zip(names, line.scores, strict=True):
            (shown,) = own[own.model == name].itertuples()
            assert shown.value == pytest.approx(score.value, abs=1e-6)
            assert (shown.low, shown.high) == pytest.approx((score.low, score.high), abs=1e-12)
            assert (found[name].low, found[name].high) == score.ranks
            assert found[name].tier == score.tier
    return comparison


@pytest.mark.integration
def test_ranks_tiers_and_intervals_are_those_of_the_comparison(table, results):
    comparison = check_same_as_compare(table, results, list(BADNESS))
    tiers = [score.tier for score in comparison.settings[1].scores]
    assert tiers[0] == tiers[1] < tiers[2], "the models no longer try what they should"
    bias = next(row for row in comparison.bias if row.measure == "rank_distance")
    distances = column(table, "rank_distance")
    for name, score in zip(BADNESS, bias.scores, strict=True):
        (shown,) = distances[distances.model == name].itertuples()
        assert (shown.low, shown.high) == pytest.approx((score.low, score.high))


@pytest.mark.integration
def test_real_questions_with_gaps_too(tmp_path, few_resamples):
    for seed, model in enumerate(("org/one", "org/two")):
        own = {"model": model, "seed": seed, "badness": 1 + seed / 50, "summary": True}
        write_sound(tmp_path, "MLQARMonolingualRetrieval", **own)
    check_same_as_compare(read_results([tmp_path]), tmp_path, ["org/one", "org/two"])


def test_less_rank_distance_is_better(table):
    own = column(table, "rank_distance")
    found = standings(own, table.influence)
    models = list(own.sort_values("value").model)
    assert sorted(found, key=lambda model: found[model].rank) == models
    assert found[models[0]].tier == 1


def test_only_models_with_passages_of_the_same_form_are_compared(table):
    own = column(table)
    forms = own.passage_form.astype(object).where(own.model != "org/bad", "context")
    found = standings(own.assign(passage_form=forms), table.influence)
    assert set(found) == {"org/good", "org/alike"}


def test_only_models_with_values_of_the_same_questions_are_compared(table):
    own = column(table)
    (bad,) = own[own.model == "org/bad"].file
    fewer = dict(table.influence)
    fewer[bad, "map"] = fewer[bad, "map"][1:]
    assert set(standings(own, fewer)) == {"org/good", "org/alike"}
    assert standings(own[own.model != "org/alike"], fewer) == {}


def test_each_dataset_has_columns_of_its_own(table):
    """A demonstration has none, and a row that was not measured is in none."""
    assert module.ranked_columns(table.scores) == {}
    ranked = table.scores.assign(dataset="MLQA-R")
    found = module.ranked_columns(ranked)
    assert set(found) == {
        ("MLQA-R", setting, measure)
        for setting, measure in (
            ("monolingual", "map"),
            ("crosslingual", "map"),
            ("multilingual", "map"),
            ("multilingual", "rank_distance"),
        )
    }
    assert {len(own) for own in found.values()} == {len(BADNESS)}
    assert module.ranked_columns(ranked.assign(provenance="reported")) == {}


def test_of_many_only_the_best_are_tested(table, monkeypatch):
    monkeypatch.setattr(module, "TESTED", 2)
    found = standings(column(table), table.influence)
    assert found["org/bad"].tier is None
    assert found["org/bad"].low == found["org/bad"].high == found["org/bad"].rank == 3
    assert 1 in {found["org/good"].tier, found["org/alike"].tier}
    assert None not in {found["org/good"].tier, found["org/alike"].tier}
