"""What models return and what corpora hold that has always been right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mteb.models import ModelMeta

from tests.conftest import make_tiny_transformer
from xbench._util.errors import UserError
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.models.encoder import MtebTextEncoder
from xbench.models.forms import as_model
from xbench.models.objects import UNKNOWN_REVISION
from xbench.search.encoder_ranks import rank_with_encoder
from xbench.tasks import XBenchMiniMonolingualRetrieval

METADATA = XBenchMiniMonolingualRetrieval.metadata
META = ModelMeta.create_empty({"name": "local/test", "revision": UNKNOWN_REVISION})
KINDS = {
    "float64": lambda a: a.astype(np.float64),
    "float16": lambda a: a.astype(np.float16),
    "bfloat16 tensor": lambda a: torch.from_numpy(a).to(torch.bfloat16),
    "tensor with gradient": lambda a: torch.from_numpy(a).requires_grad_(),
    "lists": lambda a: a.tolist(),
    "list of arrays": list,
    "list of bfloat16 tensors": lambda a: list(torch.from_numpy(a).to(torch.bfloat16)),
    "sparse tensor": lambda a: torch.from_numpy(a).to_sparse(),
}


def lengths(texts):
    return np.array([[len(text), len(set(text)), 1] for text in texts], np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_every_kind(kind):
    model = as_model(lambda texts: KINDS[kind](lengths(texts)), META, "m")
    found = MtebTextEncoder(model, METADATA, {"batch_size": 2}).vectors(["a", "bb", "abc"], "query")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, lengths(["a", "bb", "abc"]))


def test_empty_passages_and_equal_ids_of_a_query_and_a_passage(tmp_path):
    corpus = ParallelCorpus(
        queries={"en": Texts(("1", "2"), ("abc", "aabb"))},
        passages={"en": Texts(("1", "2", "3"), ("", "abcd", "aab"))},
        relevant={"en": {"1": ("1", "2"), "2": ("3",)}},
    )
    model = as_model(lengths, META, "m")
    ranking = rank_with_encoder(model, METADATA, {}, corpus, ["en"], ["en"], tmp_path)
    assert ranking.table.ranks("en", ["en"]).rank.tolist() == [3, 1, 1]


def test_a_tokenizer_without_a_padding_token_is_refused_with_what_to_do():
    model = make_tiny_transformer()
    model.tokenizer.pad_token = None
    encoder = MtebTextEncoder(as_model(model, META, "m"), METADATA, {"batch_size": 1})
    with pytest.raises(UserError, match="Please select a token to use as `pad_token`"):
        encoder.vectors(["abc"], "query")
