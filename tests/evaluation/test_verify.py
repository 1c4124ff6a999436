"""``xbench verify``: the model is run again on some questions, and its ranks compared."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from tests.leaderboard.sound_results import write_sound
from xbench.cli import main
from xbench.data.catalogue import BENCHMARKS
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.models.options import ModelOptions

pytestmark = pytest.mark.integration

MONO, CROSS, MULTI = BENCHMARKS["XBenchMini"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    for model in ("xbench/bm25", "xbench/char-ngram"):
        evaluate(
            ModelOptions(model), Selection((MONO, CROSS, MULTI)), output=root, show_progress=False
        )
    return root


def verify(path, *words):
    return CliRunner().invoke(main, ["verify", str(path), *map(str, words)])


@pytest.mark.integration
@pytest.mark.parametrize("model", ["xbench__bm25", "xbench__char-ngram"])
@pytest.mark.parametrize("task", [MONO, CROSS, MULTI])
def test_the_ranks_of_the_model_itself_agree(results, model, task):
    done = verify(results / model / "1" / f"{task}.json", "--sample", 10)
    assert done.exit_code == 0, done.output
    assert "The ranks agree." in done.output
    rows = done.output.splitlines()[2:]
    lines = [line.split() for line in rows if re.match(r"[a-z]{2}(-[a-z]{2})? ", line)]
    assert len(lines) == (6 if task == CROSS else 3)
    assert {line[1] for line in lines} == {"10"}


def test_ranks_of_another_model_differ(tmp_path):
    path = write_sound(tmp_path, MULTI, model="xbench/char-ngram", revision="1")
    done = verify(path)
    assert done.exit_code == 1, done.output
    assert "The ranks differ" in done.output


def test_other_questions_are_drawn_by_another_seed(results):
    path = results / "xbench__bm25" / "1" / f"{MONO}.json"
    outputs = {verify(path, "--sample", 5, "--seed", seed).output for seed in (0, 0, 1)}
    assert len(outputs) == 2


def spoilt(results, folder, change):
    shutil.copytree(results / "xbench__bm25" / "1", folder / "xbench__bm25" / "1")
    path = folder / "xbench__bm25" / "1" / "run_settings.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line["xbench"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path.with_name(f"{MONO}.json")


def remote_code(own):
    own["model"]["trust_remote_code"] = True
    own["command"].append("--trust-remote-code")


def test_code_that_comes_with_a_model_is_never_run(results, tmp_path):
    done = verify(spoilt(results, tmp_path, remote_code))
    assert done.exit_code == 2
    assert "runs code that comes with the model" in done.output
    named = verify(results / "xbench__bm25" / "1" / f"{MONO}.json", "--model", "json:JSONDecoder")
    assert named.exit_code == 2
    assert "code is never run" in named.output


def test_a_result_that_is_not_sound_is_not_verified(results, tmp_path):
    done = verify(spoilt(results, tmp_path, lambda own: own.update(command=["rm"])))
    assert done.exit_code == 2
    assert "not a sound result" in done.output
