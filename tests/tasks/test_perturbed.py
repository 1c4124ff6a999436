"""mteb's own tasks with perturbed queries, evaluated by mteb."""

from __future__ import annotations

import mteb
import pytest
from datasets import Dataset
from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData

import xbench

pytestmark = pytest.mark.integration

WORDS = [
    f"{a}{b}{c}ion" for a in ("st", "pr", "cr", "tr") for b in "aeiou" for c in ("t", "p", "ll")
]
QUERIES = {str(i): " ".join(WORDS[i : i + 4]) for i in range(40)}
CORPUS = {f"p{i}": f"{text} and more" for i, text in QUERIES.items()}
RELEVANT = {i: {f"p{i}": 1} for i in QUERIES}
STEPS = ["typo:0.3"]


class New(type(mteb.get_task("NFCorpus"))):
    """In the form of mteb 2."""

    def load_data(self, num_proc=None, **kwargs):
        def rows(texts):
            return Dataset.from_list([{"id": i, "text": text} for i, text in texts.items()])

        split = RetrievalSplitData(
            corpus=rows(CORPUS), queries=rows(QUERIES), relevant_docs=RELEVANT, top_ranked=None
        )
        self.dataset, self.data_loaded = {"default": {"test": split}}, True


class Old(New):
    """In the form of mteb 1, which mteb converts."""

    def load_data(self, num_proc=None, **kwargs):
        self.queries, self.relevant_docs = {"test": dict(QUERIES)}, {"test": dict(RELEVANT)}
        self.corpus = {"test": {i: {"title": "", "text": text} for i, text in CORPUS.items()}}
        self.data_loaded = True


def scored(task):
    xbench.register()
    model = mteb.get_model("xbench/char-ngram")
    (result,) = mteb.evaluate(model, task, cache=None).task_results
    return result.task_name, result.scores["test"][0]["ndcg_at_10"]


@pytest.mark.parametrize("cls", [New, Old])
def test_queries_are_those_of_perturb_and_the_task_stays(cls):
    clean = cls()
    changed = xbench.perturb_task(clean, STEPS, seed=2)
    changed.load_data()
    queries = changed.dataset["default"]["test"]["queries"]
    assert list(queries["id"]) == list(QUERIES)
    assert list(queries["text"]) == xbench.perturb([*QUERIES.values()], STEPS, "en", seed=2)
    assert not clean.data_loaded


@pytest.mark.parametrize("cls", [New, Old])
def test_mteb_evaluates_them_under_a_name_of_their_own(cls):
    changed = xbench.perturb_task(cls(), ["typo:0.5"])
    name, score = scored(changed)
    assert name == "NFCorpus-typo-0.5"
    assert scored(changed) == (name, score), "mteb unloads the data after an evaluation"
    assert scored(cls()) == ("NFCorpus", pytest.approx(1))
    assert score < 1


@pytest.mark.parametrize(
    ("task", "steps", "message"),
    [
        ("STSBenchmark", STEPS, "STSBenchmark.* is not one of mteb's text retrieval tasks"),
        ("NFCorpus", ["codeswitch:0.1"], "codeswitch:0.1 needs translations"),
        ("NFCorpus", ["tipo:0.1"], "unknown kind 'tipo'"),
    ],
)
def test_what_cannot_be_perturbed(task, steps, message):
    with pytest.raises(xbench.UserError, match=message):
        xbench.perturb_task(mteb.get_task(task), steps)


def test_tasks_of_xbench_have_an_option():
    (own,) = xbench.get_tasks("XBenchMiniMonolingualRetrieval")
    with pytest.raises(xbench.UserError, match=r"xbench.evaluate\(model, tasks='XBenchMini"):
        xbench.perturb_task(own, STEPS)
