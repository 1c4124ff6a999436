"""Reading ahead, and tokenizing ahead of a real model."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from xbench.models.encoder import MtebTextEncoder
from xbench.search.streamed.local_backend import read_ahead
from xbench.search.streamed.scorers import EncoderScorer
from xbench.tasks import MIRACLMonolingualRetrieval

TEXTS = [f"{'word ' * (n % 7 + 1)}{n}" for n in range(100)]
METADATA = MIRACLMonolingualRetrieval.metadata


def test_items_come_in_order_and_are_made_ahead():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    with closing(read_ahead(items(), 3)) as ready:
        assert next(ready) == 0
        deadline = time.monotonic() + 10
        while len(made) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(made) == 5
        assert list(ready) == list(range(1, 10))


def test_what_the_thread_raises_is_raised_in_its_place():
    def items():
        yield 1
        raise ValueError("damaged")

    ready = read_ahead(items(), 3)
    assert next(ready) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(ready)


def test_the_thread_ends_when_nobody_asks_any_more():
    before = threading.active_count()
    ready = read_ahead(iter(range(1000)), 2)
    next(ready)
    ready.close()
    assert threading.active_count() == before


def test_an_encoder_scores_as_the_model_does(tiny_transformer):
    encoder = MtebTextEncoder(tiny_transformer, METADATA, {"batch_size": 8})
    queries = encoder.vectors(["one", "two words"], "query")
    scorer = EncoderScorer(encoder, {"en": queries})
    prepared = scorer.prepare(TEXTS, "en")
    assert prepared.queued is not None
    read = scorer.read(prepared)
    expected = encoder.similarity(queries, encoder.own_vectors(TEXTS, "passage"))
    np.testing.assert_allclose(scorer.scores("en", ("en",), read), expected, atol=1e-6)
    scorer.close()


@pytest.mark.integration
def test_pieces_of_few_and_of_many_passages_do_not_spoil_each_others_texts(tiny_transformer):
    encoder = MtebTextEncoder(tiny_transformer, METADATA, {"batch_size": 8})
    scorer = EncoderScorer(encoder, {})
    pieces = [TEXTS[start : start + size] for start in range(20) for size in (20, 80, 3)]
    prepared = (scorer.prepare(texts, "en") for texts in pieces)
    expected = dict(zip(TEXTS, encoder.own_vectors(TEXTS, "passage"), strict=True))
    for texts, own in zip(pieces, read_ahead(prepared, 4), strict=True):
        np.testing.assert_allclose(scorer.read(own), [expected[t] for t in texts], atol=1e-5)
    scorer.close()


def test_cut_passages_are_counted(tiny_transformer):
    tiny_transformer.model.max_seq_length = 12
    encoder = MtebTextEncoder(tiny_transformer, METADATA, {"batch_size": 8})
    scorer = EncoderScorer(encoder, {})
    prepared = scorer.prepare(["short", "a much longer text than that"], "en")
    assert scorer.truncated(prepared) == 1
    scorer.close()


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_the_models_own_similarity_is_used(tiny_transformer, measure):
    tiny_transformer.model.similarity_fn_name = measure
    encoder = MtebTextEncoder(tiny_transformer, METADATA, {"batch_size": 8})
    random = np.random.default_rng(0)
    queries, passages = (random.standard_normal((n, 32), np.float32) for n in (3, 5))
    product = encoder.matrix_product(queries)
    assert (product is not None) == (measure in ("cosine", "dot"))
    if product is not None:
        np.testing.assert_allclose(
            product(passages), encoder.similarity(queries, passages), rtol=1e-5, atol=1e-5
        )
