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

    def __call__(self, passages: FloatArray, scratch: FloatArray | None = None) -> FloatArray:
        """Return the scores of some passages, shape (queries, passages).

        Args:
            passages: Shape (passages, dimensions).
            scratch: Memory to write them to, shape (any,), as new memory costs a tenth of the
                product; scores that do not fit get memory of their own.
        """
        vectors = _unit(passages) if self._normalize else passages
        shape = len(self._queries), len(vectors)
        out = None
        if scratch is not None and scratch.size >= shape[0] * shape[1]:
            out = scratch[: shape[0] * shape[1]].reshape(shape)
        return np.matmul(self._queries, vectors.T, out=out)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
