"""How the rows of ragged data are shared out among pairs of languages.

Where languages are missing, rows are given to the pairs of languages that they have so that each
pair of languages has the share asked for and rows are drawn as evenly as that allows: the nearest
point, in relative entropy, between the tables with the shares asked for and those in which every
row is drawn once. Alternating projections find it (Csiszár and Tusnády 1984; with both within
reach this is iterative proportional fitting).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xbench.training.corpora.presence import CHUNK, Bits, unpack

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ITERATIONS = 50
SAMPLE = 10_000
"""Rows that shares are fitted on; of a language with few rows so many are among them."""

RARE = 500
LARGEST_ODDS = 2.0**12
"""How much more than its share a pair of languages may weigh in a row."""

SCALE = 2.0**34
"""Odds are whole numbers up to this, so that sums of them are exact on every machine."""

ONCE = 0.02
"""Rows that are expected this nearly once are drawn once."""


@dataclass(frozen=True, eq=False)
class RowShares:
    """How often each row is drawn, and for which pair of languages.

    Attributes:
        before: Shape (languages, languages): odds of each pair before the last projection.
        odds: The same after it: those that a row's pair is drawn with.
        scale: What the ratio of a row's sums of both is multiplied with.
        most: Times that a row is drawn at most.
        attained: Shape (languages, languages): expected share of each pair; the sum is 1.
    """

    before: FloatArray
    odds: FloatArray
    scale: float
    most: float
    attained: FloatArray

    def draws(self, queries: Bits, passages: Bits, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return how often each of some rows is expected to be drawn; 0 where it has no pair."""
        found = np.zeros(len(rows), np.float32)
        for start in range(0, len(rows), CHUNK):
            chunk = slice(start, start + CHUNK)
            query, passage = (
                unpack(bits.take(rows[chunk], axis=0), len(self.odds)).astype(float)
                for bits in (queries, passages)
            )
            found[chunk] = _draws(query, passage, self)
        return found


def fit_shares(queries: Bits, passages: Bits, wanted: FloatArray, most: float) -> RowShares:
    """Share rows out among pairs of languages.

    Args:
        queries: Which languages each row has a query in.
        passages: The same for passages.
        wanted: Shape (languages, languages): share of each pair that is asked for; only pairs that
            some row has.
        most: Times that a row is drawn at most.
    """
    query, passage, weight = _sample(queries, passages, wanted)
    total = weight.sum()
    before = wanted.copy()
    for _ in range(ITERATIONS):
        sums = _sums(query, passage, before)
        found = before * ((query * (weight / sums)[:, None]).T @ passage)
        ratio = np.divide(wanted * total, found, out=np.zeros_like(found), where=found > 0)
        odds = before * ratio
        if abs(ratio[wanted > 0] - 1).max() < ONCE / 10:
            break
        relative = np.divide(odds, wanted, out=np.zeros_like(odds), where=wanted > 0)
        usual = float(np.median(relative[wanted > 0]))
        before = wanted * np.clip(relative / usual, 1 / LARGEST_ODDS, LARGEST_ODDS)
        before[wanted == 0] = 0
    shares = RowShares(_whole(before), _whole(odds), odds.max() / before.max(), most, wanted)
    return _capped(shares, query, passage, weight)


def _sample(
    queries: Bits, passages: Bits, wanted: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return some rows that have a pair, and how many rows each stands for."""
    count = len(wanted)
    random = np.random.default_rng(0)
    chance = np.full(len(queries), min(1.0, SAMPLE / len(queries)))
    if chance[0] < 1:
        sizes = _sizes(queries, passages, count)
        for start in range(0, len(queries), CHUNK):
            rows = slice(start, start + CHUNK)
            either = unpack(queries[rows] | passages[rows], count)
            needed = (either * np.minimum(1.0, RARE / np.maximum(sizes, 1))).max(axis=1)
            chance[rows] = np.maximum(chance[rows], needed)
    kept = np.flatnonzero(random.random(len(queries)) < chance)
    query, passage = (
        unpack(bits.take(kept, axis=0), count).astype(float) for bits in (queries, passages)
    )
    able = _sums(query, passage, wanted) > 0
    return query[able], passage[able], 1 / chance[kept][able]


def _sizes(queries: Bits, passages: Bits, count: int) -> IntArray:
    sizes = np.zeros(count, np.int64)
    for start in range(0, len(queries), CHUNK):
        rows = slice(start, start + CHUNK)
        sizes += unpack(queries[rows] | passages[rows], count).sum(axis=0, dtype=np.int64)
    return sizes


def _sums(query: FloatArray, passage: FloatArray, odds: FloatArray) -> FloatArray:
    """Return the sum of the odds of each row's pairs."""
    return np.asarray(np.einsum("ij,ij->i", query @ odds, passage))


def _draws(query: FloatArray, passage: FloatArray, shares: RowShares) -> FloatArray:
    before = _sums(query, passage, shares.before)
    after = _sums(query, passage, shares.odds)
    ratio = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    found = np.minimum(ratio * shares.scale, shares.most)
    found[abs(found - 1) < ONCE] = 1.0
    return found


def _whole(odds: FloatArray) -> FloatArray:
    return np.where(odds > 0, np.maximum(np.round(odds * (SCALE / odds.max())), 1.0), 0.0)


def _capped(
    shares: RowShares, query: FloatArray, passage: FloatArray, weight: FloatArray
) -> RowShares:
    """Let rows be drawn more often where others reach their most, and note what is attained."""
    low, high = shares.scale, shares.scale * max(shares.most, 1.0)
    ratio = _draws(query, passage, replace(shares, most=np.inf))
    for _ in range(40):
        middle = (low + high) / 2
        drawn = weight @ np.minimum(ratio * (middle / shares.scale), shares.most)
        low, high = (middle, high) if drawn < weight.sum() else (low, middle)
    scale = low if (ratio > shares.most).any() else shares.scale
    capped = replace(shares, scale=scale)
    each = weight * _draws(query, passage, capped) / _sums(query, passage, shares.odds)
    attained = shares.odds * ((query * each[:, None]).T @ passage)
    return replace(capped, attained=attained / attained.sum())
