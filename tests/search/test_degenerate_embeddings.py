"""Embeddings that say nothing of their texts are refused, in memory and streamed."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from tests.conftest import HashEncoder
from tests.search.streamed.conftest import small_location, small_miracl, small_shards  # noqa: F401
from xbench._util.errors import UserError
from xbench.search.options import SearchOptions
from xbench.tasks import MIRACLMultilingualRetrieval, XBenchMiniMultilingualRetrieval

WORDS = r"are all zero", r"are all the same"


class Degenerate(HashEncoder):
    """An encoder that gives one vector for every text of a role, or for those that are chosen."""

    def __init__(self, role, value, chosen=lambda text: True):
        super().__init__()
        self.role, self.value, self.chosen = role, value, chosen

    def vector(self, role, text):
        if role == self.role and self.chosen(text):
            return np.full(self.dimensions, self.value, np.float32)
        return super().vector(role, text)


@pytest.fixture(params=["in memory", "streamed"])
def ranks(request, location, small_location):  # noqa: F811
    """Ranks of an encoder's search, in memory or streamed."""
    if request.param == "in memory":
        task = XBenchMiniMultilingualRetrieval(languages=("de", "en"), location=location)
    else:
        task = MIRACLMultilingualRetrieval(
            languages=("ar", "en", "sw"),
            location=small_location,
            search=SearchOptions(show_progress=False),
        )
    return lambda encoder: task.ranks(encoder, {"show_progress_bar": False})


@pytest.mark.parametrize(("role", "shown"), [("query", "query"), ("document", "passage")])
@pytest.mark.parametrize(("value", "message"), [(0.0, WORDS[0]), (0.25, WORDS[1])])
def test_all_zero_and_all_the_same_are_refused(ranks, role, shown, value, message):
    expected = rf"test/hash-encoder: .* \d+ texts in the role '{shown}' {message}"
    with pytest.raises(UserError, match=expected):
        ranks(Degenerate(role, value))


def test_some_zeros_are_counted_in_a_warning(ranks, caplog):
    def chosen(text):
        return text.lower().startswith(("b", "d"))

    with caplog.at_level(logging.WARNING, "xbench"):
        encoder = Degenerate("document", 0.0, chosen)
        ranks(encoder)
    passages = {text for role, text in encoder.seen if role == "document"}
    zeros = sum(map(chosen, passages))
    assert 0 < zeros < len(passages)
    (warning,) = [own.message for own in caplog.records if "are zero" in own.message]
    assert "in the role 'passage'" in warning
    count, total = (int(word) for word in warning.split() if word.isdigit())
    assert total >= len(passages)
    assert zeros <= count < total


def test_refused_embeddings_are_not_kept(tmp_path):
    from xbench.models.embedding_store import EmbeddingStore, Encoded, embed
    from xbench.models.parallel_calls import one_by_one

    class Encoder:
        name, chunk, sorts_all = "test/encoder", 8, False
        scale = 0

        def encode(self, texts, role):
            vectors = np.array([[len(text), 1.0] for text in texts], np.float32)
            return Encoded(self.scale * vectors, np.zeros(len(texts), np.bool_))

        def encode_each(self, batches, role):
            return one_by_one(lambda texts: self.encode(texts, role), batches)

        def identity(self, role):
            return "identity"

    encoder = Encoder()
    for store in (EmbeddingStore(tmp_path), EmbeddingStore(tmp_path)):
        with pytest.raises(UserError, match="3 texts in the role 'query' are all zero"):
            embed(encoder, "query", [["a", "bc"], ["def"]], store)
        assert list(tmp_path.iterdir()) == []
    encoder.scale = 1
    embed(encoder, "query", [["a", "bc"], ["def"]], EmbeddingStore(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2


def test_embeddings_that_were_stored_are_checked_too(tmp_path):
    from xbench.models.embedding_store import EmbeddingStore, Encoded, embed
    from xbench.models.parallel_calls import one_by_one

    class Never:
        name, chunk, sorts_all = "test/encoder", 8, False

        def encode(self, texts, role):
            raise AssertionError("they are there")

        def encode_each(self, batches, role):
            return one_by_one(lambda texts: self.encode(texts, role), batches)

        def identity(self, role):
            return "identity"

    same = Encoded(np.ones((2, 3), np.float32), np.zeros(2, np.bool_))
    EmbeddingStore(tmp_path).add(["a", "b"], same)
    with pytest.raises(UserError, match="are all the same"):
        embed(Never(), "passage", [["a", "b"]], EmbeddingStore(tmp_path))
    assert list(tmp_path.iterdir()) == []
