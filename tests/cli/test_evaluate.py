"""The commands ``evaluate``, ``tasks``, ``download`` and ``leaderboard``."""

from __future__ import annotations

import json

import pytest

from tests.commands import invoke, start
from tests.conftest import SHARED
from xbench.data.catalogue import BENCHMARKS, TASKS

pytestmark = pytest.mark.integration

MONO, CROSS, MULTI = BENCHMARKS["XBenchMini"]


@pytest.fixture
def xbench(tmp_path):
    def run(*words, **environment):
        return invoke(tmp_path, *words, **environment)

    return run


@pytest.fixture
def real_xbench(tmp_path):
    def run(*words, **environment):
        return start(tmp_path, *words, real=True, **environment).wait()

    return run


def refused(outcome, *parts):
    assert outcome.returncode == 2, outcome.stderr
    assert "Traceback" not in outcome.stderr
    for part in parts:
        assert part in outcome.stderr


@pytest.mark.parametrize(
    "command",
    [[], ["evaluate"], ["tasks"], ["download"], ["leaderboard"], ["leaderboard", "build"]],
)
def test_help(xbench, command):
    outcome = xbench(*command, "--help")
    assert outcome.returncode == 0
    assert "Usage: xbench" in outcome.stdout


@pytest.mark.integration
def test_the_real_command_evaluates(real_xbench, xbench, tmp_path):
    words = ("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", "-o", "out")
    outcome = real_xbench(*words)
    assert outcome.returncode == 0, outcome.stderr
    assert "multilingual" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "Results: out/xbench__bm25/1"
    again = xbench(*words)
    assert outcome.stdout == again.stdout
    refused(real_xbench("tasks", "Nothing"), "unknown task 'Nothing'", MONO)


def test_tasks(xbench):
    outcome = xbench("tasks")
    assert [line.split()[0] for line in outcome.stdout.splitlines()] == list(TASKS)
    described = xbench("tasks", MULTI)
    assert "ar, de, en, es, hi, ru, th, zh" in described.stdout
    refused(xbench("tasks", "Nothing"), "unknown task 'Nothing'", MONO)


def test_evaluate_prints_a_table_and_where_the_files_lie(xbench, tmp_path):
    outcome = xbench("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", "-o", "out")
    assert outcome.returncode == 0, outcome.stderr
    assert "multilingual" in outcome.stdout
    assert "demonstration" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "Results: out/xbench__bm25/1"
    again = xbench("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", "-o", "out")
    assert "3 of 3 tasks already had results; use --overwrite to re-run them." in again.stderr
    assert outcome.stdout == again.stdout


def test_a_table_fits_eighty_columns(xbench):
    outcome = xbench("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", COLUMNS="80")
    assert max(map(len, outcome.stdout.splitlines())) <= 80
    assert "…" not in outcome.stdout


def test_languages_are_marked(xbench, tmp_path):
    outcome = xbench("evaluate", "--model", "xbench/bm25", "-t", MULTI, "--languages", "de,en")
    assert "Not the full scores, and stored apart from them: languages=de,en." in outcome.stdout
    path = tmp_path / "results/xbench__bm25/1/experiments/languages_de,en" / f"{MULTI}.json"
    subsets = json.loads(path.read_text())["scores"]["test"]
    assert [subset["hf_subset"] for subset in subsets] == ["de", "en"]


def test_a_saved_model_runs_with_its_own_options(xbench, tiny_folder, tmp_path):
    outcome = xbench(
        "evaluate", "--model", tiny_folder, "-t", MONO, "--query-prompt", "q: ", "--passage-prompt",
        "p: ", "--max-length", 20, "--dtype", "bfloat16", "--batch-size", 8, "--device", "cpu",
        "--no-progress",
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    (path,) = tmp_path.glob("results/*/*/experiments/*/run_settings.jsonl")
    settings = json.loads(path.read_text())["xbench"]
    assert settings["prompts"] == {"query": "q: ", "passage": "p: "}
    assert (settings["maximum_length"], settings["dtype"]) == (20, "bfloat16")
    assert 0 < settings["encoding"]["truncated"] <= settings["encoding"]["texts"]
    assert "of the texts were truncated at 20 tokens" in outcome.stderr
    assert "q: " in settings["command"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--model", "xbench/bm25", "-t", "Nothing"], ["unknown task 'Nothing'"]),
        (["--model", "nothing", "-t", MONO], ["--model 'nothing'", "path/to/file.py:NAME"]),
        (["--model", "org/nothing", "-t", MONO, "--offline"], ["--offline allows no download"]),
        (["--model", "xbench/bm25", "-t", MONO, "-l", "xx"], ["unknown language 'xx'"]),
        (["--model", "xbench/bm25", "--data-dir", "missing"], ["--data-dir", "does not exist"]),
        (["--model", "xbench/bm25", "--offline"], ["xquad-r/ar.json: no such file", "download"]),
        (["--model", "xbench/bm25", "--batch-size", "0"], ["--batch-size"]),
        (["--model", "xbench/bm25", "-b", "Nothing"], ["--benchmark", "XBenchMini"]),
        (["-t", MONO], ["Missing option '--model'"]),
    ],
)
def test_mistakes_are_told_in_one_message(xbench, arguments, parts):
    refused(xbench("evaluate", *arguments), *parts)


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached(real_xbench):
    outcome = real_xbench(
        "evaluate", "--model", "intfloat/multilingual-e5-smal", "-t", MONO,
        HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="0",
    )  # fmt: skip
    refused(outcome, "cannot be reached", "Did you mean: 'intfloat/multilingual-e5-small'")


def test_an_empty_folder_is_no_model(xbench, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(xbench("evaluate", "--model", "empty", "-t", MONO), "modules.json or config.json")


def test_an_output_that_cannot_be_written(xbench, tmp_path):
    (tmp_path / "file").write_text("")
    refused(xbench("evaluate", "--model", "xbench/bm25", "-t", MONO, "-o", "file"), "--output")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the complete real sets are not there")
def test_download_checks_a_local_folder(xbench):
    outcome = xbench("download", "--data-dir", SHARED / "data")
    assert "XQuAD-R: 11 files checked" in outcome.stdout
    assert "MLQA-R: 7 files checked" in outcome.stdout


def test_download_offline_says_what_is_missing(xbench):
    refused(xbench("download", "--offline"), "xquad-r/ar.json: no such file")


@pytest.mark.slow
@pytest.mark.integration
def test_mtebs_own_command_knows_the_tasks(real_xbench, tmp_path):
    outcome = real_xbench(
        "mteb", "run", "-m", "xbench/char-ngram", "-t", MONO, "--output-folder", "out",
        "--no-co2-tracker",
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    (path,) = tmp_path.glob(f"out/results/*/*/{MONO}.json")
    assert len(json.loads(path.read_text())["scores"]["test"]) == 8


def test_leaderboard_build(xbench, tmp_path):
    xbench("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini")
    outcome = xbench("leaderboard", "build")
    assert outcome.stdout.strip() == "Page: site/index.html"
    assert "xbench/bm25" in (tmp_path / "site/index.html").read_text()
    refused(xbench("leaderboard", "build", "--results", "nothing"), "--results")
