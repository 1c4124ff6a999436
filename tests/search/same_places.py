"""What rankings are the same up to the order of equal scores."""

from __future__ import annotations

import numpy as np

from xbench.metrics import PoolRanks


def assert_same_ties(found: PoolRanks, expected: PoolRanks) -> None:
    """Check that the same passages have equal scores, and that the rest are at the same places."""
    assert (found.ties is None) == (expected.ties is None)
    if found.ties is None:
        return
    rows = [
        sorted(zip(own.query, own.language, own.ties.above, own.ties.tied, strict=True))
        for own in (found, expected)
    ]
    assert rows[0] == rows[1]
    for name in ("query", "start", "counts"):
        np.testing.assert_array_equal(getattr(found.ties, name), getattr(expected.ties, name))
    width = min(found.top.shape[1], expected.top.shape[1])
    assert all((own.top[:, width:] == -1).all() for own in (found, expected))
    first, second = (_without_ties(own)[:, :width] for own in (found, expected))
    np.testing.assert_array_equal(first, second)
    for own in (found, expected):
        _assert_drawn_from_blocks(own)


def _without_ties(ranks: PoolRanks) -> np.ndarray:
    top = ranks.top.copy()
    for query, start, counts in zip(
        ranks.ties.query, ranks.ties.start, ranks.ties.counts, strict=True
    ):
        top[query, start : start + counts.sum()] = -2
    return top


def _assert_drawn_from_blocks(ranks: PoolRanks) -> None:
    for query, start, counts in zip(
        ranks.ties.query, ranks.ties.start, ranks.ties.counts, strict=True
    ):
        places = ranks.top[query, start : start + counts.sum()]
        drawn = np.bincount(places, minlength=len(counts))
        assert (drawn <= counts).all()
        whole = start + counts.sum() <= ranks.top.shape[1]
        assert not whole or (drawn == counts).all()
