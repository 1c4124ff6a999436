"""Tasks of a corpus of one's own: in mteb, against a published set, and from bad arguments."""

from __future__ import annotations

import mteb
import numpy as np
import pandas as pd
import pytest

import xbench
from tests.conftest import HashEncoder
from xbench.data.datasets import SETTINGS
from xbench.models.baselines.char_ngram import CharNgramEncoder
from xbench.search import exact_ranks
from xbench.tasks import (
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMonolingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)

QUIET = {"show_progress_bar": False}
MINI = (
    XBenchMiniMonolingualRetrieval,
    XBenchMiniCrosslingualRetrieval,
    XBenchMiniMultilingualRetrieval,
)


@pytest.fixture(scope="module")
def mini_frame():
    """XBench-Mini as a table of one's own."""
    task = MINI[0]()
    corpus = task.load_corpus(task.source.languages)
    return pd.DataFrame(
        [
            (i, code, query, passage)
            for code in corpus.languages
            for i, query, passage in zip(
                corpus.queries[code].ids,
                corpus.queries[code].texts,
                corpus.passages[code].texts,
                strict=True,
            )
        ],
        columns=["id", "language", "query", "passage"],
    )


@pytest.fixture
def faq():
    return xbench.ParallelRetrieval(
        "faq",
        queries={"en": {"1": "How?", "2": "Where?"}, "de": {"1": "Wie?"}, "fr": {"2": "Où ?"}},
        passages={"en": {"p": "By card.", "q": "In Rome."}, "de": {"p": "Mit Karte.", "r": "Nie."}},
        qrels={"1": ["p"], "2": {"q": 1}},
    )


@pytest.mark.integration
def test_the_scores_are_those_of_the_published_set(mini_frame):
    own = xbench.ParallelRetrieval.from_dataframe(mini_frame, "own")
    assert len(own) == len(MINI)
    for task, cls in zip(own, MINI, strict=True):
        expected = cls().evaluate(CharNgramEncoder(), encode_kwargs=QUIET)
        assert task.evaluate(CharNgramEncoder(), encode_kwargs=QUIET) == expected


def test_mteb_evaluates_it_as_it_is(faq):
    results = mteb.evaluate(HashEncoder(), faq, cache=None, show_progress_bar=False)
    names = ["faqMonolingualRetrieval", "faqCrosslingualRetrieval", "faqMultilingualRetrieval"]
    assert [result.task_name for result in results.task_results] == names
    revision = faq.corpus.dataset.revision
    assert {result.dataset_revision for result in results.task_results} == {revision}
    scores = xbench.load_results(results).to_dataframe()
    assert set(scores["dataset"]) == {"faq"}
    assert set(scores["setting"]) == set(SETTINGS)
    pairs = scores[(scores["setting"] == "crosslingual") & (scores["average"] == "")]
    found = pairs[["query_language", "passage_language"]].drop_duplicates()
    assert sorted(map(tuple, found.to_numpy())) == [("de", "en"), ("en", "de"), ("fr", "en")]


def test_only_subsets_with_questions_are_there(faq):
    assert [list(task.subsets) for task in faq] == [
        ["de", "en"],
        ["de-en", "en-de", "fr-en"],
        ["de", "en", "fr"],
    ]
    assert faq[2].subsets["fr"].passage_languages == ("de", "en")
    assert faq[1].metadata.eval_langs["fr-en"] == ["fra-Latn", "eng-Latn"]


def test_part_of_its_languages():
    own = xbench.ParallelRetrieval(
        "faq",
        {"pt-BR": {"1": "a"}, "pt-PT": {"1": "b"}, "de": {"1": "c"}},
        {"pt-BR": {"1": "d"}, "pt-PT": {"1": "e"}, "de": {"1": "f"}},
        {"1": "1"},
        languages=["Portuguese"],
    )
    assert [list(task.subsets) for task in own] == [
        ["pt-BR", "pt-PT"],
        ["pt-BR-pt-PT", "pt-PT-pt-BR"],
        ["pt-BR", "pt-PT"],
    ]
    assert own[0].metadata.name == "faqMonolingualRetrieval-pt-BR-pt-PT"


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ({"1": ["z"]}, r"qrels\['1'\]: passage 'z' is in no language"),
        ([], "qrels: a list; expected"),
    ],
)
def test_bad_arguments(qrels, message):
    with pytest.raises(xbench.UserError, match=message):
        xbench.ParallelRetrieval("faq", {"de": {"1": "a"}}, {"de": {"p": "b"}}, qrels)


@pytest.mark.parametrize("scores", [100, 48 * 8 * 3 + 5])
def test_ranks_are_the_same_in_blocks_of_queries(scores, mini_frame, monkeypatch):
    def ranks():
        own = xbench.ParallelRetrieval.from_dataframe(mini_frame, "own")
        return own[2].ranks(HashEncoder(), QUIET)

    whole = ranks()
    monkeypatch.setattr(exact_ranks, "SCORES", scores)
    for name, own in ranks().items():
        assert own.questions == whole[name].questions
        for field in ("query", "language", "rank", "top"):
            np.testing.assert_array_equal(getattr(own, field), getattr(whole[name], field))
