"""Tests of the character n-gram encoder."""

import math
from collections import Counter

import mteb
import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.models import EncoderProtocol, SearchProtocol
from sklearn.utils import murmurhash3_32
from torch.utils.data import DataLoader

from xbench.models.baselines.char_ngram import CHAR_NGRAM_META, CharNgramEncoder


def encode(texts, batch_size=32):
    return CharNgramEncoder().encode(
        DataLoader(Dataset.from_dict({"text": texts}), batch_size=batch_size),
        task_metadata=None,
        hf_split="test",
        hf_subset="default",
    )


def similarity(one, other):
    first, second = encode([one, other])
    return float(first @ second)


def test_shape_and_type():
    embeddings = encode(["one", "two", "three"])
    assert embeddings.shape == (3, 1024)
    assert embeddings.dtype == np.float32


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_rows_are_unit_vectors_or_zero(texts):
    for norm in np.linalg.norm(encode(texts), axis=1):
        assert norm == 0 or norm == pytest.approx(1, abs=1e-5)


@given(st.text("abcdef ", min_size=1, max_size=40))
def test_agrees_with_a_naive_implementation(text):
    grams = Counter(
        f" {word} "[start : start + length]
        for word in text.split()
        for length in range(2, min(5, len(word) + 2) + 1)
        for start in range(len(word) + 3 - length)
    )
    expected = np.zeros(1024)
    for gram, count in grams.items():
        code = murmurhash3_32(gram)
        expected[abs(code) % 1024] += math.copysign(math.log1p(count), code)
    expected /= np.linalg.norm(expected) or 1
    np.testing.assert_allclose(encode([text])[0], expected, atol=1e-6)


def test_batches_do_not_change_the_embeddings():
    texts = [f"text number {number}" for number in range(7)]
    np.testing.assert_array_equal(encode(texts, batch_size=2), encode(texts))
    np.testing.assert_array_equal(encode(texts[::-1])[::-1], encode(texts))


def test_vectors_do_not_change_between_versions():
    # The n-grams of "x" are " x", "x " and " x ": three values of 1 / sqrt(3).
    (vector,) = encode(["x"])
    values = {int(position): vector[position] for position in np.flatnonzero(vector)}
    third = 3**-0.5
    assert values == pytest.approx({285: third, 478: -third, 534: third})


def test_frequency_is_damped():
    # The n-grams of "x" occur once or three times, those of "y" always once.
    once, thrice = encode(["x y", "x x x y"])
    (x,), (y,) = encode(["x"]), encode(["y"])
    assert once @ x == pytest.approx(once @ y, abs=1e-6)
    assert (thrice @ x) / (thrice @ y) == pytest.approx(np.log1p(3) / np.log1p(1), rel=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_text_is_similar_to_nothing(text):
    embeddings = encode([text, "text", text])
    model = CharNgramEncoder()
    assert not embeddings[0].any()
    np.testing.assert_array_equal(model.similarity(embeddings[:1], embeddings), [[0, 0, 0]])
    np.testing.assert_array_equal(
        model.similarity_pairwise(embeddings, embeddings).round(decimals=5), [0, 1, 0]
    )


def test_no_texts():
    assert encode([]).shape == (0, 1024)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("the panthers defense", "The Panther's defenses", "a completely other thing"),
        ("中国的首都在哪里", "北京是中国的首都", "黑豹队的防守"),
        ("เมืองหลวงของไทย", "กรุงเทพเป็นเมืองหลวง", "ทีมรับของแพนเธอร์ส"),
        ("लड़की का नाम", "लड़कियों के नाम", "दिल्ली में बारिश हुई"),
    ],
)
def test_shared_spelling_makes_texts_similar(text, near, far):
    assert similarity(text, near) > 2 * max(0.05, similarity(text, far))


def test_spelling_variants_are_one_text():
    assert similarity("STRASSE ＡＢＣ", "Straße abc") == pytest.approx(1)
    assert similarity("عاصمةُ الامـــارات", "عاصمة الإمارات") == pytest.approx(1)


def test_similarity_is_cosine():
    embeddings = encode(["one text", "one test", "another"])
    model = CharNgramEncoder()
    np.testing.assert_allclose(
        model.similarity(embeddings, 2 * embeddings), embeddings @ embeddings.T, atol=1e-6
    )
    np.testing.assert_allclose(
        model.similarity_pairwise(embeddings[:2], 3 * embeddings[1:]),
        (embeddings[:2] * embeddings[1:]).sum(axis=1),
        atol=1e-6,
    )


def test_mteb_takes_it_for_an_encoder_and_not_for_a_search_model():
    assert isinstance(CharNgramEncoder(), EncoderProtocol)
    assert not isinstance(CharNgramEncoder(), SearchProtocol)
    meta = CharNgramEncoder().mteb_model_meta
    assert (meta.name, meta.revision, meta.embed_dim) == ("xbench/char-ngram", "1", 1024)


def test_mteb_loads_it_from_its_metadata():
    assert isinstance(CHAR_NGRAM_META.load_model(device="cpu"), CharNgramEncoder)


class CapitalRetrieval(AbsTaskRetrieval):
    metadata = mteb.TaskMetadata(
        name="CapitalRetrieval",
        description="Find capitals.",
        dataset={"path": "none", "revision": "1"},
        type="Retrieval",
        eval_langs=["eng-Latn", "deu-Latn"],
        main_score="ndcg_at_10",
    )

    def load_data(self, *args, **kwargs):
        capitals = ["Athens is in Greece.", "Hanoi is in Vietnam.", "Ankara is in Turkey."]
        questions = ["Was ist Hanoi?", "Wo liegt Ankara?"]
        test = {
            "corpus": Dataset.from_dict({"id": ["a", "b", "c"], "text": capitals}),
            "queries": Dataset.from_dict({"id": ["q1", "q2"], "text": questions}),
            "relevant_docs": {"q1": {"b": 1}, "q2": {"c": 1}},
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": test}}
        self.data_loaded = True


def test_mteb_evaluates_it():
    results = mteb.evaluate(CharNgramEncoder(), CapitalRetrieval(), cache=None, co2_tracker=False)
    (scores,) = results.task_results[0].scores["test"]
    assert scores["mrr_at_10"] == 1
