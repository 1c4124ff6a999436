"""Tests of BM25 against values worked by hand and against a naive implementation."""

import math
from collections import Counter

import mteb
import numpy as np
import pytest
from datasets import Dataset
from hypothesis import example, given
from hypothesis import strategies as st
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.models import EncoderProtocol, SearchProtocol

from xbench.models.baselines import bm25
from xbench.models.baselines.bm25 import BM25, BM25_META

FRUIT = {
    "p1": "apple banana apple",
    "p2": "banana cherry",
    "p3": "apple",
    "p4": "date elderberry",
}
MTEB_ARGUMENTS = {
    "task_metadata": None,
    "hf_split": "test",
    "hf_subset": "default",
    "encode_kwargs": {},
    "num_proc": None,
}


def dataset(texts, **columns):
    return Dataset.from_dict({"id": list(texts), "text": list(texts.values()), **columns})


def search(model, queries, top_k=1000, **options):
    queries = queries if isinstance(queries, Dataset) else dataset(queries)
    return model.search(queries, top_k=top_k, **MTEB_ARGUMENTS, **options)


def indexed(passages, **parameters):
    model = BM25(**parameters)
    passages = passages if isinstance(passages, Dataset) else dataset(passages)
    model.index(passages, **MTEB_ARGUMENTS)
    return model


def naive_scores(passages, query, k1, b):
    """BM25 of each matching passage, straight from the formula, for texts of ASCII words."""
    counts = {passage_id: Counter(text.split()) for passage_id, text in passages.items()}
    mean_length = sum(c.total() for c in counts.values()) / len(counts)
    scores = {}
    for passage_id, count in counts.items():
        for term in query.split():
            if term in count:
                n = sum(term in c for c in counts.values())
                idf = math.log(1 + (len(counts) - n + 0.5) / (n + 0.5))
                norm = k1 * (1 - b + b * count.total() / mean_length)
                gain = idf * count[term] / (count[term] + norm)
                scores[passage_id] = scores.get(passage_id, 0.0) + gain
    return scores


def test_scores_worked_by_hand():
    # N = 4, avgdl = 2; both terms are in two passages: idf = ln(1 + 2.5 / 2.5) = ln 2.
    # p1, |d| = 3: k1 * (0.6 + 0.4 * 1.5) = 1.08: ln 2 * (2 / 3.08 + 1 / 2.08) = 0.783339
    # p3, |d| = 1: k1 * (0.6 + 0.4 * 0.5) = 0.72: ln 2 * 1 / 1.72 = 0.402992
    # p2, |d| = 2: k1 * (0.6 + 0.4 * 1.0) = 0.90: ln 2 * 1 / 1.90 = 0.364814
    results = search(indexed(FRUIT), {"q": "apple banana"})
    assert results["q"] == pytest.approx({"p1": 0.783339, "p3": 0.402992, "p2": 0.364814}, rel=1e-5)
    assert list(results["q"]) == ["p1", "p3", "p2"]


def test_a_rare_term_weighs_more():
    # In one passage: idf = ln(1 + 3.5 / 1.5) = ln(10 / 3) = 1.203973; / 1.9 = 0.633670.
    assert search(indexed(FRUIT), {"q": "date"}) == {"q": {"p4": pytest.approx(0.633670, rel=1e-5)}}


def test_a_term_repeated_in_the_query_counts_again():
    # ln 2 * 3 / 1.9 = 1.094443; p1: ln 2 * 3 / 2.08 = 0.999731.
    results = search(indexed(FRUIT), {"q": "banana banana banana"})
    assert results["q"] == pytest.approx({"p2": 1.094443, "p1": 0.999731}, rel=1e-5)


def test_parameters():
    # No length normalization: p1: ln 2 * 2 / (2 + 2) = 0.346574; p3: ln 2 / (1 + 2) = 0.231049.
    results = search(indexed(FRUIT, k1=2.0, b=0.0), {"q": "apple"})
    assert results["q"] == pytest.approx({"p1": 0.346574, "p3": 0.231049}, rel=1e-5)


words = st.lists(st.sampled_from("abcdef"), max_size=12).map(" ".join)
corpora = st.lists(words, min_size=1, max_size=8).map(
    lambda texts: {f"p{number}": text for number, text in enumerate(texts)}
)


@given(corpora, words, st.floats(0, 3), st.floats(0, 1), st.integers(1, 9))
@example({"p0": "", "p1": ""}, "a", 0.9, 0.4, 1)
def test_agrees_with_a_naive_implementation(passages, query, k1, b, top_k):
    model = indexed(passages, k1=k1, b=b)
    found = search(model, {"q": query})["q"]
    assert found == pytest.approx(naive_scores(passages, query, k1, b), rel=1e-5)
    ranking = sorted(found, key=lambda passage_id: (found[passage_id], passage_id), reverse=True)
    assert list(found) == ranking
    assert list(search(model, {"q": query}, top_k)["q"]) == ranking[:top_k]


def test_ties_at_the_cut_are_broken_as_in_trec_eval():
    model = indexed(dict.fromkeys(["p2", "p10", "p1", "x", "P3"], "same text") | {"y": "other"})
    assert list(search(model, {"q": "text"}, top_k=3)["q"]) == ["x", "p2", "p10"]


def test_scores_are_float32():
    (score,) = search(indexed(FRUIT), {"q": "date"})["q"].values()
    assert type(score) is float
    assert score == float(np.float32(score))


def test_queries_without_a_match_get_an_empty_result():
    queries = {"unknown": "zucchini", "empty": "", "symbols": "?!", "known": "date"}
    results = search(indexed(FRUIT), queries)
    assert list(results) == list(queries)
    assert [len(found) for found in results.values()] == [0, 0, 0, 1]


def test_no_queries():
    assert search(indexed(FRUIT), dataset({})) == {}


@pytest.mark.parametrize("scores_per_block", [1, 5, 8, 9])
def test_blocks_of_queries_do_not_change_results(monkeypatch, scores_per_block):
    queries = {"a": "apple", "b": "banana", "c": "nothing", "d": "date cherry", "e": "apple date"}
    expected = search(indexed(FRUIT), queries)
    monkeypatch.setattr(bm25, "_SCORES_PER_BLOCK", scores_per_block)
    assert search(indexed(FRUIT), queries) == expected


def test_only_top_ranked_passages_are_considered():
    queries = {"q": "apple banana", "unlisted": "apple"}
    found = search(indexed(FRUIT), queries, top_ranked={"q": ["p2", "p4", "p3"]}, top_k=1)
    assert found == {"q": {"p3": pytest.approx(0.402992, rel=1e-5)}, "unlisted": {}}


def test_the_title_is_searched_too():
    titles = ["cherry pie", None, "", "grape"]
    model = indexed(dataset(FRUIT, title=titles))
    assert set(search(model, {"q": "grape"})["q"]) == {"p4"}
    assert set(search(model, {"q": "cherry"})["q"]) == {"p1", "p2"}


def test_each_row_is_tokenized_in_its_language():
    passages = dataset(
        {"en": "He runs", "de": "Die Städte", "none": "runs Städte"}, language=["en", "de", None]
    )
    queries = dataset(
        {"en": "running", "de": "Stadt", "none": "Städte runs"}, language=["en", "de", None]
    )
    results = search(indexed(passages), queries)
    assert {query_id: set(found) for query_id, found in results.items()} == {
        "en": {"en"},
        "de": {"de"},
        "none": {"none"},
    }


def test_indexing_again_replaces_the_corpus():
    model = indexed(FRUIT)
    model.index(dataset({"new": "fig"}), **MTEB_ARGUMENTS)
    assert search(model, {"q": "apple"}) == {"q": {}}
    assert set(search(model, {"q": "fig"})["q"]) == {"new"}


@pytest.mark.parametrize("corpus", [Dataset.from_list([]), dataset({})])
def test_an_empty_corpus_is_refused(corpus):
    with pytest.raises(ValueError, match="empty corpus"):
        BM25().index(corpus, **MTEB_ARGUMENTS)


def test_a_repeated_passage_id_is_refused():
    with pytest.raises(ValueError, match="same id"):
        BM25().index(Dataset.from_dict({"id": ["p", "p"], "text": ["a", "b"]}), **MTEB_ARGUMENTS)


def test_searching_before_indexing_is_refused():
    with pytest.raises(RuntimeError, match="index first"):
        search(BM25(), {"q": "apple"})


@pytest.mark.parametrize(
    "parameters",
    [{"k1": -0.1}, {"k1": math.inf}, {"k1": math.nan}, {"b": -0.1}, {"b": 1.1}, {"b": math.nan}],
)
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="must be"):
        BM25(**parameters)


@pytest.mark.parametrize("top_k", [0, -1])
def test_a_top_k_that_is_not_positive_is_refused(top_k):
    with pytest.raises(ValueError, match="top_k"):
        search(indexed(FRUIT), {"q": "apple"}, top_k=top_k)


def test_mteb_takes_it_for_a_search_model_and_not_for_an_encoder():
    assert isinstance(BM25(), SearchProtocol)
    assert not isinstance(BM25(), EncoderProtocol)
    meta = BM25().mteb_model_meta
    assert (meta.name, meta.revision) == ("xbench/bm25", "1")


def test_other_parameters_are_another_experiment_for_mteb():
    assert BM25().mteb_model_meta.experiment_name is None
    assert BM25(k1=1.2, b=0.75).mteb_model_meta.experiment_kwargs == {"k1": 1.2, "b": 0.75}
    assert BM25_META.experiment_kwargs is None


def test_mteb_loads_it_from_its_metadata():
    model = BM25_META.load_model(device="cpu", k1=1.2)
    assert isinstance(model, BM25)
    assert (model.k1, model.b) == (1.2, 0.4)


class FruitRetrieval(AbsTaskRetrieval):
    metadata = mteb.TaskMetadata(
        name="FruitRetrieval",
        description="Find fruit.",
        dataset={"path": "none", "revision": "1"},
        type="Retrieval",
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_10",
    )

    def load_data(self, *args, **kwargs):
        test = {
            "corpus": dataset(FRUIT, title=["", "", "", "Syrup"]),
            "queries": dataset({"q1": "apple", "q2": "elderberry syrup", "q3": "zucchini"}),
            "relevant_docs": {"q1": {"p1": 1}, "q2": {"p4": 1}, "q3": {"p2": 1}},
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": test}}
        self.data_loaded = True


def test_mteb_evaluates_it():
    results = mteb.evaluate(BM25(), FruitRetrieval(), cache=None, co2_tracker=False)
    (scores,) = results.task_results[0].scores["test"]
    # p1 before p3 for q1, p4 alone for q2, nothing for q3.
    assert scores["mrr_at_10"] == pytest.approx((1 + 1 + 0) / 3)
