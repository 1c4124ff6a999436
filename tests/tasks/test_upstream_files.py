"""The files offered to mteb: its own evaluator gives the tasks the scores that xbench gives."""

from __future__ import annotations

import importlib.util

import mteb
import pytest

from tests.conftest import ROOT, HashEncoder
from xbench.tasks import (
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)

pytestmark = pytest.mark.integration

TASKS = {
    "XQuADRMonolingualRetrieval": XBenchMiniMonolingualRetrieval,
    "XQuADRCrosslingualRetrieval": XBenchMiniCrosslingualRetrieval,
    "XQuADRMultilingualRetrieval": XBenchMiniMultilingualRetrieval,
}


def load(name):
    """Load a file of docs/upstream, which is not part of the package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "upstream" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """The three classes, which read a data set made of the shipped corpus."""
    folder = tmp_path_factory.mktemp("hub") / "XQuADR"
    task = XBenchMiniMultilingualRetrieval()
    task.load_data()
    load("make_dataset").write(task.corpus_data, folder)
    module = load("xquad_r_retrieval")
    for name in TASKS:
        getattr(module, name).metadata.dataset["path"] = str(folder)
    languages = list(task.corpus_data.queries)
    module.XQuADRMultilingualRetrieval.pools = {code: (code, languages) for code in languages}
    return module


@pytest.mark.parametrize(("name", "own"), TASKS.items())
def test_scores_equal_ours(tasks, name, own):
    ours = own()
    task = getattr(tasks, name)().filter_languages(None, hf_subsets=list(ours.hf_subsets))
    (theirs,) = mteb.evaluate(HashEncoder(), task, cache=None).task_results
    expected = mteb.evaluate(HashEncoder(), ours, cache=None).task_results[0].scores["test"]
    found = {row["hf_subset"]: row for row in theirs.scores["test"]}
    assert set(found) == {row["hf_subset"] for row in expected}
    for row in expected:
        for measure in ("ndcg_at_10", "recall_at_10"):
            assert found[row["hf_subset"]][measure] == pytest.approx(row[measure], abs=1e-5)
        assert found[row["hf_subset"]]["map_at_1000"] == pytest.approx(row["map"], abs=1e-5)


def test_metadata_is_complete(tasks):
    for name, own in TASKS.items():
        metadata = getattr(tasks, name).metadata
        assert metadata.is_filled() and metadata.name == name
        ours = own.metadata.eval_langs
        assert {subset: metadata.eval_langs[subset] for subset in ours} == ours
