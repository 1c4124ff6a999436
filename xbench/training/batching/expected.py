"""Which share of the pairs each query and passage language is to have, and which it gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from xbench.training.batching.options import BatchSampling

FloatArray = NDArray[np.float64]

SHORTFALL = 0.2
"""Share that may be missing of what was asked for before a warning says so."""

SHOWN = 5


@dataclass(frozen=True, eq=False)
class ExpectedPairs:
    """The pairs of an epoch of one corpus, by language.

    Attributes:
        corpus: Name of the corpus.
        languages: Its languages.
        pairs: Pairs in an epoch.
        wanted: Shape (languages, languages): share of the pairs with a query in one language and
            the passage in another that is asked for.
        attained: The share that is expected of the data.
    """

    corpus: str
    languages: tuple[str, ...]
    pairs: int
    wanted: FloatArray
    attained: FloatArray

    def lines(self) -> list[str]:
        """Return what is expected as lines of text: a row per language."""
        rows = []
        for i, code in enumerate(self.languages):
            counts = [
                (share[i, i], share[i].sum() - share[i, i], share[:, i].sum() - share[i, i])
                for share in (self.wanted, self.attained)
            ]
            cells = [
                f"{self.pairs * got:,.0f} of {self.pairs * asked:,.0f}"
                for asked, got in zip(*counts, strict=True)
            ]
            rows.append([code, *cells])
        headers = ["language", "monolingual", "cross-lingual query", "cross-lingual passage"]
        table = tabulate(rows, headers, colalign=["left", "right", "right", "right"])
        head = f"{self.corpus}: expected pairs in an epoch, of those asked for"
        return [head, *(f"  {line}" for line in table.splitlines())]

    def warnings(self) -> Iterator[str]:
        """Yield a warning if pairs of languages fall short by more than a fifth."""
        short = self.wanted * (1 - SHORTFALL) > self.attained + 1e-12
        found = sorted(zip(*np.nonzero(short), strict=True), key=lambda at: -self._missing(at))
        if not found:
            return
        named = ", ".join(
            f"{self.languages[q]}-{self.languages[p]} "
            f"({self.pairs * self.attained[q, p]:,.0f} of {self.pairs * self.wanted[q, p]:,.0f})"
            for q, p in found[:SHOWN]
        )
        more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
        yield (
            f"corpus {self.corpus}: the data falls short of what language_sampling asks for by "
            f"more than a fifth in {named}{more}; choose another language_sampling, leave a "
            "language out, or raise max_repeats"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the pairs as values that JSON has: by query-passage languages, those expected."""
        return {
            "corpus": self.corpus,
            "pairs": self.pairs,
            "languages": list(self.languages),
            "wanted": self._by_pair(self.wanted),
            "attained": self._by_pair(self.attained),
        }

    def _missing(self, at: tuple[int, int]) -> float:
        return float(self.wanted[at] - self.attained[at])

    def _by_pair(self, shares: FloatArray) -> dict[str, float]:
        return {
            f"{query}-{passage}": round(self.pairs * float(shares[i, j]), 1)
            for i, query in enumerate(self.languages)
            for j, passage in enumerate(self.languages)
            if self.wanted[i, j] or self.attained[i, j]
        }


def wanted_shares(
    sampling: BatchSampling,
    languages: Sequence[str],
    counts: NDArray[np.int64],
    enough: NDArray[np.bool_],
    language_pairs: NDArray[np.int64],
) -> FloatArray:
    """Return the share of each pair of languages that is asked for.

    Args:
        sampling: How batches are drawn.
        languages: Languages of the corpus.
        counts: Shape (languages, languages): rows with a query and a passage in each pair.
        enough: Shape (languages,): whether a language has the questions of a monolingual batch.
        language_pairs: Shape (pairs, 2): the pairs of cross-lingual batches.

    Returns:
        Shape (languages, languages): the sum is 1, less the share of a kind of batch that the
        corpus cannot fill.
    """
    share = sampling.monolingual_share
    found = np.zeros(counts.shape)
    if share > 0:
        own = np.where(enough, counts.diagonal(), 0)
        np.fill_diagonal(found, share * sampling.language_weights(own, languages))
    if share < 1 and len(language_pairs):
        query, passage = (
            sampling.language_weights(rows, languages)[language_pairs[:, side]]
            for side, rows in ((0, counts.max(axis=1)), (1, counts.max(axis=0)))
        )
        cross = np.where(counts[tuple(language_pairs.T)] > 0, query * passage, 0.0)
        found[tuple(language_pairs.T)] = (1 - share) * cross / max(cross.sum(), 1e-300)
    return found
