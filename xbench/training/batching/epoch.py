"""The batches of an epoch of one corpus: which rows together, and in which languages.

A batch is of a kind: monolingual in one language, or cross-lingual. Where every row has every
language any row serves any kind, and the shuffled rows are dealt out like cards. Where languages
are missing, the rows are first shared out among the kinds that they can serve.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.batching.allocation import allocate, attainable_shares, systematic_counts
from xbench.training.batching.dealing import Deal, Rows
from xbench.training.batching.options import BatchSampling
from xbench.training.corpora.pairs import ParallelPairs

Languages = NDArray[np.uint8]
Kinds = NDArray[np.int8]

TOLERANCE = 0.01
"""How far the share of monolingual batches may be from alpha where languages are missing."""

FIRST = 1 << 20
"""Rows looked at before all are."""


@dataclass(frozen=True)
class Drawn:
    """The batches of one epoch.

    Attributes:
        rows: Shape (batches, batch size): rows of the corpus.
        kinds: Shape (batches,): the language of a monolingual batch as its position in the corpus's
            languages, or the number of languages for a cross-lingual batch.
    """

    rows: Rows
    kinds: Kinds


class CorpusBatches:
    """Draws the batches of one corpus, epoch by epoch.

    Every batch is full, has no question twice and no two questions that share a positive passage.
    Every row that can serve is drawn once an epoch; places that are left in the last batch are
    filled with rows drawn a second time, or with `drop_last` the rows that fill no batch wait for
    another epoch. Where languages are missing, a few more may have to wait: less than a batch for
    each language.

    Args:
        pairs: The corpus.
        batch_size: Rows in a batch.
        sampling: How batches are drawn.
        drop_last: Whether rows that fill no batch are skipped of an epoch.

    Raises:
        UserError: If the batches asked for cannot be made of the corpus.
    """

    def __init__(
        self, pairs: ParallelPairs, batch_size: int, sampling: BatchSampling, *, drop_last: bool
    ) -> None:
        self.pairs = pairs
        self.batch_size = batch_size
        self.sampling = sampling
        self.crosslingual = len(pairs.languages)
        self.language_pairs = sampling.pairs(pairs.languages)
        self._sizes = language_sizes(pairs)
        serves = self._serves()
        self.weights = self._weights(serves)
        """Share of the batches that each kind has, the cross-lingual kind last."""
        serves &= _bits(np.flatnonzero(self.weights))
        self._patterns, self._counts, self._rows = _patterns(serves, len(self.weights))
        self._serves_kinds = None if len(self._patterns) == 1 else serves
        self._largest_group = _largest(pairs.passage_group)
        self._every_pair = self._has_every_pair()
        if self._serves_kinds is not None:
            self.weights = self._attainable()
        number, rest = divmod(len(self._rows), batch_size)
        self._number = number if drop_last else number + (rest > 0)

    def __len__(self) -> int:
        return self._number

    @property
    def unused(self) -> int:
        """Rows that no batch can hold, because of the languages they lack."""
        return len(self.pairs.queries) - len(self._rows)

    def draw(self, random: np.random.Generator) -> Drawn:
        """Return the batches of an epoch; the same generator state gives the same batches."""
        kinds = self._draw_kinds(random)
        deal = Deal(
            rows=np.empty((len(kinds), self.batch_size), np.int32),
            kinds=kinds,
            usable=self._rows,
            serves=self._serves_kinds,
            group=self.pairs.passage_group,
            largest_group=self._largest_group,
            random=random,
        )
        rows = self._rows.copy()
        for part in np.split(rows, np.cumsum(self._counts)[:-1]):
            random.shuffle(part)
        if self._serves_kinds is None:
            deal.deal(rows[: deal.rows.size], np.arange(len(kinds)))
        else:
            self._deal_by_kind(deal, rows)
        deal.part()
        deal.fill()
        return Drawn(deal.rows, kinds)

    def languages(
        self, drawn: Drawn, batches: slice, random: np.random.Generator
    ) -> tuple[Languages, Languages]:
        """Draw the languages of the queries and of the passages of some batches.

        Returns:
            Two arrays of shape (batches, batch size): positions in the corpus's languages.
        """
        rows, kinds = drawn.rows[batches], drawn.kinds[batches]
        query = np.repeat(kinds.astype(np.uint8)[:, None], self.batch_size, axis=1)
        passage = query.copy()
        crossing = kinds == self.crosslingual
        if crossing.any():
            pair = self._cross(rows[crossing].reshape(-1), random)
            chosen = self.language_pairs[pair].astype(np.uint8)
            query[crossing] = chosen[:, 0].reshape(-1, self.batch_size)
            passage[crossing] = chosen[:, 1].reshape(-1, self.batch_size)
        return query, passage

    def _serves(self) -> NDArray[np.uint32]:
        """Return for each row the kinds that it can serve, as bits."""
        share = self.sampling.monolingual_share
        serves = self.pairs.queries & self.pairs.passages if share > 0 else _no_bits(self.pairs)
        if share < 1:
            for query in np.unique(self.language_pairs[:, 0]):
                partners = self.language_pairs[self.language_pairs[:, 0] == query, 1]
                passage = (self.pairs.passages & _bits(partners)) > 0
                asked = (self.pairs.queries & _bits([query])) > 0
                serves |= (asked & passage).astype(np.uint32) << np.uint32(self.crosslingual)
        return serves

    def _weights(self, serves: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Return the share of each kind, of those that can fill a batch."""
        share = self.sampling.monolingual_share
        enough = np.array([self._can_fill(serves, k) for k in range(self.crosslingual + 1)])
        languages = self.sampling.language_weights(np.where(enough[:-1], self._sizes, 0))
        weights = np.append(share * languages, (1 - share) * enough[-1])
        if not np.isclose(weights.sum(), 1):
            missing = "cross-lingual" if languages.sum() or share == 0 else "monolingual"
            raise UserError(
                f"corpus {self.pairs.name}: no {missing} batch of {self.batch_size} can be made "
                f"of its {len(serves):,} questions in {', '.join(self.pairs.languages)} "
                "(a batch has no question and no passage twice); use a smaller batch size or "
                "another sampling"
            )
        return weights

    def _can_fill(self, serves: NDArray[np.uint32], kind: int) -> bool:
        """Return whether enough rows for a batch serve a kind, looking at the first ones first."""
        group = self.pairs.passage_group
        for looked_at in (slice(FIRST), slice(None)):
            own = (serves[looked_at] & _bits([kind])) > 0
            if group is not None:
                seen = np.zeros(int(group.max()) + 1, bool)
                seen[group[looked_at][own]] = True
                own = seen
            if np.count_nonzero(own) >= self.batch_size:
                return True
        return False

    def _attainable(self) -> NDArray[np.float64]:
        """Return the shares of kinds nearest to those asked for that use every row once."""
        weights = attainable_shares(self._counts, self._patterns, self.weights)
        monolingual = float(weights[:-1].sum())
        if abs(monolingual - self.sampling.monolingual_share) > TOLERANCE:
            raise UserError(
                f"corpus {self.pairs.name}: alpha is {self.sampling.monolingual_share:g}, but with "
                f"the languages that its questions have the share of monolingual batches nearest "
                f"to it is {monolingual:.2f}; set alpha to that, or leave out the questions of one "
                "language"
            )
        return weights

    def _has_every_pair(self) -> bool:
        query, passage = _bits(self.language_pairs[:, 0]), _bits(self.language_pairs[:, 1])
        rows = (self.pairs.queries & query == query) & (self.pairs.passages & passage == passage)
        return bool(rows.all())

    def _draw_kinds(self, random: np.random.Generator) -> Kinds:
        if self.sampling.stratified or self._serves_kinds is not None:
            counts = systematic_counts(self.weights, self._number, random)
            kinds = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
            random.shuffle(kinds)
            return kinds
        ends = np.cumsum(self.weights)
        drawn = np.searchsorted(ends / ends[-1], random.random(self._number), side="right")
        return drawn.astype(np.int8)

    def _deal_by_kind(self, deal: Deal, rows: Rows) -> None:
        """Deal shuffled rows, which are in the order of the patterns, to the kinds they serve."""
        places = np.bincount(deal.kinds, minlength=len(self.weights)) * self.batch_size
        shared = allocate(self._counts, places.astype(np.int64), self._patterns)
        starts = np.cumsum(self._counts) - self._counts
        ends = starts[:, None] + np.cumsum(shared, axis=1)
        for kind in range(len(self.weights)):
            own = [
                rows[end - n : end] for end, n in zip(ends[:, kind], shared[:, kind], strict=True)
            ]
            together = np.concatenate(own)
            random_order = deal.random.permutation(together)
            deal.deal(random_order, np.flatnonzero(deal.kinds == kind))
        left = [
            rows[end : start + n]
            for end, start, n in zip(ends[:, -1], starts, self._counts, strict=True)
        ]
        deal.waiting = np.concatenate(left).tolist()

    def _cross(self, rows: Rows, random: np.random.Generator) -> NDArray[np.int64]:
        """Draw a language pair for each row, again where the row lacks one of its languages."""
        drawn = self._draw_pairs(len(rows), random)
        if self._every_pair:
            return drawn
        pending = np.arange(len(rows))
        while pending.size:
            query, passage = self.language_pairs[drawn[pending]].astype(np.uint32).T
            own = rows[pending]
            there = (self.pairs.queries[own] >> query) & (self.pairs.passages[own] >> passage) & 1
            pending = pending[there == 0]
            drawn[pending] = self._draw_pairs(len(pending), random)
        return drawn

    def _draw_pairs(self, number: int, random: np.random.Generator) -> NDArray[np.int64]:
        if self._pair_ends is None:
            return random.integers(len(self.language_pairs), size=number)
        return np.searchsorted(self._pair_ends, random.random(number), side="right")

    @cached_property
    def _pair_ends(self) -> NDArray[np.float64] | None:
        """Cumulative weights of the language pairs, or None where all are equal."""
        if self.sampling.language_weighting == "uniform":
            return None
        weights = self.sampling.language_weights(self._sizes)[self.language_pairs].prod(axis=1)
        ends = np.cumsum(weights)
        return np.asarray(ends / ends[-1])


def language_sizes(pairs: ParallelPairs) -> NDArray[np.int64]:
    """Return the number of rows with a query and a passage in each language."""
    both = pairs.queries & pairs.passages
    return np.array([np.count_nonzero(both & _bits([i])) for i in range(len(pairs.languages))])


def _largest(group: NDArray[np.int32] | None) -> int:
    return 1 if group is None else int(np.bincount(group).max())


def _bits(positions: Iterable[int]) -> np.uint32:
    return np.uint32(sum(1 << int(position) for position in positions))


def _no_bits(pairs: ParallelPairs) -> NDArray[np.uint32]:
    return np.zeros(len(pairs.queries), np.uint32)


def _patterns(
    serves: NDArray[np.uint32], kinds: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64], Rows]:
    """Return the sets of kinds that rows serve, their numbers of rows, and the rows in their order.

    Rows that serve no kind are skipped.
    """
    if serves[0] and (serves == serves[0]).all():
        codes, counts = serves[:1], np.array([len(serves)])
        rows = np.arange(len(serves), dtype=np.int32)
    else:
        rows = np.flatnonzero(serves).astype(np.int32)
        rows = rows[np.argsort(serves[rows], kind="stable")]
        codes, counts = np.unique(serves[rows], return_counts=True)
    return (codes[:, None] >> np.arange(kinds, dtype=np.uint32)) & 1 > 0, counts, rows
