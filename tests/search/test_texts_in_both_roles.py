"""A text that is a query and a passage is encoded once by a model to which its role is the same."""

from __future__ import annotations

import numpy as np
import pytest
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

from tests.conftest import HashEncoder, make_tiny_transformer
from tests.models.test_token_queue import METADATA, TEXTS, with_prompts, with_router
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.models.embedding_store import EmbeddingStore
from xbench.models.encoder import MtebTextEncoder
from xbench.search.encoder_ranks import rank_with_encoder

LANGUAGES = ("de", "en")


def corpus_of(texts):
    """Each text is a query, and the passage that is relevant to it, in one of two languages."""
    half = len(texts) // 2
    own = dict(zip(LANGUAGES, (texts[:half], texts[half:]), strict=True))
    questions = tuple(f"q{i}" for i in range(half))
    ids = {code: tuple(f"{code}{q}" for q in questions) for code in own}
    return ParallelCorpus(
        queries={code: Texts(questions, tuple(among)) for code, among in own.items()},
        passages={code: Texts(ids[code], tuple(among)) for code, among in own.items()},
        relevant={code: {q: (f"{code}{q}",) for q in questions} for code in own},
    )


def ranked(model, cache_dir, texts=TEXTS):
    corpus = corpus_of(texts)
    return rank_with_encoder(model, METADATA, {}, corpus, LANGUAGES, LANGUAGES, cache_dir)


def folder(model, role, cache_dir):
    return cache_dir / "embeddings" / MtebTextEncoder(model, METADATA, {}).identity(role)


def stored(model, role, cache_dir):
    store = EmbeddingStore(folder(model, role, cache_dir))
    store.load(TEXTS)
    return store.get(TEXTS)


def tiny():
    return SentenceTransformerEncoderWrapper(make_tiny_transformer())


def test_it_has_the_embeddings_that_encode_gives_in_either_role(tmp_path):
    model = tiny()
    ranking = ranked(model, tmp_path)
    assert (ranking.report.texts, ranking.report.encoded) == (2 * len(TEXTS), len(TEXTS))
    own = MtebTextEncoder(model, METADATA, {})
    for role in ("query", "passage"):
        found = stored(model, role, tmp_path)
        np.testing.assert_allclose(found.vectors, own.own_vectors(TEXTS, role), atol=1e-6)
        np.testing.assert_array_equal(found.truncated, own.truncated(TEXTS, role))


@pytest.mark.parametrize("role", ["query", "passage"])
def test_either_role_takes_over_from_the_other(role, tmp_path):
    ranked(tiny(), tmp_path)
    before = stored(tiny(), role, tmp_path).vectors
    for path in folder(tiny(), role, tmp_path).iterdir():
        path.unlink()
    assert ranked(tiny(), tmp_path).report.encoded == 0
    np.testing.assert_array_equal(stored(tiny(), role, tmp_path).vectors, before)


def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path, monkeypatch):
    add = EmbeddingStore.add

    def stop(store, texts, encoded):
        if {path.parent for path in tmp_path.rglob("*.safetensors")} - {store.folder}:
            raise KeyboardInterrupt
        add(store, texts, encoded)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(EmbeddingStore, "add", stop)
        ranked(tiny(), tmp_path / "stopped")
    ranked(tiny(), tmp_path / "stopped")
    ranked(tiny(), tmp_path / "whole")
    stopped, whole = (
        {path.relative_to(tmp_path / own) for path in (tmp_path / own).rglob("*.safetensors")}
        for own in ("stopped", "whole")
    )
    assert stopped == whole


@pytest.mark.parametrize("make", [with_prompts, with_router])
def test_it_is_encoded_twice_where_the_role_matters(make, tmp_path):
    model = SentenceTransformerEncoderWrapper(make())
    assert ranked(model, tmp_path).report.encoded == 2 * len(TEXTS)
    queries, passages = (stored(model, role, tmp_path).vectors for role in ("query", "passage"))
    assert not np.allclose(queries, passages, atol=1e-3)


def test_what_a_model_does_with_roles_is_tried_and_not_looked_up(tmp_path):
    encoder = HashEncoder()
    assert ranked(encoder, tmp_path).report.encoded == 2 * len(TEXTS)
    assert len([text for role, text in encoder.seen if role == "document"]) == len(TEXTS) + 8


def test_few_texts_are_not_worth_a_trial(tmp_path):
    encoder = HashEncoder()
    ranked(encoder, tmp_path, TEXTS[:40])
    assert len(encoder.seen) == 80
