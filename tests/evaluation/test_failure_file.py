"""The questions that a model fails: what an evaluation saves, read against its own runs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.commands import invoke
from xbench.data.catalogue import BENCHMARKS
from xbench.data.trec_files import read_qrels, read_run
from xbench.results.failures import KEPT, Failures, failures_path, find_failures, read_failures
from xbench.results.findings import Notes

pytestmark = pytest.mark.integration

MINI = BENCHMARKS["XBenchMini"]
EVALUATE = ("evaluate", "--no-progress", "--model")
BM25 = "xbench__bm25/1"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("failures")
    words = ("xbench/bm25", "-b", "XBenchMini", "--save-runs", "--save-failures")
    outcome = invoke(folder, *EVALUATE, *words)
    assert outcome.returncode == 0, outcome.stderr
    assert f"Failures: results-failures/{BM25}" in outcome.stdout.splitlines()
    return folder


def failures(place: Path, task: str) -> Failures:
    path = failures_path(place / "results", place / "results" / BM25, task)
    assert find_failures(place / "results" / BM25 / f"{task}.json", task) == path
    notes = Notes("x")
    found = read_failures(path, notes)
    assert not notes.listed()
    return found


@pytest.mark.parametrize("task", MINI)
def test_the_failures_are_those_of_the_runs(place, task):
    folder = place / "results-runs" / BM25 / task
    found = failures(place, task)
    assert set(found.subsets) == {path.stem for path in folder.glob("*.run")}
    for name, own in found.subsets.items():
        start = f"{own.query_language}/" if "Multilingual" in task else ""
        path = folder / f"{name}.run"
        run = read_run(path) if path.stat().st_size else {}
        expected = {}
        for query, relevant in read_qrels(folder / f"{name}.qrels").items():
            ranked = sorted(run.get(query, {}).items(), key=lambda p: (p[1], p[0]), reverse=True)
            ids = [passage for passage, _ in ranked]
            rank = min((ids.index(p) + 1 for p in relevant if p in ids), default=None)
            if rank != 1:
                expected[query.removeprefix(start)] = rank
        assert (own.failed, own.questions) == (len(expected), 48)
        assert len(own.shown) == min(KEPT, len(expected))
        ranks = [failure.rank or 10**6 for failure in own.shown]
        assert ranks == sorted((rank or 10**6 for rank in expected.values()), reverse=True)[:KEPT]
        assert all(expected[failure.question] == failure.rank for failure in own.shown)


def test_texts_are_those_of_the_passages(place):
    own = failures(place, MINI[1]).subsets["de-en"]
    (whale,) = [one for one in own.shown if "größte aller Zeiten" in one.query]
    assert whale.right.text == "The blue whale is the largest animal that has ever lived."
    assert (whale.right.language, own.query_language, own.passage_languages) == ("en", "de", ["en"])
    assert any(one.first is None for one in own.shown), "bm25 finds nothing for some"


def test_failures_that_are_missing_are_made_and_old_ones_do_not_outlive_a_result(tmp_path):
    words = (*EVALUATE, "xbench/bm25", "-t", MINI[0])
    assert invoke(tmp_path, *words).returncode == 0
    result = tmp_path / "results" / BM25 / f"{MINI[0]}.json"
    before = result.read_bytes()
    assert find_failures(result, MINI[0]) is None
    assert invoke(tmp_path, *words, "--save-failures").returncode == 0
    path = find_failures(result, MINI[0])
    assert path is not None
    assert result.read_bytes() == before
    content = path.read_bytes()
    assert invoke(tmp_path, *words, "--overwrite", "--save-failures").returncode == 0
    assert path.read_bytes() == content
    assert invoke(tmp_path, *words, "--overwrite").returncode == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("-t", "MIRACLMonolingualRetrieval", "--save-failures"), "texts of streamed corpora"),
        (("-t", MINI[0], "--rerank", "x", "--save-failures"), "--save-failures cannot be applied"),
        (("-t", MINI[0], "--rerank", "x", "--save-runs"), "--save-runs cannot be applied"),
    ],
)
def test_where_lists_are_not_kept_the_options_are_refused(tmp_path, words, named):
    outcome = invoke(tmp_path, *EVALUATE, "xbench/bm25", *words)
    assert outcome.returncode == 2
    assert named in outcome.stderr
    assert not list(tmp_path.glob("results*/*"))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda text: text[:-2], "JSON"),
        (lambda text: text.replace('"failed":', '"failedd":', 1), "failedd"),
        (lambda text: text.replace('"questions":48', '"questions":-1', 1), "questions"),
        (lambda text: json.dumps({**json.loads(text), "task": "x" * 300}), "task"),
    ],
)
def test_a_damaged_file_is_named(place, tmp_path, damage, named):
    path = failures_path(place / "results", place / "results" / BM25, MINI[0])
    bad = tmp_path / "bad.json.gz"
    bad.write_bytes(gzip.compress(damage(gzip.decompress(path.read_bytes()).decode()).encode()))
    notes = Notes("bad.json.gz")
    assert read_failures(bad, notes) is None
    assert any(named in str(finding) for finding in notes.listed())
