"""Study files: what ships, how sizes change them, and which runs they have in common."""

from __future__ import annotations

import pytest
import yaml

from xbench._util.errors import UserError
from xbench.training.studies.grid import Places, conditions, runs, shared
from xbench.training.studies.study_file import SIZES, read_study, shipped_studies

NAMES = (
    *("alpha", "batch-vs-loss", "model-size", "pair-choice", "pair-scaling"),
    *("replication", "replication-xquad-r", "robustness", "robustness-beir", "stage-order"),
)


CLAIM = {"name": "n", "measure": "rank_distance", "condition": "hybrid", "matters": 1}

SHARE = CLAIM | {"measure": "monolingual_map", "than": "X-X @ typo", "share": True}
SHARE["condition"] = "hybrid @ typo"
CHANGED = {
    "training": {"base_model": "start"},
    "evaluate": {
        "clean": {"dataset": "MLQA-R"},
        "typo": {"dataset": "MLQA-R", "languages": ["de"], "perturb": ["typo:0.1"]},
    },
}


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path / "models", tmp_path / "data")


def test_the_studies_ship():
    assert tuple(shipped_studies()) == NAMES


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_every_training_is_one_that_the_configuration_takes(name, size, places, tmp_path):
    for run in runs(read_study(name, size)):
        for stage in run.stages:
            settings = places.settings(stage, run.start, run.seed, tmp_path / "model")
            assert settings.max_steps


@pytest.mark.parametrize("size", ["small", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_claims_are_about_conditions_that_are_run(name, size):
    study = read_study(name, size)
    known = {
        named
        for condition in conditions(study)
        for evaluation in study.base.evaluate
        for named in (condition, f"{condition} @ {evaluation}")
    }
    assert {own for claim in study.claims for own in claim.contrast} <= known
    assert {claim.measure for claim in study.claims} <= set(study.measure)


def test_training_and_test_data_of_the_small_size_differ():
    for name in NAMES:
        study = read_study(name, "small")
        trained = {own["dataset"] for run in runs(study) for s in run.stages for own in s["data"]}
        assert not trained & {own.title for own in study.base.evaluate.values()}


def test_equal_runs_of_several_studies_are_one(places):
    studies = [read_study(name, "small") for name in ("replication", "alpha", "robustness")]
    planned = [run for study in studies for run in runs(study)]
    found = shared(planned, places)
    assert len(planned) == 16 + 26 + 16
    assert len(found) == 16 + 10 + 5
    hybrid = [r for r in found.values() if r.condition == "hybrid" and r.seed == 1]
    assert len(hybrid) == 1
    assert len(hybrid[0].evaluations) == 6
    assert len({run.key(places) for run in planned}) == len(found)


def test_a_changed_configuration_or_other_data_is_another_run(places, tmp_path):
    document = yaml.safe_load(shipped_studies()["replication"].read_text())
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(document))
    keys = {run.key(places) for run in runs(read_study(str(path), "small"))}
    assert keys == {run.key(places) for run in runs(read_study("replication", "small"))}
    document["sizes"]["small"]["base"]["training"]["max_steps"] = 101
    path.write_text(yaml.safe_dump(document))
    assert len(keys & {run.key(places) for run in runs(read_study(str(path), "small"))}) == 1
    places.data.mkdir()
    (places.data / "XQuAD-R.jsonl").write_text("{}\n")
    assert len(keys & {run.key(places) for run in runs(read_study("replication", "small"))}) == 1


def test_stages_share_the_steps():
    (run,) = (
        own
        for own in runs(read_study("stage-order", "small", seeds=1))
        if own.condition == "in turns"
    )
    assert [stage["max_steps"] for stage in run.stages] == [25, 25, 25, 25]
    assert [stage["alpha"] for stage in run.stages] == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": {}}, "has no size small; sizes: none"),
        ({"measure": ["map"]}, "measure: .*'map' is not one of monolingual_map"),
        ({"qestion": "?"}, "qestion: Extra inputs"),
        ({"claims": [CLAIM | {"than": "hybird"}]}, "no condition 'hybird'.*Did you mean 'hybrid'"),
        ({"claims": [CLAIM | {"than": "X-X @ typo"}]}, "no evaluation 'typo'; there are MLQA-R"),
        ({"claims": [CLAIM]}, "claims.0: .*expected condition and than"),
        (
            {"claims": [SHARE], "sizes": {"small": {"base": CHANGED}}},
            "share of 'typo' needs an eval",
        ),
        ({"also": {"X-X": {}}}, "condition X-X is in the grid and under also"),
    ],
)
def test_wrong_files_are_refused(change, message, tmp_path):
    document = yaml.safe_load(shipped_studies()["replication"].read_text()) | change
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(UserError, match=message):
        runs(read_study(str(path), "small"))


def test_an_unknown_study_is_refused():
    with pytest.raises(UserError, match=r"study alfa: cannot be read.*Did you mean 'alpha'"):
        read_study("alfa", "small")
