"""Ranks and tiers of a column, and intervals: the same as `xbench compare` gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbench.analysis.compared_models import read_candidates
from xbench.analysis.comparison import compare
from xbench.data.catalogue import TASKS
from xbench.leaderboard import standings as module
from xbench.leaderboard.figures import Key
from xbench.leaderboard.loading import read_measured
from xbench.leaderboard.standings import standings
from xbench.metrics.statistics import macro_mean, randomisation_test
from xbench.results.summaries import influence_values

from .sound_results import write_sound

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)
BADNESS = {"org/good": 1.0, "org/alike": 1.02, "org/bad": 3.0}
DISTANCE = Key("multilingual", "rank_distance", None, "macro")
MAP = Key("multilingual", "map", None, "macro")


@pytest.fixture
def results(tmp_path):
    for seed, (model, badness) in enumerate(BADNESS.items()):
        for task in (MONO, CROSS, MULTI):
            write_sound(tmp_path, task, model=model, seed=seed, badness=badness)
    return tmp_path


def by_model(rows, key, **options):
    found = standings(rows, key, **options)
    return {identity.model: standing for identity, standing in found.items()}


def check_same_as_compare(results, names):
    rows, left_out = read_measured([results])
    assert left_out == []
    rows = [next(row for row in rows if row.model == name) for name in names]
    comparison = compare(read_candidates(names, results))
    assert comparison.settings
    for line in comparison.settings:
        key = Key(TASKS[line.task][1], "map", None, "macro")
        own = [row for row in rows if row.dataset == TASKS[line.task][0].title]
        for name, figure in zip(names, line.figures, strict=True):
            shown = next(row for row in own if row.model == name).figures[key]
            assert shown.value == pytest.approx(figure.value, abs=1e-6)
            assert shown.interval == pytest.approx((figure.low, figure.high), abs=1e-12)
            standing = by_model(own, key)[name]
            assert (standing.low, standing.high) == figure.ranks
            assert standing.tier == figure.tier
    return comparison


@pytest.mark.integration
def test_ranks_tiers_and_intervals_are_those_of_the_comparison(results):
    comparison = check_same_as_compare(results, list(BADNESS))
    tiers = [figure.tier for figure in comparison.settings[1].figures]
    assert tiers[0] == tiers[1] < tiers[2], "the models no longer try what they should"
    bias = next(row for row in comparison.bias if row.measure == "rank_distance")
    rows, _ = read_measured([results])
    for name, figure in zip(BADNESS, bias.figures, strict=True):
        shown = next(row for row in rows if row.model == name).figures[DISTANCE]
        assert shown.interval == pytest.approx((figure.low, figure.high))


@pytest.mark.integration
def test_real_questions_with_gaps_too(tmp_path):
    for seed, model in enumerate(("org/one", "org/two")):
        write_sound(
            tmp_path, "MLQARMonolingualRetrieval", model=model, seed=seed, badness=1 + seed / 50
        )
    check_same_as_compare(tmp_path, ["org/one", "org/two"])


@given(st.integers(0, 2**32), st.integers(4, 12), st.integers(1, 5), st.floats(0, 0.6))
def test_a_value_per_question_says_as_much_as_all_of_its_versions(seed, questions, subsets, gaps):
    random = np.random.default_rng(seed)
    first, second = random.random((2, questions, subsets)).round(2)
    missing = random.random((questions, subsets)) < gaps
    missing[:2] = False
    first[missing] = second[missing] = np.nan
    short = [influence_values(sample)[:, None] for sample in (first, second)]
    assert np.nanmean(short[0]) == pytest.approx(macro_mean(first))
    assert randomisation_test(*short, 500) == randomisation_test(first, second, 500)


def test_less_rank_distance_is_better(results):
    rows, _ = read_measured([results])
    found = by_model(rows, DISTANCE)
    distance = {row.model: row.figures[DISTANCE].value for row in rows}
    assert sorted(found, key=lambda m: found[m].rank) == sorted(distance, key=distance.__getitem__)
    assert found[min(distance, key=distance.__getitem__)].tier == 1


def test_only_comparable_rows_stand_against_each_other(results):
    rows, _ = read_measured([results])
    good, alike, bad = (next(row for row in rows if row.model == name) for name in BADNESS)
    other = [good, replace(alike, dataset="another"), replace(bad, passage_form="context")]
    assert standings(other, MAP) == {}
    assert set(by_model([*other, alike], MAP)) == {"org/good", "org/alike"}


def test_a_row_without_ranks_has_no_standing(results):
    rows, _ = read_measured([results])
    published = [replace(row, origin="reported", evidence={}) for row in rows]
    assert len(standings([*rows, *published], MAP)) == len(rows)


def test_of_many_only_the_best_are_tested_for_tiers(results, monkeypatch):
    monkeypatch.setattr(module, "MANY", 2)
    rows, _ = read_measured([results])
    found = by_model(rows, MAP)
    assert found["org/bad"].tier is None
    assert found["org/bad"].low == found["org/bad"].high == found["org/bad"].rank == 3
    assert found["org/good"].tier == found["org/alike"].tier == 1


def test_what_was_found_is_kept_until_a_figure_changes(results, tmp_path, monkeypatch):
    rows, _ = read_measured([results])
    found = standings(rows, MAP, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").rglob("*.json")

    def never(*args, **kwargs):
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(module.statistics, "tiers", never)
        assert standings(rows, MAP, tmp_path / "cache") == found
        with pytest.raises(AssertionError):
            standings(rows[1:], MAP, tmp_path / "cache")
    for damage in (b"[[1,1,1,1]]", b"{", b""):
        entry.write_bytes(damage)
        assert standings(rows, MAP, tmp_path / "cache") == found
