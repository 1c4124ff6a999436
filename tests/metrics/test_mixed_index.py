"""What a mixed index costs: values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbench.metrics import PoolRanks, per_query, scores
from xbench.metrics.mixed_index import ndcg_lost, other_language_share, same_language_preference
from xbench.metrics.multilingual import multilingual_ranking

POOL = {"de": 30, "en": 10}
"""English has a quarter of the pool."""


def pool_ranks(rank, own_rank, top):
    """Ranks of two English queries, the first with two relevant passages."""
    return PoolRanks(
        questions=("en/1", "en/2"),
        query=np.array([0, 0, 1]),
        language=np.array(["en"] * 3),
        rank=np.array(rank),
        query_language="en",
        pool=POOL,
        top=np.array(top),
        depth=1000,
        own_rank=np.array(own_rank),
    )


TOP = [[0, 1, 1, 0, -1], [0, 0, 0, 0, 0]]
RANKS = pool_ranks([2, 3, 0], [1, 2, 1], TOP)


def test_ndcg_lost_by_hand():
    gain = 1 + 1 / np.log2(3)
    first = 1 - (1 / np.log2(3) + 1 / np.log2(4)) / gain
    assert ndcg_lost(RANKS, 10) == pytest.approx([first, 1])


def test_nothing_is_lost_where_no_other_language_comes_before():
    assert ndcg_lost(pool_ranks([1, 2, 1], [1, 2, 1], TOP), 10).tolist() == [0, 0]


def test_ndcg_lost_needs_both_ranks():
    with pytest.raises(ValueError, match="query's language alone"):
        ndcg_lost(replace(RANKS, own_rank=None), 10)


def test_other_language_share_by_hand():
    ranking = multilingual_ranking(RANKS)
    assert other_language_share(ranking, 4) == pytest.approx([1 / 2, 1])
    assert other_language_share(ranking, 2) == pytest.approx([1 / 2, 1])
    assert other_language_share(ranking, 100) == pytest.approx([1 / 2, 1])


def test_preference_is_the_share_above_that_of_the_pool():
    ranking = multilingual_ranking(RANKS)
    assert same_language_preference(ranking, 4) == pytest.approx([1 / 4, -1 / 4])


def test_an_empty_run_has_neither():
    ranking = multilingual_ranking(pool_ranks([2, 3, 0], [1, 2, 1], [[0, 1], [-1, -1]]))
    assert np.isnan(other_language_share(ranking, 10)[1])
    assert np.isnan(same_language_preference(ranking, 10)[1])


def test_a_mixed_index_has_these_scores_and_none_of_parallel_versions():
    values = per_query(RANKS, multilingual=True)
    assert {"ndcg_at_10_lost", "awrf_at_20", "first_place_right_own"} <= set(values)
    assert not {"rank_distance", "peer", "same_language_first"} & set(values)
    found = scores({"en": RANKS, "de": RANKS}, multilingual=True)["en"]
    assert "rank_correlation" not in found
    assert found["ndcg_at_10"] + found["ndcg_at_10_lost"] == pytest.approx(1)
