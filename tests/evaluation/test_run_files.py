"""Runs that an evaluation saves: read by another tool, they have the scores of the results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import pytrec_eval

from tests.commands import invoke
from xbench.analysis.run_bias import language_bias
from xbench.data.catalogue import BENCHMARKS
from xbench.data.trec_files import read_qrels, read_run

pytestmark = pytest.mark.integration

MINI = BENCHMARKS["XBenchMini"]
EVALUATE = ("evaluate", "--benchmark", "XBenchMini", "--no-progress", "--model")
MEASURES = {"map": "map", "ndcg_cut_10": "ndcg_at_10", "recall_5": "recall_at_5"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for model in ("xbench/char-ngram", "xbench/bm25"):
        outcome = invoke(folder, *EVALUATE, model, "--save-runs")
        assert outcome.returncode == 0, outcome.stderr
        runs = f"results-runs/{model.replace('/', '__')}/1"
        assert f"Runs: {runs}" in outcome.stdout.splitlines()
    return folder


def subsets(place: Path, model: str, task: str) -> dict[str, dict[str, float]]:
    result = json.loads((place / "results" / model / "1" / f"{task}.json").read_text())
    return {own["hf_subset"]: own for own in result["scores"]["test"]}


@pytest.mark.parametrize("model", ["xbench__char-ngram", "xbench__bm25"])
@pytest.mark.parametrize("task", MINI)
def test_trec_eval_gives_the_scores_of_the_results(place, model, task):
    """As with its option -c, a query that is not in the run counts as 0."""
    folder = place / "results-runs" / model / "1" / task
    expected = subsets(place, model, task)
    assert {path.stem for path in folder.glob("*.run")} == expected.keys()
    for name, scores in expected.items():
        with (folder / f"{name}.qrels").open() as qrels, (folder / f"{name}.run").open() as run:
            judged = pytrec_eval.parse_qrel(qrels)
            evaluator = pytrec_eval.RelevanceEvaluator(judged, MEASURES)
            found = evaluator.evaluate(pytrec_eval.parse_run(run))
        assert len(judged) == 48
        assert model == "xbench__bm25" or len(found) == 48
        for theirs, ours in MEASURES.items():
            mean = sum(own[theirs] for own in found.values()) / len(judged)
            assert mean == pytest.approx(scores[ours], abs=2e-6), (name, ours)


def test_the_runs_of_a_pool_have_the_language_bias_of_the_results(place):
    task, model = MINI[2], "xbench__char-ngram"
    folder = place / "results-runs" / model / "1" / task
    for suffix in ("run", "qrels"):
        parts = sorted(folder.glob(f"??.{suffix}"))
        assert len(parts) == 8
        (folder / f"all.{suffix}s").write_text("".join(path.read_text() for path in parts))
    words = ("bias", folder / "all.runs", folder / "all.qrelss")
    outcome = invoke(place, *words, "--languages", folder / "languages.tsv", "--format", "json")
    found = json.loads(outcome.stdout)
    assert (found["queries"], found["not_retrieved"], found["notes"]) == (8 * 48, 0, [])
    for code, scores in subsets(place, model, task).items():
        for name, value in found["by_language"][code].items():
            assert value == pytest.approx(scores[name], abs=2e-6), (code, name)


def test_ranks_are_in_order_and_scores_are_exact(place):
    path = place / "results-runs/xbench__char-ngram/1" / MINI[0] / "th.run"
    ranks: dict[str, list[tuple[int, float, str]]] = {}
    for line in path.read_text().splitlines():
        query, _, passage, rank, score, _ = line.split(" ")
        ranks.setdefault(query, []).append((int(rank), float(score), passage))
    for own in ranks.values():
        assert [rank for rank, _, _ in own] == list(range(1, 49))
        order = [(score, passage) for _, score, passage in own]
        assert order == sorted(order, reverse=True)


def test_runs_that_are_missing_are_made_and_results_stay(place, tmp_path):
    whole = invoke(tmp_path, *EVALUATE, "xbench/bm25")
    assert whole.returncode == 0
    results = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.json*")}
    assert not (tmp_path / "results-runs").exists()
    assert invoke(tmp_path, *EVALUATE, "xbench/bm25", "--save-runs").returncode == 0
    made = sorted((tmp_path / "results-runs").rglob("*.run"))
    assert len(made) == 8 + 56 + 8
    for path in made:
        assert path.read_bytes() == (place / path.relative_to(tmp_path)).read_bytes()
    made[0].unlink()
    others = {path: path.stat().st_mtime_ns for path in made if path.parent != made[0].parent}
    assert invoke(tmp_path, *EVALUATE, "xbench/bm25", "--save-runs").returncode == 0
    assert made[0].exists()
    assert others == {path: path.stat().st_mtime_ns for path in others}
    assert results == {path: path.read_bytes() for path in results}


def test_checks_and_pull_requests_do_not_meet_runs(place, tmp_path):
    assert invoke(place, "validate", "results").returncode == 0
    assert invoke(place, "submit", "xbench/bm25", "--output", tmp_path).returncode == 0
    assert not list(tmp_path.rglob("*.run"))


def test_what_is_saved_is_read_back(place):
    folder = place / "results-runs/xbench__bm25/1" / MINI[2]
    run, qrels = read_run(folder / "de.run"), read_qrels(folder / "de.qrels")
    languages = folder / "languages.tsv"
    found = language_bias(run, qrels, languages)
    assert found.passages == 8 * 48
    assert all(query.startswith("de/") for query in run)
