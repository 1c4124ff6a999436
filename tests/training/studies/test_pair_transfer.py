"""Gains on trained and untrained pairs of languages, by hand."""

from __future__ import annotations

from xbench.training.studies.grid import UNSEEDED, runs
from xbench.training.studies.outcome import Outcome
from xbench.training.studies.pair_transfer import trained_pairs, transfer_rows
from xbench.training.studies.study_file import Study

STUDY = Study(
    name="pairs",
    size="small",
    title="Pairs",
    question="Which?",
    base={
        "training": {"base_model": "start", "data": [], "max_steps": 1},
        "evaluate": {"MLQA-R": {"dataset": "MLQA-R", "languages": ["ar", "de", "hi"]}},
    },
    vary={"pairs": {"two": {"language_pairs": 2}, "none": {"alpha": 1.0}}},
    also={"start": {"train": False}},
    measure=["crosslingual_map"],
    seeds=3,
    cost={"minutes": 1, "megabytes": 1},
)


def record(*pairs, within=("ar", "de", "hi")):
    expected = dict.fromkeys(pairs, 10.0) | {f"{own}-{own}": 30.0 for own in within}
    expected["th-ar"] = 0.0
    return {"stages": [{"pairs": [{"corpus": "c", "attained": expected}]}]}


def measured(**pairs):
    return {"scores": {"crosslingual_map": {"pairs": pairs}}}


def scores(ar_de, ar_hi, de_hi):
    return measured(**{"ar-de": ar_de, "ar-hi": ar_hi, "de-hi": de_hi})


def test_trained_pairs_are_those_that_were_drawn():
    drawn = trained_pairs(record("ar-de", "de-ru", within=("de",)))
    assert drawn == {("ar", "de"), ("de", "ru"), ("de", "de")}
    assert not trained_pairs({})


def test_gains_are_means_over_pairs_and_then_over_seeds():
    """Seed 1 trains de-ar and hi-ru, seed 2 ar-de and en-ru, so that hi is in no pair.

    Seed 3 trains ar-de and has no hi at all.
    """
    found = {
        ("start", UNSEEDED, "MLQA-R"): scores(0.1, 0.2, 0.3),
        ("two", 1, "MLQA-R"): scores(0.3, 0.3, 0.5),
        ("two", 2, "MLQA-R"): scores(0.2, 0.2, 0.5),
        ("two", 3, "MLQA-R"): scores(0.4, 0.3, 0.3),
        ("none", 1, "MLQA-R"): scores(0.9, 0.9, 0.9),
    }
    records = {
        ("two", 1): record("de-ar", "hi-ru"),
        ("two", 2): record("ar-de", "en-ru"),
        ("two", 3): record("ar-de", within=("ar", "de")),
        ("none", 1): record(),
    }
    outcome = Outcome(STUDY, found, tuple(runs(STUDY)), records=records)
    (row,) = transfer_rows(outcome)
    assert row[0] == "two"
    assert row[1] == "+0.200 ± 0.248 (3)", "seeds: +.2, +.1 and +.3; t is 4.303 with two degrees"
    assert row[2] == "+0.150 (2)", "seed 1: ar-hi +.1 and de-hi +.2"
    assert row[3] == "+0.100 (2)", "seed 2: ar-hi 0 and de-hi +.2"
    assert row[4] == "+0.050 (2)", "seed 3: ar-hi +.1 and de-hi 0"


def test_runs_that_were_measured_before_pairs_were_kept_have_no_row():
    old = {"scores": {"crosslingual_map": {"value": 0.5}}}
    found = {("start", UNSEEDED, "MLQA-R"): old, ("two", 1, "MLQA-R"): old}
    outcome = Outcome(STUDY, found, tuple(runs(STUDY)), records={("two", 1): record("ar-de")})
    assert not list(transfer_rows(outcome))
