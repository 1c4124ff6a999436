"""Ranks by counting, against sorting and against trec_eval, with many ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.same_places import assert_same_ties
from xbench._util.errors import UserError
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.search.exact_ranks import RankTable, distinct_texts
from xbench.search.run_ranks import ranks_in_run

LANGUAGES = ("ar", "de", "en")


def corpus_of(passages: dict[str, list[str]], relevant: dict[str, dict[str, list[int]]], n: int):
    """A corpus whose passage ids are language and number, so that ids order within a language."""
    ids = {code: [f"{code}.{i:02}" for i in range(len(texts))] for code, texts in passages.items()}
    questions = tuple(f"q{i}" for i in range(n))
    return ParallelCorpus(
        queries={
            code: Texts(questions, tuple(f"{code} {q}" for q in questions)) for code in passages
        },
        passages={code: Texts(tuple(ids[code]), tuple(texts)) for code, texts in passages.items()},
        relevant={
            code: {q: tuple(ids[code][i] for i in where) for q, where in by_question.items()}
            for code, by_question in relevant.items()
        },
    )


@st.composite
def ranked_corpora(draw):
    """A small corpus with repeated texts, and scores of few distinct values."""
    vocabulary = [f"text {i}" for i in range(8)]
    n = draw(st.integers(1, 4))
    passages, relevant = {}, {}
    for code in LANGUAGES:
        texts = draw(st.lists(st.sampled_from(vocabulary), min_size=1, max_size=20))
        passages[code] = texts
        relevant[code] = {
            f"q{q}": draw(st.lists(st.integers(0, len(texts) - 1), max_size=3, unique=True))
            for q in range(n)
        }
    corpus = corpus_of(passages, relevant, n)
    width = len(distinct_texts(corpus, LANGUAGES))
    value = st.sampled_from([-1.0, -0.25, 0.0, 0.5, 0.5000001])
    scores = {
        code: np.array(
            draw(st.lists(st.lists(value, min_size=width, max_size=width), min_size=n, max_size=n)),
            np.float32,
        )
        for code in LANGUAGES
    }
    return corpus, scores


@pytest.mark.integration
@settings(deadline=None, max_examples=60)
@given(ranked_corpora(), st.sets(st.sampled_from(LANGUAGES), min_size=1))
def test_every_pool_is_ranked_as_trec_eval_ranks_it(case, pool):
    corpus, scores = case
    pool = tuple(sorted(pool))
    table = RankTable(corpus, LANGUAGES, LANGUAGES, scores.__getitem__)
    column = {text: i for i, text in enumerate(distinct_texts(corpus, LANGUAGES))}
    for code in LANGUAGES:
        relevant = corpus.relevant_passages(code, pool)
        ranks = table.ranks(code, pool)
        assert ranks.questions == tuple(relevant)
        if not relevant:
            continue
        run = {
            question: {
                passage: float(scores[code][q, column[text]])
                for language in pool
                for passage, text in zip(
                    corpus.passages[language].ids, corpus.passages[language].texts, strict=True
                )
            }
            for q, question in enumerate(corpus.queries[code].ids)
            if question in relevant
        }
        assert_ranks(ranks, run, relevant)
        same = ranks_in_run(run, relevant, {p: p[:2] for p in next(iter(run.values()))}, code)
        assert same.pool == ranks.pool
        if len(pool) == len(LANGUAGES):
            assert_same_ties(ranks, same)
            assert_ties(ranks, run)
        assert sorted(zip(same.query, same.language, same.rank, strict=True)) == sorted(
            zip(ranks.query, ranks.language, ranks.rank, strict=True)
        )


def assert_ties(ranks, run):
    """Compare with counts of higher and of equal scores."""
    for row, query in enumerate(ranks.query):
        values = np.array(list(run[ranks.questions[query]].values()), np.float32)
        above, tied = ranks.ties.above[row], ranks.ties.tied[row]
        assert above < ranks.rank[row] <= above + tied
        threshold = np.sort(values)[::-1][ranks.rank[row] - 1]
        assert (above, tied) == ((values > threshold).sum(), (values == threshold).sum())


def assert_ranks(ranks, run, relevant):
    """Compare with a sort by score then id, both descending, and with trec_eval's map."""
    matrix = ranks.matrix()
    qrels = {question: dict.fromkeys(passages, 1) for question, passages in relevant.items()}
    judged = pytrec_eval.RelevanceEvaluator(qrels, {"map"}).evaluate(run)
    for q, question in enumerate(ranks.questions):
        order = sorted(run[question].items(), key=lambda item: (np.float32(item[1]), item[0]))[::-1]
        places = [i + 1 for i, (passage, _) in enumerate(order) if passage in relevant[question]]
        assert matrix[q][: len(places)].tolist() == places
        precision = np.mean([(i + 1) / place for i, place in enumerate(places)])
        assert precision == pytest.approx(judged[question]["map"])


def test_more_passages_than_a_byte_can_count():
    texts = [f"text {i}" for i in range(5000)]
    corpus = corpus_of({"en": texts}, {"en": {"q0": [0]}}, 1)
    scores = np.arange(5000, dtype=np.float32)[None, :]
    ranks = RankTable(corpus, ["en"], ["en"], lambda _: scores).ranks("en", ["en"])
    assert ranks.rank.tolist() == [5000]


def test_a_tie_ranks_the_greater_id_first():
    corpus = corpus_of({"en": ["a", "b", "c"]}, {"en": {"q0": [1]}}, 1)
    scores = np.zeros((1, 3), np.float32)
    ranks = RankTable(corpus, ["en"], ["en"], lambda _: scores).ranks("en", ["en"])
    assert ranks.rank.tolist() == [2]


def test_a_query_without_relevant_passage_in_the_pool_is_left_out():
    corpus = corpus_of({"de": ["x"], "en": ["a"]}, {"de": {"q1": [0]}, "en": {"q0": [0]}}, 2)
    scores = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    table = RankTable(corpus, ["en"], ["de", "en"], lambda _: scores)
    assert table.ranks("en", ["de"]).questions == ("q1",)
    assert table.ranks("en", ["de", "en"]).questions == ("q0", "q1")


def test_a_language_without_queries_is_no_error():
    corpus = corpus_of({"de": ["x"], "en": ["a", "b"]}, {"de": {}, "en": {"q0": [0]}}, 1)
    corpus = replace(corpus, queries={**corpus.queries, "de": Texts((), ())})
    scores = {"de": np.empty((0, 3), np.float32), "en": np.ones((1, 3), np.float32)}
    table = RankTable(corpus, ["de", "en"], ["de", "en"], scores.__getitem__)
    assert table.ranks("de", ["de", "en"]).questions == ()
    assert table.ranks("en", ["de", "en"]).rank.tolist() == [2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_not_finite_is_refused(bad):
    corpus = corpus_of({"en": ["a", "b"]}, {"en": {"q0": [0]}}, 1)
    scores = np.array([[bad, 0.5]], np.float32)
    with pytest.raises(UserError, match="'en' is not finite"):
        RankTable(corpus, ["en"], ["en"], lambda _: scores)


def test_an_unretrieved_passage_has_rank_zero():
    ranks = ranks_in_run({"q": {"a": 1.0}}, {"q": ["a", "b"]}, {"a": "en", "b": "de"}, "en")
    assert ranks.top[0, :2].tolist() == [1, -1]
    assert dict(zip(ranks.language, ranks.rank, strict=True)) == {"en": 1, "de": 0}
