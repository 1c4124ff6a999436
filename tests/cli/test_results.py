"""The command ``xbench results export``: what other tools read is what was measured."""

from __future__ import annotations

import io
import shutil

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard
from mteb import ResultCache

import xbench
from tests.commands import invoke
from xbench.data.catalogue import BENCHMARKS
from xbench.evaluation.mteb_plugin import register

pytestmark = pytest.mark.integration

MINI = BENCHMARKS["XBenchMini"]


def test_tables_are_the_score_table(mini_results, tmp_path):
    expected = xbench.load_results(mini_results).to_dataframe()
    outcome = invoke(tmp_path, "results", "export", mini_results, "--format", "csv")
    exact = {"float_precision": "round_trip", "keep_default_na": False, "na_values": {"low": ""}}
    frame = pd.read_csv(io.StringIO(outcome.stdout), **exact)
    assert list(frame.columns) == list(expected.columns)
    assert frame["value"].tolist() == expected["value"].tolist()
    assert frame["subset"].tolist() == expected["subset"].tolist()
    written = tmp_path / "deep" / "scores.parquet"
    words = ("results", "export", mini_results, "--format", "parquet", "--output", written)
    assert invoke(tmp_path, *words).stdout == ""
    pd.testing.assert_frame_equal(pd.read_parquet(written), expected, check_categorical=False)


def test_mteb_loads_what_is_exported(mini_results, tmp_path):
    register()
    words = ("results", "export", mini_results, "--format", "mteb", "--output", tmp_path / "cache")
    assert invoke(tmp_path, *words).returncode == 0
    cache = ResultCache(tmp_path / "cache")
    loaded = cache.load_results(tasks=list(MINI), include_remote=False)
    assert {result.model_name for result in loaded.model_results} == {
        "xbench/bm25",
        "xbench/char-ngram",
    }
    scores = xbench.load_results(mini_results).to_dataframe()
    means = scores.query("average == 'macro' and measure == 'map' and query_language == ''")
    expected = {(row.model, row.task): row.value for row in means.itertuples()}
    found = {
        (result.model_name, task.task_name): task.get_score()
        for result in loaded.model_results
        for task in result.task_results
    }
    assert found == pytest.approx(expected, abs=1e-6)
    files = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert files == {*(f"{task}.json" for task in MINI), "model_meta.json", "run_settings.jsonl"}
    copied = tmp_path / "cache/results/xbench__bm25/1/run_settings.jsonl"
    assert copied.read_bytes() == (mini_results / "xbench__bm25/1/run_settings.jsonl").read_bytes()


def test_a_model_card_takes_the_block(mini_results, tmp_path):
    folder = mini_results / "xbench__char-ngram"
    block = invoke(tmp_path, "results", "export", folder, "--format", "model-card").stdout
    assert list(yaml.safe_load(block)) == ["model-index"]
    card = ModelCard(f"---\n{block}---\n# Model\n")
    results = card.data.eval_results
    assert card.data.model_name == "xbench/char-ngram"
    scores = xbench.load_results(folder).to_dataframe()
    own = scores[scores["measure"] == "map"].set_index(["task", "subset", "average"])["value"]
    found = {}
    for entry in results:
        _, _, subset = entry.dataset_config.partition("-")
        if entry.metric_type == "map":
            found[entry.task_name, subset, "" if subset else "macro"] = entry.metric_value
    assert len(found) == 3 + 8 + 8
    assert found == pytest.approx({key: own[key] for key in found}, abs=1e-6)
    pooled = [r for r in results if r.dataset_config == "multilingual"]
    expected = ["map", "ndcg_at_10", "recall_at_10", "rank_distance"]
    assert [r.metric_type for r in pooled] == expected
    assert {r.task_name for r in pooled} == {MINI[2]}
    assert {(r.dataset_revision, r.dataset_split) for r in results} == {("1", "test")}


def test_what_cannot_be_exported(mini_results, tmp_path):
    export = ("results", "export")
    outcome = invoke(tmp_path, *export, mini_results, "--format", "model-card")
    assert outcome.returncode == 2
    assert "a model card is of one model; there are xbench/bm25@1, xbench/char-ngram@1" in (
        outcome.stderr
    )
    outcome = invoke(tmp_path, *export, mini_results, "--format", "mteb")
    assert (outcome.returncode, "--format mteb needs --output" in outcome.stderr) == (2, True)
    outcome = invoke(tmp_path, *export, mini_results, "--format", "modelcard")
    assert "Did you mean 'model-card'?" in outcome.stderr
    outcome = invoke(tmp_path, *export, tmp_path, "--format", "csv")
    assert outcome.returncode == 2
    assert "no results there" in outcome.stderr


def test_files_that_are_not_used_are_named(mini_results, tmp_path):
    shutil.copytree(mini_results / "xbench__bm25", tmp_path / "results" / "xbench__bm25")
    (tmp_path / "results/xbench__bm25/1" / f"{MINI[0]}.json").write_text("{")
    outcome = invoke(tmp_path, "results", "export", "results", "--format", "csv")
    assert outcome.returncode == 0
    assert f"Excluded: xbench__bm25/1/{MINI[0]}.json: " in outcome.stderr
