"""Tests that streamed BM25 gives the scores of BM25 in memory, bit by bit, and of its parts."""

import math
import pickle
from collections import Counter
from functools import reduce
from operator import add

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from xbench.models.baselines import streamed_bm25
from xbench.models.baselines.bm25 import BM25
from xbench.models.baselines.streamed_bm25 import Statistics, StreamedBM25, TermCounts
from xbench.models.baselines.tokenization import tokenize

MTEB_ARGUMENTS = {
    "task_metadata": None,
    "hf_split": "test",
    "hf_subset": "default",
    "encode_kwargs": {},
}
WORDS = [
    "a", "b", "running", "runs", "run", "the-end", "Städte", "Stadt", "kitapların", "IŞIĞI",
    "الجامعة", "جامعة", "黑豹隊", "黑豹", "家", "ที่นี่ดี", "ทีมNFLดี", "—", "2015年",
]  # fmt: skip
LANGUAGES = ["ar", "de", "en", "th", "tr", "zh"]

texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
corpora = st.lists(texts, min_size=1, max_size=12)
pools = st.dictionaries(st.sampled_from(LANGUAGES), corpora, min_size=1, max_size=4)
queries = st.dictionaries(
    st.sampled_from(LANGUAGES), st.lists(texts, min_size=1, max_size=4), min_size=1, max_size=3
)


def dataset(texts_by_language):
    rows = [(text, language) for language, some in texts_by_language.items() for text in some]
    ids = [f"{number:05}" for number in range(len(rows))]
    texts, languages = zip(*rows, strict=True)
    return Dataset.from_dict({"id": ids, "text": list(texts), "language": list(languages)})


def scores_in_memory(queries, pool, **parameters):
    """Scores of BM25 over a pool, one matrix of (queries, passages of the pool) per language."""
    model = BM25(**parameters)
    passages = dataset(pool)
    model.index(passages, **MTEB_ARGUMENTS)
    scores = {}
    for language, some in queries.items():
        found = model.search(dataset({language: some}), top_k=len(passages), **MTEB_ARGUMENTS)
        scores[language] = np.full((len(some), len(passages)), -np.inf, np.float32)
        for row, result in zip(scores[language], found.values(), strict=True):
            for passage_id, score in result.items():
                row[int(passage_id)] = score
    return scores


def pieces(texts, size):
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def streamed_scores(queries, pool, size, **parameters):
    """The same of streamed BM25, from pieces that went through bytes."""
    model = StreamedBM25(queries, **parameters)
    counts = [
        TermCounts.from_bytes(model.count(piece, language).to_bytes())
        for language, corpus in pool.items()
        for piece in pieces(corpus, size)
    ]
    statistics = reduce(add, map(Statistics.of, counts))
    return {
        language: np.hstack([model.scores(language, some, statistics) for some in counts])
        for language in queries
    }


def assert_same(streamed, in_memory):
    assert streamed.keys() == in_memory.keys()
    for language, scores in streamed.items():
        assert scores.dtype == np.float32
        np.testing.assert_array_equal(scores, in_memory[language])


@given(queries, pools, st.integers(1, 12), st.floats(0, 3), st.floats(0, 1))
@example({"en": ["a a b", "zucchini", "", "b a"]}, {"en": ["", "a", "", "b a a"]}, 1, 0.9, 0.4)
@example({"en": ["a"]}, {"de": [""]}, 1, 0.9, 0.4)
def test_scores_equal_those_of_bm25_in_memory(queries, pool, size, k1, b):
    parameters = {"k1": k1, "b": b}
    assert_same(
        streamed_scores(queries, pool, size, **parameters),
        scores_in_memory(queries, pool, **parameters),
    )


@pytest.mark.integration
@pytest.mark.parametrize("size", [1, 100, 1000])
def test_scores_equal_those_of_bm25_in_memory_on_many_words(size):
    # Long queries over words of many frequencies, where the order of a sum changes its last bit.
    random = np.random.default_rng(0)
    words = [f"w{number}" for number in range(400)]
    odds = 1 / np.arange(1, 401)

    def draw(count, longest):
        lengths = random.integers(1, longest, count)
        return [" ".join(random.choice(words, n, p=odds / odds.sum())) for n in lengths]

    queries = {"en": draw(40, 40), "sw": draw(20, 40)}
    pool = {"sw": draw(300, 120), "en": draw(700, 80)}
    assert_same(streamed_scores(queries, pool, size), scores_in_memory(queries, pool))


def test_scores_worked_by_hand():
    # As in test_bm25: N = 4, avgdl = 2, "apple" and "banana" each in two passages.
    model = StreamedBM25({"en": ["apple banana", "banana banana banana", "fig"]})
    passages = ["apple banana apple", "banana cherry", "apple", "date elderberry"]
    counts = model.count(passages, "en")
    scores = model.scores("en", counts, Statistics.of(counts))
    nothing = -math.inf
    assert scores == pytest.approx(
        np.array(
            [
                [0.783339, 0.364814, 0.402992, nothing],
                [0.999731, 1.094443, nothing, nothing],
                [nothing] * 4,
            ]
        ),
        rel=1e-5,
    )


def test_counts_worked_by_hand():
    model = StreamedBM25({"en": ["apple banana"], "sw": ["cherry apple"]})
    assert model.vocabulary == {"appl": 0, "banana": 1, "cherry": 2, "apple": 3}
    counts = model.count(["date banana apple banana", "", "date"], "en")
    assert counts.terms == 4
    assert counts.indices.tolist() == [1, 0]
    assert counts.data.tolist() == [2, 1]
    assert counts.indptr.tolist() == [0, 2, 2, 2]
    assert counts.lengths.tolist() == [4, 0, 1]
    statistics = Statistics.of(counts)
    assert (statistics.passages, statistics.length) == (3, 5)
    assert statistics.passage_counts.tolist() == [1, 1, 0, 0]
    assert statistics.order.tolist() == [1, 0]


@given(pools, st.integers(1, 5))
def test_statistics_of_pieces_add_up(pool, size):
    model = StreamedBM25({"en": [" ".join(WORDS)]})
    for language, corpus in pool.items():
        whole = Statistics.of(model.count(corpus, language))
        parts = [Statistics.of(model.count(piece, language)) for piece in pieces(corpus, size)]
        total = reduce(add, parts)
        assert (total.passages, total.length) == (whole.passages, whole.length)
        assert total.passage_counts.tolist() == whole.passage_counts.tolist()
        assert total.order.tolist() == whole.order.tolist()


@given(st.lists(texts, max_size=6))
def test_counts_survive_bytes(corpus):
    counts = StreamedBM25({"zh": WORDS}).count(corpus, "zh")
    content = counts.to_bytes()
    again = TermCounts.from_bytes(content)
    assert again.terms == counts.terms
    for name in ("data", "indices", "indptr", "lengths"):
        assert getattr(again, name).dtype == getattr(counts, name).dtype
        assert getattr(again, name).tolist() == getattr(counts, name).tolist()
    assert again.to_bytes() == content


def test_a_passage_may_hold_a_term_very_often():
    counts = StreamedBM25({"en": ["a"]}).count(["a " * 70_000], "en")
    assert TermCounts.from_bytes(counts.to_bytes()).data.tolist() == [70_000]


def damaged(**changes):
    arrays = dict(load(StreamedBM25({"en": ["a b"]}).count(["a b a", "b"], "en").to_bytes()))
    return save({**arrays, **{name: np.array(values) for name, values in changes.items()}})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no tensors at all",
        save({"data": np.array([1])}),
        damaged(data=[1]),
        damaged(indices=[0]),
        damaged(indices=[0, 1, 2]),
        damaged(indices=[0, 1, -1]),
        damaged(sizes=[1, 1]),
        damaged(sizes=[3]),
    ],
)
def test_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match="not term counts"):
        TermCounts.from_bytes(content)


awkward = st.text(
    st.one_of(st.characters(), st.sampled_from(" \u200b\u200c\u0338\u0301I\u0307م=(,"))
)


@given(awkward | texts, st.sampled_from([*LANGUAGES, "el", "fa"]))
@example("(\u0338a, b.\u0301c =\u0338 (\u200cم) 'ทีมNFLดี' ...", "th")
def test_words_counted_one_by_one_are_the_terms_of_the_text(text, language):
    terms = tokenize(text, language)
    model = StreamedBM25({language: [text]})
    counts = model.count([text], language)
    assert counts.lengths.tolist() == [len(terms)]
    vocabulary = list(model.vocabulary)
    found = {vocabulary[i]: n for i, n in zip(counts.indices, counts.data, strict=True)}
    assert list(found.items()) == list(Counter(terms).items())


def test_words_that_are_not_remembered_count_too(monkeypatch):
    model = StreamedBM25({"en": WORDS})
    corpus = [" ".join(WORDS), WORDS[0], " ".join(reversed(WORDS))]
    expected = model.count(corpus, "en").to_bytes()
    for name, limit in [("_REMEMBERED_WORDS", 3), ("_LONGEST_REMEMBERED", 2)]:
        monkeypatch.setattr(streamed_bm25, name, limit)
        assert StreamedBM25({"en": WORDS}).count(corpus, "en").to_bytes() == expected


def test_a_word_is_not_remembered_in_another_language():
    model = StreamedBM25({"en": ["run"]})
    found = [model.count(["running"], language).data.tolist() for language in ("en", "sw", "en")]
    assert found == [[1], [], [1]]


def test_nothing_to_score():
    model = StreamedBM25({"en": ["a", "b"], "de": []})
    counts = model.count([], "en")
    statistics = Statistics.of(counts)
    assert statistics.passages == 0
    assert model.scores("en", counts, statistics).shape == (2, 0)
    one = model.count(["a"], "en")
    assert model.scores("de", one, Statistics.of(one)).shape == (0, 1)


def test_the_fingerprint_is_that_of_the_vocabulary():
    one, same, other = (StreamedBM25({"en": [text]}) for text in ("a b a", "A b", "a c"))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_it_can_be_sent_to_another_process():
    model = StreamedBM25({"en": WORDS})
    expected = model.count(WORDS, "en").to_bytes()
    assert pickle.loads(pickle.dumps(model)).count(WORDS, "en").to_bytes() == expected


def test_what_belongs_to_other_queries_is_refused():
    model, other = StreamedBM25({"en": ["a"]}), StreamedBM25({"en": ["a b"]})
    counts, others = model.count(["a"], "en"), other.count(["a"], "en")
    with pytest.raises(ValueError, match="vocabulary"):
        model.scores("en", others, Statistics.of(counts))
    with pytest.raises(ValueError, match="vocabulary"):
        model.scores("en", counts, Statistics.of(others))
    with pytest.raises(ValueError, match="vocabularies"):
        Statistics.of(counts) + Statistics.of(others)


def test_a_language_that_is_no_code_is_refused():
    with pytest.raises(ValueError, match="a code such as"):
        StreamedBM25({"en": ["a"]}).count([], "english")


@pytest.mark.parametrize("parameters", [{"k1": -1}, {"k1": math.nan}, {"b": 2}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="must be"):
        StreamedBM25({}, **parameters)
