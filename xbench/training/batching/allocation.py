"""Sharing rows out among kinds of batches, where not every row can serve every kind.

Rows that can serve the same kinds are counted together, as a pattern.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ITERATIONS = 200
"""Rounds of proportional fitting; a few tens are enough for real tables."""


def systematic_counts(weights: FloatArray, total: int, random: np.random.Generator) -> IntArray:
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


def proportional_fit(
    rows: FloatArray, places: FloatArray, serves: BoolArray, weights: FloatArray
) -> FloatArray:
    """Share rows out so that both margins hold as nearly as they can.

    Iterative proportional fitting (Deming and Stephan 1940), which keeps the odds between kinds
    that `weights` gives wherever the margins leave a choice.

    Args:
        rows: Shape (patterns,): number of rows.
        places: Shape (kinds,): number of places.
        serves: Shape (patterns, kinds): whether such rows can serve the kind.
        weights: Shape (kinds,): odds to begin with.

    Returns:
        Shape (patterns, kinds); its sums over kinds are `rows`.
    """
    shared = np.where(serves, weights, 0.0)
    for _ in range(ITERATIONS):
        shared *= _ratio(places, shared.sum(axis=0))
        shared *= _ratio(rows, shared.sum(axis=1))[:, None]
    return np.asarray(shared)


def attainable_shares(rows: IntArray, serves: BoolArray, weights: FloatArray) -> FloatArray:
    """Return the shares of kinds nearest to the weights at which every row is used once.

    Args:
        rows: Shape (patterns,): number of rows.
        serves: Shape (patterns, kinds): whether such rows can serve the kind.
        weights: Shape (kinds,): the shares asked for, with sum 1.

    >>> one_language, both = [True, False], [True, True]
    >>> attainable_shares(np.array([3, 1]), np.array([one_language, both]), np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """
    shared = proportional_fit(rows.astype(float), weights * rows.sum(), serves, weights)
    shares = shared.sum(axis=0) / rows.sum()
    return np.asarray(shares.round(12) / shares.round(12).sum())


def allocate(rows: IntArray, places: IntArray, serves: BoolArray) -> IntArray:
    """Share rows out among places, as many as fit.

    The whole parts of the proportional fit are kept; a maximum flow places the rest.

    Args:
        rows: Shape (patterns,): number of rows.
        places: Shape (kinds,): number of places.
        serves: Shape (patterns, kinds): whether such rows can serve the kind.

    Returns:
        Shape (patterns, kinds): sums over kinds at most `rows`, over patterns at most `places`.
    """
    fitted = proportional_fit(
        rows.astype(float), places.astype(float), serves, places.astype(float)
    )
    fitted *= np.minimum(_ratio(places.astype(float), fitted.sum(axis=0)), 1.0)
    whole = np.floor(fitted + 1e-9).astype(np.int64)
    return whole + _flow(rows - whole.sum(axis=1), places - whole.sum(axis=0), serves)


def _flow(rows: IntArray, places: IntArray, serves: BoolArray) -> IntArray:
    """Return a maximum flow from patterns with rows left to kinds with places left."""
    patterns, kinds = serves.shape
    source, sink = patterns + kinds, patterns + kinds + 1
    pattern, kind = np.nonzero(serves)
    starts = [np.full(patterns, source), pattern, patterns + np.arange(kinds)]
    ends = [np.arange(patterns), patterns + kind, np.full(kinds, sink)]
    capacity = [rows, np.minimum(rows[pattern], places[kind]), places]
    graph = csr_array(
        (
            np.concatenate(capacity).astype(np.int32),
            (np.concatenate(starts), np.concatenate(ends)),
        ),
        shape=(sink + 1, sink + 1),
    )
    flow = maximum_flow(graph, source, sink).flow.toarray()
    return np.asarray(np.maximum(flow[:patterns, patterns:source], 0), np.int64)


def _ratio(wanted: FloatArray, given: FloatArray) -> FloatArray:
    return np.divide(wanted, given, out=np.zeros_like(wanted), where=given > 0)
