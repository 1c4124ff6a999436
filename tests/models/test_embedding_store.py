"""The embedding store: once, in whole chunks, and whatever happens to its files."""

from __future__ import annotations

import numpy as np
import pytest

from xbench._util.errors import UserError
from xbench.models.embedding_store import CHUNK, EmbeddingStore, Encoded, embed
from xbench.models.parallel_calls import one_by_one


class Encoder:
    """Vectors that depend on the batch a text is in, as padding makes real ones do."""

    name = "test/encoder"
    chunk = CHUNK
    sorts_all = False

    def __init__(self, fail_after=None):
        self.calls = []
        self.fail_after = fail_after

    def encode(self, texts, role):
        if self.fail_after is not None and len(self.calls) == self.fail_after:
            raise KeyboardInterrupt
        self.calls.append(list(texts))
        longest = max(map(len, texts))
        vectors = [[len(text), sum(map(ord, text)), longest] for text in texts]
        truncated = [len(text) > 3 for text in texts]
        return Encoded(np.array(vectors, np.float32), np.array(truncated))

    def encode_each(self, batches, role):
        return one_by_one(lambda texts: self.encode(texts, role), batches)

    def identity(self, role):
        return "identity"


TEXTS = [f"{'x' * (i % 7)}{i}" for i in range(CHUNK + 100)]


def test_each_text_is_encoded_once(tmp_path):
    encoder, store = Encoder(), EmbeddingStore(tmp_path)
    embed(encoder, "query", [["a", "b", "a"], ["b", "c"]], store)
    assert sorted(text for call in encoder.calls for text in call) == ["a", "b", "c"]


def test_a_later_run_encodes_nothing_and_gives_the_same(tmp_path):
    store = EmbeddingStore(tmp_path)
    embed(Encoder(), "query", [TEXTS], store)
    later, encoder = EmbeddingStore(tmp_path), Encoder()
    embed(encoder, "query", [TEXTS], later)
    assert encoder.calls == []
    np.testing.assert_array_equal(later.get(TEXTS).vectors, store.get(TEXTS).vectors)
    np.testing.assert_array_equal(later.get(TEXTS).truncated, store.get(TEXTS).truncated)


def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path):
    whole = EmbeddingStore(tmp_path / "whole")
    embed(Encoder(), "query", [TEXTS], whole)
    with pytest.raises(KeyboardInterrupt):
        embed(Encoder(fail_after=1), "query", [TEXTS], EmbeddingStore(tmp_path / "cut"))
    resumed, encoder = EmbeddingStore(tmp_path / "cut"), Encoder()
    embed(encoder, "query", [TEXTS], resumed)
    assert len(encoder.calls) == 1
    np.testing.assert_array_equal(resumed.get(TEXTS).vectors, whole.get(TEXTS).vectors)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_chunk_is_noticed_and_encoded_again(tmp_path, damage, caplog):
    embed(Encoder(), "query", [TEXTS], EmbeddingStore(tmp_path))
    path = sorted(tmp_path.glob("*.safetensors"))[0]
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes({"truncate": content[:-9], "flip": content, "empty": b""}[damage])
    store, encoder = EmbeddingStore(tmp_path), Encoder()
    embed(encoder, "query", [TEXTS], store)
    assert len(encoder.calls) == 1
    assert "is damaged; its texts are encoded again" in caplog.text
    assert not store.missing(TEXTS)


def test_what_another_process_stored_is_used(tmp_path):
    ours = EmbeddingStore(tmp_path)
    embed(Encoder(), "query", [["a"]], ours)
    embed(Encoder(), "query", [["b"]], EmbeddingStore(tmp_path))
    encoder = Encoder()
    embed(encoder, "query", [["a", "b"]], ours)
    assert encoder.calls == []


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((3, 4), np.float32), r"shape \(3, 4\) for 2 texts.*expected \(2, dimensions\)"),
        (np.zeros(2, np.float32), r"shape \(2,\)"),
        (np.array([[0.0, 1.0], [np.nan, 0.0]], np.float32), "1 of 2 texts.*'query'.*NaN.*'b'"),
    ],
)
def test_bad_embeddings_are_refused_and_the_rest_is_kept(tmp_path, vectors, message):
    class Broken(Encoder):
        def encode(self, texts, role):
            return (
                Encoded(vectors, np.zeros(2, np.bool_))
                if "b" in texts
                else super().encode(texts, role)
            )

    with pytest.raises(UserError, match=message):
        embed(Broken(), "query", [["first"], ["a", "b"]], EmbeddingStore(tmp_path))
    store = EmbeddingStore(tmp_path)
    store.load(["first", "a"])
    assert store.missing(["first", "a"]) == ["a"]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = EmbeddingStore(None)
    embed(Encoder(), "query", [["a"]], store)
    assert not store.missing(["a"])
    assert list(tmp_path.iterdir()) == []
