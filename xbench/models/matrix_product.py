"""Similarity as one matrix product, where it is one."""

from __future__ import annotations

import numpy as np

from xbench.models.vectors import FloatArray


class MatrixProduct:
    """The dot product, or the cosine, of some queries with any passages.

    Args:
        queries: Shape (queries, dimensions).
        normalize: Whether it is the cosine.
    """

    def __init__(self, queries: FloatArray, normalize: bool) -> None:
        self._normalize = normalize
        self._queries = _unit(queries) if normalize else queries

    def __call__(self, passages: FloatArray) -> FloatArray:
        """Return the scores of some passages, shape (queries, passages)."""
        vectors = _unit(passages) if self._normalize else passages
        return np.asarray(self._queries @ vectors.T, np.float32)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
