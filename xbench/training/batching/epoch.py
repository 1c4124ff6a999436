"""The batches of an epoch of one corpus: which rows together, and in which languages.

A batch is of a kind: monolingual in one language, or mixed, which is cross-lingual but in plain
sampling. Where every row has every language any row serves any kind, and the shuffled rows are
dealt out like cards. Where languages are missing, `shares` says how often each row is drawn and
for what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.batching.dealing import EMPTY, Deal, Rows, Serving
from xbench.training.batching.expected import ExpectedPairs, wanted_shares
from xbench.training.batching.options import BatchSampling
from xbench.training.batching.pair_draw import PairDraw
from xbench.training.batching.shares import SCALE, RowShares, fit_shares
from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import CHUNK, has_language, pair_counts, unpack

Languages = NDArray[np.int16]
Kinds = NDArray[np.int16]

FIRST = 1 << 20
"""Rows looked at before all are."""


@dataclass(frozen=True)
class Drawn:
    """The batches of one epoch.

    Attributes:
        rows: Shape (batches, batch size): rows of the corpus.
        kinds: Shape (batches,): the language of a monolingual batch as its position in the corpus's
            languages, or the number of languages for a mixed batch.
    """

    rows: Rows
    kinds: Kinds


class CorpusBatches:
    """Draws the batches of one corpus, epoch by epoch.

    Every batch is full, and has no two questions of one group: none twice, and none that share a
    text. An epoch has as many pairs as the corpus has questions, times its weight. Where all
    languages are there every question is drawn once; else as evenly as the shares asked for allow,
    and at most `max_repeats` times. Places that are left in the last batch are filled with rows
    drawn a second time, or with `drop_last` the rows that fill no batch wait for another epoch.

    Args:
        pairs: The corpus.
        batch_size: Rows in a batch.
        sampling: How batches are drawn.
        drop_last: Whether rows that fill no batch are skipped of an epoch.
        weight: Times that a question is drawn in an epoch.
        seed: Seed of the choice of language pairs.

    Raises:
        UserError: If the batches asked for cannot be made of the corpus.
    """

    def __init__(
        self,
        pairs: ParallelPairs,
        batch_size: int,
        sampling: BatchSampling,
        *,
        drop_last: bool,
        weight: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.pairs = pairs
        self.batch_size = batch_size
        self.sampling = sampling
        self.weight = weight
        self.mixed = len(pairs.languages)
        counts = pair_counts(pairs.queries, pairs.passages, self.mixed)
        self.language_pairs = sampling.pairs(pairs.languages, counts, seed)
        self.wanted = self._wanted(counts)
        used = self.wanted > 0
        self.language_pairs = self.language_pairs[used[tuple(self.language_pairs.T)]]
        self._rows = self._usable(used)
        everywhere = bool((counts[used] == len(self._rows)).all()) and sampling.sampling != "plain"
        self.shares = None if everywhere else self._fit()
        number, rest = divmod(round(len(self._rows) * weight), batch_size)
        self._number = number if drop_last else number + (rest > 0)

    def __len__(self) -> int:
        return self._number

    @property
    def unused(self) -> int:
        """Rows that no batch can hold, because of the languages they lack."""
        return len(self.pairs.queries) - len(self._rows)

    @property
    def expected(self) -> ExpectedPairs:
        """The pairs of an epoch that are asked for and that are expected, by language."""
        attained = self.wanted if self.shares is None else self.shares.attained
        wanted = attained if self.sampling.sampling == "plain" else self.wanted
        pairs = self._number * self.batch_size
        return ExpectedPairs(self.pairs.name, self.pairs.languages, pairs, wanted, attained)

    def draw(self, random: np.random.Generator) -> Drawn:
        """Return the batches of an epoch; the same generator state gives the same batches."""
        kinds = self._draw_kinds(random)
        if self.shares is not None:
            return Drawn(self._deal_shares(kinds, random), kinds)
        once = -(-len(self._rows) // self.batch_size)
        parts = np.split(kinds, range(once, len(kinds), once))
        return Drawn(np.concatenate([self._deal_once(part, random) for part in parts]), kinds)

    def languages(
        self, drawn: Drawn, batches: slice, random: np.random.Generator
    ) -> tuple[Languages, Languages]:
        """Draw the languages of the queries and of the passages of some batches.

        Returns:
            Two arrays of shape (batches, batch size): positions in the corpus's languages.
        """
        rows, kinds = drawn.rows[batches], drawn.kinds[batches]
        query = np.repeat(kinds[:, None], self.batch_size, axis=1)
        passage = query.copy()
        mixed = kinds == self.mixed
        if mixed.any():
            own = rows[mixed].reshape(-1)
            if self.shares is None:
                chosen = self.language_pairs[self._draw_pairs(len(own), random)].T
            else:
                chosen = np.array(self._mixed_draw.draw(own, random))
            query[mixed], passage[mixed] = chosen.reshape(2, -1, self.batch_size)
        return query, passage

    def _wanted(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of each pair of languages, refusing kinds of batches that are none."""
        languages = self.pairs.languages
        if self.sampling.sampling == "plain":
            own: NDArray[np.float64] = counts / max(int(counts.sum()), 1)
            if self._can_fill(own > 0):
                return own
            raise self._none("plain")
        enough = np.array([self._can_fill(_only(self.mixed, k)) for k in range(self.mixed)])
        wanted = wanted_shares(self.sampling, languages, counts, enough, self.language_pairs)
        share = self.sampling.monolingual_share
        monolingual = wanted.diagonal().sum()
        if share > 0 and not np.isclose(monolingual, share):
            raise self._none("monolingual")
        cross = wanted * (1 - np.eye(self.mixed))
        if share < 1 and not (np.isclose(cross.sum(), 1 - share) and self._can_fill(cross > 0)):
            raise self._none("cross-lingual")
        return wanted

    def _none(self, kind: str) -> UserError:
        return UserError(
            f"corpus {self.pairs.name}: no {kind} batch of {self.batch_size} can be made of its "
            f"{len(self.pairs.queries):,} questions in {', '.join(self.pairs.languages)} (a batch "
            "has no question and no passage twice); use a smaller batch size or another sampling"
        )

    def _can_fill(self, used: NDArray[np.bool_]) -> bool:
        """Return whether enough rows for a batch have a pair, looking at the first ones first."""
        group = self.pairs.group
        for looked_at in (slice(FIRST), slice(None)):
            own = self._have(used, looked_at)
            number = int(np.count_nonzero(own))
            if group is not None and number >= self.batch_size:
                seen = np.zeros(int(group.max()) + 1, bool)
                seen[group[looked_at][own]] = True
                number = int(np.count_nonzero(seen))
            if number >= self.batch_size:
                return True
        return False

    def _have(self, used: NDArray[np.bool_], looked_at: slice) -> NDArray[np.bool_]:
        """Return which rows have one of some pairs of languages."""
        queries, passages = self.pairs.queries[looked_at], self.pairs.passages[looked_at]
        found = np.zeros(len(queries), bool)
        if np.count_nonzero(used) == 1:
            one, other = np.argwhere(used)[0].tolist()
            return np.asarray(has_language(queries, one) & has_language(passages, other))
        odds = used.astype(np.float32)
        for start in range(0, len(queries), CHUNK):
            rows = slice(start, start + CHUNK)
            query, passage = (
                unpack(bits[rows], self.mixed).astype(np.float32) for bits in (queries, passages)
            )
            found[rows] = np.einsum("ij,ij->i", query @ odds, passage) > 0
        return found

    def _usable(self, used: NDArray[np.bool_]) -> Rows:
        return np.flatnonzero(self._have(used, slice(None))).astype(np.int32)

    def _fit(self) -> RowShares:
        pairs = self.pairs
        if self.sampling.sampling != "plain":
            most = self.sampling.max_repeats
            return fit_shares(pairs.queries, pairs.passages, self.wanted, most)
        odds = np.where(np.eye(self.mixed) > 0, SCALE, 1.0)
        query, passage = (
            unpack(b.take(self._rows, axis=0), self.mixed) for b in (pairs.queries, pairs.passages)
        )
        both = (query & passage).any(axis=1)
        attained = np.diag((query & passage)[both].mean(axis=0)) if both.any() else self.wanted
        return RowShares(odds, odds, 1.0, 1.0, attained / attained.sum())

    def _draw_kinds(self, random: np.random.Generator) -> Kinds:
        if self.sampling.stratified or self.shares is not None:
            counts = systematic_counts(self._kind_shares, self._number, random)
            kinds = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
            random.shuffle(kinds)
            return kinds
        ends = np.cumsum(self._kind_shares)
        drawn = np.searchsorted(ends / ends[-1], random.random(self._number), side="right")
        return drawn.astype(np.int16)

    @cached_property
    def _kind_shares(self) -> NDArray[np.float64]:
        """Share of the batches that each kind has, the mixed kind last."""
        if self.sampling.sampling == "plain":
            return np.append(np.zeros(self.mixed), 1.0)
        attained = self.wanted if self.shares is None else self.shares.attained
        own = attained.diagonal()
        return np.append(own, max(1.0 - own.sum(), 0.0) if self._crosses else 0.0)

    @property
    def _crosses(self) -> bool:
        return self.sampling.monolingual_share < 1

    @cached_property
    def _mixed_odds(self) -> NDArray[np.float64]:
        """Odds of the pairs of languages of a mixed batch."""
        odds = self.shares.odds  # type: ignore[union-attr]
        return odds if self.sampling.sampling == "plain" else odds * (1 - np.eye(self.mixed))

    @cached_property
    def _mixed_draw(self) -> PairDraw:
        return PairDraw(self.pairs.queries, self.pairs.passages, self._mixed_odds)

    @cached_property
    def _draws(self) -> NDArray[np.float32]:
        """How often each usable row is expected to be drawn in an epoch."""
        pairs, shares = self.pairs, self.shares
        found = shares.draws(pairs.queries, pairs.passages, self._rows)  # type: ignore[union-attr]
        found *= np.float32(self.weight * len(found) / found.sum(dtype=float))
        return found

    def _deal_once(self, kinds: Kinds, random: np.random.Generator) -> Rows:
        """Deal every row out once, or as many as there are places."""
        deal = self._deal(kinds, random, None)
        rows = self._rows.copy()
        random.shuffle(rows)
        deal.deal(rows[: deal.rows.size], np.arange(len(kinds)))
        deal.part()
        deal.fill()
        return deal.rows

    def _deal_shares(self, kinds: Kinds, random: np.random.Generator) -> Rows:
        """Deal rows out as often, and to the kinds, that their shares say."""
        deal = self._deal(kinds, random, self._serving)
        rows = self._draw_rows(random)
        deal.deal_by_kind(rows, self._serving.draw(rows, random))
        deal.part()
        deal.fill()
        return deal.rows

    def _draw_rows(self, random: np.random.Generator) -> Rows:
        """Return rows in random order, each as often as it is drawn."""
        order = np.arange(len(self._rows), dtype=np.int32)
        random.shuffle(order)
        end, parts = random.random(), []
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            ends = np.cumsum(np.append(end, self._draws[chosen]), dtype=np.float64)
            parts.append(np.repeat(self._rows[chosen], np.diff(np.floor(ends)).astype(np.int64)))
            end = ends[-1]
        return np.concatenate(parts)

    @cached_property
    def _largest_group(self) -> int:
        return 1 if self.pairs.group is None else int(np.bincount(self.pairs.group).max())

    @cached_property
    def _serving(self) -> Serving:
        own = self.shares.odds.diagonal() if self._kind_shares[:-1].any() else np.zeros(self.mixed)  # type: ignore[union-attr]
        odds = np.where(self._kind_shares[:-1] > 0, own, 0.0), self._mixed_odds
        return Serving(self.pairs, odds)

    def _deal(self, kinds: Kinds, random: np.random.Generator, serving: Serving | None) -> Deal:
        repeated = serving is not None and (
            self.pairs.group is not None or bool(self._draws.max() > 1)
        )
        return Deal(
            rows=np.full((len(kinds), self.batch_size), EMPTY, np.int32),
            kinds=kinds,
            usable=self._rows,
            serving=serving,
            group=self.pairs.group,
            largest_group=len(self.pairs.queries) if repeated else self._largest_group,
            random=random,
        )

    def _draw_pairs(self, number: int, random: np.random.Generator) -> NDArray[np.int64]:
        if self._pair_ends is None:
            return random.integers(len(self.language_pairs), size=number)
        return np.searchsorted(self._pair_ends, random.random(number), side="right")

    @cached_property
    def _pair_ends(self) -> NDArray[np.float64] | None:
        """Cumulative weights of the language pairs, or None where all are equal."""
        if self.sampling.language_sampling == "uniform":
            return None
        ends = np.cumsum(self.wanted[tuple(self.language_pairs.T)])
        return np.asarray(ends / ends[-1])


def systematic_counts(
    weights: NDArray[np.float64], total: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return how many of a total each weight gets: its share, rounded up or down at random.

    Systematic sampling: expectations are exact, and so is the sum of the first n counts up to
    rounding, for every n.

    Args:
        weights: Shape (kinds,), with sum 1.
        total: The sum of the counts.
        random: The generator to draw from.
    """
    ends = np.floor(np.cumsum(weights) * total + random.random()).astype(np.int64)
    ends[-1] = total
    return np.asarray(np.diff(np.minimum(ends, total), prepend=0), np.int64)


def _only(languages: int, language: int) -> NDArray[np.bool_]:
    used = np.zeros((languages, languages), bool)
    used[language, language] = True
    return used
