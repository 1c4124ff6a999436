"""The languages of the first places of rankings, and which of them have equal scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbench.metrics.ranks import IntArray

Ranking = tuple[IntArray, NDArray[np.float32]]
"""The language of each passage, as an index, and its score, descending."""

SEED = 0
"""Seed of the order of equal scores."""


def blocks(values: NDArray[np.float32]) -> tuple[IntArray, IntArray]:
    """Return how many of some descending scores are higher than each, and how many are equal."""
    higher = np.searchsorted(-values, -values, side="left")
    return higher, np.searchsorted(-values, -values, side="right") - higher


@dataclass(frozen=True)
class FirstPlaces:
    """What is at the first places of some queries.

    Attributes:
        top: Language at each place, passages of equal score in random order; -1 beyond the end of a
            ranking. Shape (queries, places).
        query: Query of each block of equal scores that begins there, ascending.
        start: Number of passages before each block.
        counts: Passages of each language in the whole block, shape (blocks, languages).
    """

    top: IntArray
    query: IntArray
    start: IntArray
    counts: IntArray

    def blocks_of(self, queries: IntArray) -> dict[str, IntArray]:
        """Return the blocks of some queries, ascending, numbered from 0."""
        kept = np.isin(self.query, queries)
        return {
            "query": np.searchsorted(queries, self.query[kept]),
            "start": self.start[kept],
            "counts": self.counts[kept],
        }


def first_places(
    rankings: Sequence[Ranking],
    places: int,
    languages: int,
    first: int = 0,
) -> FirstPlaces:
    """Return the first places of rankings.

    Args:
        rankings: For each query at least all passages with one of the highest `places` scores.
        places: Number of places.
        languages: Number of languages.
        first: Number of the first query, by which equal scores are put in a random order.
    """
    top = np.full((len(rankings), places), -1, np.int64)
    found: list[tuple[int, int, IntArray]] = []
    for query, (language, values) in enumerate(rankings):
        order = language
        same = values[1:] == values[:-1]
        if same.any():
            starts = np.concatenate([[0], np.flatnonzero(~same) + 1])
            sizes = np.diff(np.append(starts, len(values)))
            order = language.copy()
            generator = np.random.default_rng([SEED, first + query])
            for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
                if start >= places:
                    break
                block = np.sort(order[start : start + size])
                found.append((query, int(start), np.bincount(block, minlength=languages)))
                order[start : start + size] = generator.permutation(block)
        top[query, : min(places, len(order))] = order[:places]
    return FirstPlaces(
        top=top,
        query=np.array([query for query, _, _ in found], np.int64),
        start=np.array([start for _, start, _ in found], np.int64),
        counts=np.array([own for _, _, own in found], np.int64).reshape(len(found), languages),
    )
