"""Hard negatives by row, and what is borrowed for the rows that lack some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from tests.training.parallel_pairs import complete, make_pairs
from xbench.training.batching.dataset import PairDataset
from xbench.training.batching.negatives import fill_negatives

TEXTS = st.text("abcdef", min_size=1, max_size=1)
LISTS = st.lists(st.lists(TEXTS, max_size=3, unique=True), min_size=2, max_size=6)


@given(LISTS, st.lists(TEXTS, max_size=2), st.integers(0, 3))
def test_rows_have_equally_many_negatives_and_keep_their_own(lists, passages, most):
    filled = fill_negatives(lists, passages, most)
    kept = [[text for text in own if text not in passages][:most] for own in lists]
    count = max(map(len, kept))
    everyone = {text for own in kept for text in own}
    for own, texts in zip(kept, filled, strict=True):
        assert len(texts) == count
        assert texts[: len(own)] == own
        assert set(texts) <= everyone
        if len(everyone) >= count:
            assert len(set(texts)) == count or not set(texts[len(own) :]) & set(own)


def with_negatives(lists):
    pairs = complete(len(lists), 2)
    table = Dataset.from_dict({**pairs.table.to_dict(), "negatives_ar": lists})
    return replace(pairs, table=table, negatives=max(len(own or []) for own in lists))


def test_a_missing_negative_is_borrowed_and_the_others_are_kept():
    dataset = PairDataset([with_negatives([["a", "b"], None, ["c"], []])])
    batch = dataset.__getitems__([(0, 0, 0), (1, 0, 0), (2, 1, 0)])
    assert [(own["negative_1"], own["negative_2"]) for own in batch] == [
        ("a", "b"),
        ("c", "a"),
        ("c", "a"),
    ]
    assert list(dataset.__getitems__([(1, 0, 0), (3, 0, 0)])[0]) == ["query", "passage"]


def test_a_negative_in_another_language_is_used_where_there_is_none_in_its_own():
    dataset = PairDataset([with_negatives([["a"], ["b"]])])
    batch = dataset.__getitems__([(0, 1, 1), (1, 1, 1)])
    assert [own["negative_1"] for own in batch] == ["a", "b"]


@pytest.mark.parametrize("passage", [0, 1])
def test_a_passage_of_another_question_of_the_batch_is_no_negative_in_any_language(passage):
    lists = [["P  AR 1.", "x"], ["y"], ["p ar 0"]]
    dataset = PairDataset([with_negatives(lists)])
    batch = dataset.__getitems__([(row, 0, passage) for row in range(3)])
    assert [own["negative_1"] for own in batch] == ["x", "y", "x"]


def test_no_text_is_ever_missing_or_empty_on_ragged_data():
    random = np.random.default_rng(0)
    mask = random.random((60, 3)) < 0.7
    mask[~mask.any(axis=1), 0] = True
    pairs = make_pairs(mask, negatives=2)
    from xbench.training.batching.sampler import HybridBatchSampler

    dataset = PairDataset([pairs])
    for batch in HybridBatchSampler(dataset, 6):
        for own in dataset.__getitems__(batch):
            assert all(isinstance(text, str) and text for text in own.values())
