"""Texts sorted by tokens have the embeddings of the model's own `encode`, whatever its modules."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Router
from sentence_transformers.models import Pooling, Transformer
from transformers import LlamaConfig, LlamaModel

from tests.conftest import make_tiny_transformer
from tests.models.test_forms import static_model
from xbench.models.embedding_store import EmbeddingStore, embed
from xbench.models.encoder import MtebTextEncoder
from xbench.models.same_model import least_cosine
from xbench.models.token_batches import TokenBatches
from xbench.models.token_queue import CHUNK
from xbench.tasks import XBenchMiniMonolingualRetrieval

pytestmark = pytest.mark.integration

METADATA = XBenchMiniMonolingualRetrieval.metadata
random = np.random.default_rng(7)
ALPHABETS = ("abcdefgh ", "абвгдежз ", "אבגדהוזח ")
TEXTS = [
    "".join(random.choice(list(ALPHABETS[n % 3]), 1 + int(random.integers(n % 90 + 1)))) + str(n)
    for n in range(300)
]


def with_prompts():
    model = make_tiny_transformer()
    model.prompts = {"query": "Who asks? ", "document": "It is said: "}
    return model


def without_the_prompt_in_the_mean():
    model = with_prompts()
    model.set_pooling_include_prompt(False)
    return model


def with_dense_and_normalize():
    model = make_tiny_transformer()
    return SentenceTransformer(modules=[*model, Dense(32, 16), Normalize()], device="cpu")


def with_router():
    query, document = make_tiny_transformer(1), make_tiny_transformer(2)
    router = Router.for_query_document([query[0], Pooling(32, "cls")], [document[0], document[1]])
    return SentenceTransformer(modules=[router, Normalize()], device="cpu")


def that_reads_from_left_to_right():
    """A decoder with relative positions, whose tokenizer pads on the left."""
    tokenizer = make_tiny_transformer().tokenizer
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    with tempfile.TemporaryDirectory() as folder:
        LlamaModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=64)
    transformer.tokenizer.padding_side = "left"
    return SentenceTransformer(modules=[transformer, Pooling(32, "lasttoken")], device="cpu")


def with_few_dimensions():
    model = make_tiny_transformer()
    model.truncate_dim = 8
    return model


def with_half_precision():
    return make_tiny_transformer().to(torch.bfloat16)


def with_a_short_maximum():
    model = with_prompts()
    model.max_seq_length = 24
    return model


SORTED = (
    make_tiny_transformer,
    with_prompts,
    without_the_prompt_in_the_mean,
    with_dense_and_normalize,
    with_router,
    that_reads_from_left_to_right,
    with_few_dimensions,
    with_half_precision,
    with_a_short_maximum,
)


def encoder_of(model, **options):
    return MtebTextEncoder(SentenceTransformerEncoderWrapper(model), METADATA, options)


@pytest.mark.parametrize("make", SORTED, ids=lambda make: make.__name__)
@pytest.mark.parametrize("role", ["query", "passage"])
def test_the_embeddings_are_those_of_encode(make, role):
    model = make()
    encoder = encoder_of(model, batch_size=7)
    queued = encoder.prepare(TEXTS, role)
    assert queued is not None
    encode = model.encode_query if role == "query" else model.encode_document
    own = np.asarray(encode(TEXTS, convert_to_tensor=True).float())
    found = encoder.encode(TEXTS, role)
    least = 0.999 if model.dtype == torch.bfloat16 else 0.99999
    assert found.vectors.shape == own.shape
    assert least_cosine(found.vectors, own) >= least
    np.testing.assert_array_equal(found.truncated, encoder.truncated(TEXTS, role))


class Mixing(Pooling):
    """Pooling after which each vector depends on the other texts of its batch."""

    def forward(self, features):
        features = super().forward(features)
        vectors = features["sentence_embedding"]
        return {**features, "sentence_embedding": vectors - vectors.mean(dim=0)}


class Own(SentenceTransformer):
    pass


def of_another_class():
    return Own(modules=list(make_tiny_transformer()), device="cpu")


def that_mixes_texts():
    model = make_tiny_transformer()
    return SentenceTransformer(modules=[model[0], Mixing(32, "mean")], device="cpu")


def whose_padding_moves_positions():
    model = make_tiny_transformer()
    model.tokenizer.padding_side = "left"
    return model


@pytest.mark.parametrize(
    "make", [of_another_class, that_mixes_texts, whose_padding_moves_positions, static_model]
)
def test_a_model_that_is_not_made_for_it_encodes_by_itself(make, tmp_path):
    encoder = encoder_of(make(), batch_size=8)
    assert encoder.prepare(TEXTS, "query") is None
    own = encoder.own_vectors(TEXTS, "query")
    np.testing.assert_array_equal(encoder.encode(TEXTS, "query").vectors, own)
    store = EmbeddingStore(tmp_path)
    embed(encoder, "query", [TEXTS[:200], TEXTS[100:]], store)
    assert len(store.get(TEXTS).vectors) == len(TEXTS)


def test_one_thread_at_a_time_uses_the_tokenizer_of_a_model_that_encodes_by_itself():
    """In one thread it pads and truncates, in the other it does not: both would be spoilt."""
    begun, ended = threading.Event(), []

    class Slow(Own):
        def encode(self, *args, **kwargs):
            begun.set()
            time.sleep(0.5)
            ended.append("encoded")
            return super().encode(*args, **kwargs)

    encoder = encoder_of(Slow(modules=list(make_tiny_transformer()), device="cpu"))
    with ThreadPoolExecutor(1) as thread:
        encoding = thread.submit(encoder.own_vectors, TEXTS[:8], "passage")
        begun.wait()
        encoder.truncated(TEXTS[:8], "passage")
        ended.append("measured")
    assert len(encoding.result()) == 8
    assert ended == ["encoded", "measured"]


@pytest.mark.parametrize("option", [{"normalize_embeddings": True}, {"precision": "int8"}])
def test_options_of_encode_are_left_to_encode(option):
    encoder = encoder_of(make_tiny_transformer(), **option)
    assert encoder.prepare(TEXTS, "query") is None


def test_few_texts_are_not_worth_a_trial():
    assert encoder_of(make_tiny_transformer()).prepare(TEXTS[:20], "query") is None


def test_batches_hold_so_many_tokens_and_each_text_once(monkeypatch):
    batches = TokenBatches(make_tiny_transformer(), batch_size=32)
    tokenized = batches.tokenize(TEXTS, None, "document")
    seen = []
    forward = TokenBatches._forward

    def note(self, tokenized, rows):
        seen.append(rows)
        return forward(self, tokenized, rows)

    monkeypatch.setattr(TokenBatches, "_forward", note)
    list(batches.encode(tokenized))
    assert sorted(np.concatenate(seen)) == list(range(len(TEXTS)))
    assert all(tokenized.lengths[rows].max() * len(rows) <= 1024 for rows in seen)
    assert batches.tokens == tokenized.lengths.sum()
    own = -(-len(TEXTS) // 32)
    assert len(seen) < 2 * own
    assert batches.padding / batches.tokens < 0.2


def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path):
    texts = [f"{text} {n}" for n in range(5) for text in TEXTS]
    languages = [texts[start::3] for start in range(3)]

    def run(folder, stop_after=None):
        store = EmbeddingStore(folder)
        add, pieces = store.add, []

        def add_and_stop(*piece):
            if len(pieces) == stop_after:
                raise KeyboardInterrupt
            pieces.append(piece)
            add(*piece)

        store.add = add_and_stop
        embed(encoder_of(make_tiny_transformer()), "passage", languages, store)
        return {path.name for path in folder.iterdir()}

    whole = run(tmp_path / "whole")
    assert len(whole) == -(-len(texts) // CHUNK)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop_after=1)
    assert len(list((tmp_path / "stopped").iterdir())) == 1
    assert run(tmp_path / "stopped") == whole


def test_padding_is_reported(tmp_path, caplog):
    caplog.set_level("INFO", logger="xbench")
    embed(encoder_of(make_tiny_transformer()), "passage", [TEXTS], EmbeddingStore(tmp_path))
    assert "tokens encoded, " in caplog.text and "% padding" in caplog.text
