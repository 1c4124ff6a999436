"""Drawing a pair of languages for rows, of the pairs that each row has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbench.training.corpora.presence import CHUNK, Bits, pack, unpack

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TABLE = 1 << 20
"""Proposals that are drawn from."""

RARE = 0.1
"""Share of the rows below which a language is rare."""

TRIALS = 12
ACCEPTED = 0.1
"""Share of proposals that must suit their rows for more to be made."""


class PairDraw:
    """Draws pairs of languages by their odds.

    Most rows have most of the usual languages, so a pair is proposed by its odds and kept where the
    row has it. What is left, and rows with a rare language, whose odds are large, take the sum over
    all pairs of the row.

    Args:
        queries: Which languages each row has a query in.
        passages: The same for passages.
        odds: Shape (languages, languages): whole numbers.
    """

    def __init__(self, queries: Bits, passages: Bits, odds: FloatArray) -> None:
        self.queries = queries
        self.passages = passages
        self.odds = odds
        some = slice(0, CHUNK)
        rare = [unpack(bits[some], len(odds)).mean(axis=0) < RARE for bits in (queries, passages)]
        self._rare = [_words(pack(own[None])) for own in rare]
        usual = odds * ~rare[0][:, None] * ~rare[1]
        ends = np.cumsum(usual)
        spots = (np.arange(TABLE) + 0.5) / TABLE * ends[-1]
        self._proposals = np.searchsorted(ends, spots, side="right").astype(np.int32)
        self._proposed = bool(usual.any())
        query, passage = np.divmod(np.arange(odds.size, dtype=np.uint64), np.uint64(len(odds)))
        self._sides = query, passage

    def draw(
        self, rows: NDArray[np.int32], random: np.random.Generator
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Return query languages and passage languages of some rows, each of shape (rows,)."""
        query = np.empty(len(rows), np.int16)
        passage = np.empty(len(rows), np.int16)
        for start in range(0, len(rows), CHUNK):
            chunk = slice(start, start + CHUNK)
            query[chunk], passage[chunk] = self._draw(rows[chunk], random)
        return query, passage

    def _draw(
        self, rows: NDArray[np.int32], random: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        queries, passages = self.queries.take(rows, axis=0), self.passages.take(rows, axis=0)
        found = np.full(len(rows), -1, np.int32)
        if self._proposed:
            words = _words(queries), _words(passages)
            rare = (words[0] & self._rare[0]).any(axis=0) | (words[1] & self._rare[1]).any(axis=0)
            self._propose(found, np.flatnonzero(~rare), *words, random)
        left = np.flatnonzero(found < 0)
        if left.size:
            found[left] = self._by_sums(queries[left], passages[left], random)
        query, passage = np.divmod(found, len(self.odds))
        return query, passage

    def _propose(
        self,
        found: NDArray[np.int32],
        pending: IntArray,
        queries: NDArray[np.uint64],
        passages: NDArray[np.uint64],
        random: np.random.Generator,
    ) -> None:
        """Propose pairs, and note those that their rows have."""
        for _ in range(TRIALS):
            pairs = self._proposals.take(random.integers(TABLE, size=len(pending), dtype=np.uint32))
            kept = _has_pair(queries, passages, pending, *self._sides, pairs)
            suits = np.flatnonzero(kept)
            found[pending.take(suits)] = pairs.take(suits)
            pending = pending.take(np.flatnonzero(~kept))
            if len(suits) < ACCEPTED * len(kept) or not pending.size:
                return

    def _by_sums(
        self, queries: Bits, passages: Bits, random: np.random.Generator
    ) -> NDArray[np.int32]:
        count = len(self.odds)
        present = unpack(passages, count).astype(float)
        query = _draw(unpack(queries, count) * (present @ self.odds.T), random)
        passage = _draw(present * self.odds[query], random)
        return (query * count + passage).astype(np.int32)


def _words(bits: Bits) -> NDArray[np.uint64]:
    """Return bits as whole numbers of eight bytes; shape (words, rows)."""
    padded = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.ascontiguousarray(padded.view("<u8").T)


def _has_pair(
    queries: NDArray[np.uint64],
    passages: NDArray[np.uint64],
    rows: IntArray,
    query: NDArray[np.uint64],
    passage: NDArray[np.uint64],
    pairs: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """Return which rows have a pair of languages; the languages of all pairs are given."""
    shift = np.uint64(63)
    there = np.ones(len(rows), np.uint64)
    for words, language in ((queries, query.take(pairs)), (passages, passage.take(pairs))):
        own = words[0].take(rows) if len(words) == 1 else words[language >> np.uint64(6), rows]
        there &= own >> (language & shift)
    return np.asarray(there & np.uint64(1), bool)


def _draw(odds: FloatArray, random: np.random.Generator) -> IntArray:
    ends = np.cumsum(odds, axis=1)
    spot = np.floor(random.random(len(odds)) * ends[:, -1])
    return np.asarray((ends <= spot[:, None]).sum(axis=1), np.int64)
