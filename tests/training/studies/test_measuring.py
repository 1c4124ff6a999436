"""What is kept of a model: the scores of the evaluator, one value per question."""

from __future__ import annotations

import numpy as np
import pytest

import xbench
from tests.conftest import make_tiny_transformer
from xbench.data.datasets import MINI
from xbench.data.perturbation import perturbed_queries
from xbench.training.evaluator import ModelInTraining, SettingsEvaluator
from xbench.training.studies.evaluations import LAREQA, DatasetEvaluation
from xbench.training.studies.measuring import OVERLAP, measure
from xbench.training.studies.training_data import (
    MTOP_DEV,
    common_texts,
    evaluation_texts,
    load_corpus,
    write_dataset,
)

pytestmark = pytest.mark.integration

LANGUAGES = ("de", "en")
MINI_TWO = DatasetEvaluation(dataset="XBench-Mini", languages=LANGUAGES)


@pytest.fixture(scope="module")
def model():
    return ModelInTraining(make_tiny_transformer())


class Counting(ModelInTraining):
    """A model that remembers what it encoded."""

    def __init__(self, model):
        super().__init__(model)
        self.seen = []

    def encode(self, inputs, **kwargs):
        self.seen += [text for batch in inputs for text in batch["text"]]
        return super().encode(inputs, **kwargs)


def values(found, score):
    return np.array(found["scores"][score]["questions"], float)


def test_scores_are_those_of_the_evaluator_and_the_means_of_their_questions(model, location):
    found = measure(model, MINI_TWO, location)
    expected = SettingsEvaluator(MINI, LANGUAGES, location)(model.model)
    (task,) = xbench.get_tasks("XBenchMiniMultilingualRetrieval", languages=LANGUAGES)
    subsets = task.evaluate(model, encode_kwargs={})
    expected[f"mini_{LAREQA}"] = np.mean([own["map_at_20"] for own in subsets.values()])
    assert {f"mini_{name}" for name in found["scores"]} == set(expected)
    for name, own in found["scores"].items():
        assert own["value"] == pytest.approx(expected[f"mini_{name}"], abs=1e-5)
        assert np.nanmean(values(found, name)) == pytest.approx(own["value"], abs=1e-5)
        assert set(own["languages"]) == set(LANGUAGES)
    assert len(found["questions"]) == 48


def test_the_worst_of_several_draws_is_at_most_each_of_them(model, location):
    given = {"dataset": "XBench-Mini", "languages": LANGUAGES, "perturb": ("typo:0.3",)}
    one = measure(model, DatasetEvaluation(**given), location)
    three = measure(model, DatasetEvaluation(**given, worst_of=3), location)
    for score in ("monolingual_map", "multilingual_map"):
        assert three["scores"][score]["value"] < one["scores"][score]["value"]
    rank_distance = [own["scores"]["rank_distance"]["value"] for own in (one, three)]
    assert rank_distance[0] < rank_distance[1]


def test_the_first_ten_in_common_are_those_of_brute_force(model, location):
    clean = load_corpus(MINI, LANGUAGES, location)
    changed = perturbed_queries(clean, ("typo:0.3",), 0)
    texts = {text: None for own in clean.passages.values() for text in own.texts}
    pool = [(own.ids[i], own.texts[i]) for own in clean.passages.values() for i in range(len(own))]
    vectors = dict(
        zip(texts, model.model.encode(list(texts), normalize_embeddings=True), strict=True)
    )
    passages = np.array([vectors[text] for _, text in pool])

    def first_ten(corpus, code):
        queries = list(corpus.queries[code].texts)
        scores = model.model.encode(queries, normalize_embeddings=True) @ passages.T
        return [set(np.argsort(-own)[:10]) for own in scores]

    kept = {
        code: [
            len(a & b) / 10
            for a, b in zip(first_ten(clean, code), first_ten(changed, code), strict=True)
        ]
        for code in LANGUAGES
    }
    given = DatasetEvaluation(dataset="XBench-Mini", languages=LANGUAGES, perturb=("typo:0.3",))
    found = measure(model, given, location)["scores"][OVERLAP]
    for code in LANGUAGES:
        assert found["languages"][code] == pytest.approx(np.mean(kept[code]), abs=0.01)
    by_id = np.argsort(clean.queries["de"].ids)
    expected = np.mean(list(kept.values()), axis=0)[by_id]
    assert found["value"] == pytest.approx(np.mean(expected), abs=0.01)
    assert np.mean(np.isclose(found["questions"], expected, atol=1e-5)) > 0.9, "but for ties"
    assert 0 < found["value"] < 1


def test_scores_by_language_are_means_of_their_questions(model, location):
    found = measure(model, MINI_TWO, location)
    for name in ("monolingual_map", "multilingual_map"):
        own = found["scores"][name]
        for code in LANGUAGES:
            assert np.mean(own["by_language"][code]) == pytest.approx(
                own["languages"][code], abs=1e-5
            )
    assert OVERLAP not in found["scores"]
    across = found["scores"]["crosslingual_map"]
    assert set(across["pairs"]) == {"de-en", "en-de"}
    assert across["pairs"]["de-en"] == pytest.approx(across["languages"]["de"], abs=1e-5)
    assert np.mean(list(across["pairs"].values())) == pytest.approx(across["value"], abs=1e-5)


def test_a_perturbed_evaluation_encodes_no_passage_again(location):
    corpus = load_corpus(MINI, LANGUAGES, location)
    passages = {text for own in corpus.passages.values() for text in own.texts}
    counting = Counting(make_tiny_transformer())
    given = {"dataset": "XBench-Mini", "languages": LANGUAGES}
    measure(counting, DatasetEvaluation(**given), location)
    assert set(counting.seen) >= passages
    counting.seen.clear()
    measure(counting, DatasetEvaluation(**given, perturb=("typo:0.3",), worst_of=2), location)
    assert counting.seen
    assert len(passages & set(counting.seen)) <= 16, "some, to know the model again"


def test_training_data_of_datasets_and_what_they_share_with_a_test_set(location, tmp_path):
    path = tmp_path / "mini.jsonl"
    write_dataset("XBench-Mini", path, location)
    found = common_texts(path, evaluation_texts(MINI_TWO, location))
    assert found["passages"] == 96
    assert found["training_passages"] == 8 * 48


def test_mtop_has_no_monolingual_score(model, location, shared_data, tmp_path, monkeypatch):
    from xbench.tasks.mtop import utterances

    rows = utterances("test", location)[:40]
    monkeypatch.setattr("xbench.tasks.mtop.utterances", lambda split, place: rows)
    found = measure(model, DatasetEvaluation(dataset="MTOP", languages=("de", "th")), location)
    assert set(found["scores"]) == {
        "crosslingual_map",
        "multilingual_map",
        LAREQA,
        "rank_distance",
    }
    monkeypatch.undo()
    path = tmp_path / "dev.jsonl"
    write_dataset(MTOP_DEV, path, location)
    assert len(path.read_text("utf-8").splitlines()) == 832, "of 859, 27 are test utterances, too"
    found = common_texts(path, evaluation_texts(DatasetEvaluation(dataset="MTOP"), location))
    assert found["queries"] == found["passages"] == 0
