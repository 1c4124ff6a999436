"""MTOP: translations are relevant, and an utterance is not in the pool of its own query."""

from __future__ import annotations

import numpy as np
import pytest

from xbench.data.datasets import MTOP
from xbench.metrics.subsets import task_per_query
from xbench.models.baselines.bm25 import BM25
from xbench.tasks import MTOPCrosslingualRetrieval, MTOPMultilingualRetrieval
from xbench.tasks.mtop import utterances

LANGUAGES = ("de", "en", "th")


def test_the_test_set_is_parallel_and_as_pinned(location, shared_data):
    rows = utterances("test", location)
    assert len(rows) == 1237
    assert all(set(texts) == set(MTOP.languages) and all(texts.values()) for _, texts in rows)
    assert len(utterances("dev", location)) == 859
    own = {text for _, texts in utterances("dev", location) for text in texts.values()}
    tested = {text for _, texts in rows for text in texts.values()}
    assert len(own & tested) < 0.01 * len(tested)


def test_across_languages_the_one_relevant_passage_is_the_translation(location, shared_data):
    task = MTOPCrosslingualRetrieval(languages=("de", "en"), location=location)
    task.load_data()
    corpus = task.corpus_data
    passages = dict(zip(corpus.passages["de"].ids, corpus.passages["de"].texts, strict=True))
    texts = dict(utterances("test", location))
    for question in corpus.queries["en"].ids:
        (relevant,) = corpus.relevant["de"][question]
        assert passages[relevant] == texts[question]["de"]


@pytest.mark.parametrize("searches", [False, True])
def test_ranks_are_those_of_the_pool_without_the_utterance_by_brute_force(
    searches, hash_encoder, location, shared_data, monkeypatch
):
    rows = utterances("test", location)[:60]
    monkeypatch.setattr("xbench.tasks.mtop.utterances", lambda split, place: rows)
    task = MTOPMultilingualRetrieval(languages=LANGUAGES, location=location)
    model = BM25() if searches else hash_encoder
    found = task.ranks(model, {"batch_size": 32, "show_progress_bar": False})
    corpus = task.corpus_data
    for code, ranks in found.items():
        sizes = {own: len(corpus.passages[own]) - (own == code) for own in LANGUAGES}
        assert dict(ranks.pool) == sizes
        assert set(ranks.language) == set(LANGUAGES) - {code}
        assert (ranks.rank <= ranks.pool_size).all()
        if not searches:
            check_order(ranks, corpus, code, hash_encoder)
    values = task_per_query(found, multilingual=True)
    for own in values.values():
        assert ((own["map"] >= 0) & (own["map"] <= 1)).all()
        assert (own["rank_distance"] >= 1).all()


def check_order(ranks, corpus, code, encoder):
    """Compare ranks and the languages of the first places with those of sorted scores."""
    ids = [i for own in LANGUAGES for i in corpus.passages[own].ids]
    texts = [t for own in LANGUAGES for t in corpus.passages[own].texts]
    passages = np.array([encoder.vector("document", text) for text in texts])
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    for row, question in enumerate(ranks.questions):
        text = corpus.queries[code].texts[corpus.queries[code].ids.index(question)]
        scores = passages @ encoder.vector("query", text)
        (own,) = corpus.relevant[code][question]
        order = [i for i in np.argsort(-scores) if ids[i] != own]
        place = {ids[i]: number for number, i in enumerate(order, 1)}
        others = [other for other in LANGUAGES if other != code]
        expected = [place[corpus.relevant[other][question][0]] for other in others]
        assert ranks.rank[ranks.query == row].tolist() == expected
        codes = [LANGUAGES.index(ids[i].partition(".")[0]) for i in order[:99]]
        assert ranks.top[row][:99].tolist() == codes


def test_there_is_no_monolingual_task():
    assert MTOP.settings == ("crosslingual", "multilingual")
