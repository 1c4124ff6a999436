"""Embeddings as arrays: one vector for each text, or a matrix for each.

A late-interaction model gives a matrix with a row for each token. A sparse vector is kept as a
matrix, too, with a row (index, value) for each component that is not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

Matrices = list[FloatArray]
"""One matrix for each text, all with the same number of columns."""

Vectors = FloatArray | Matrices
"""Embeddings of some texts: shape (texts, dimensions), or a matrix for each."""

Kind = Literal["dense", "sparse", "multi-vector"]


def as_float32(array: Any) -> FloatArray:  # noqa: ANN401
    """Return an array or a tensor of any kind as a float32 array in memory."""
    if isinstance(array, torch.Tensor):
        dense = array.to_dense() if array.layout != torch.strided else array
        array = dense.detach().cpu().float().numpy()
    return np.asarray(array, np.float32)


def sparse_rows(tensor: torch.Tensor) -> Matrices:
    """Return the rows of a sparse tensor, each as a matrix of rows (index, value)."""
    coo = tensor.detach().cpu().to_sparse().coalesce()
    row, column = coo.indices().numpy()
    value = coo.values().float().numpy()
    table = np.stack([column.astype(np.float32), value], axis=1)
    return np.split(table, np.searchsorted(row, np.arange(1, tensor.shape[0])))


def sparse_tensor(rows: Matrices, dimensions: int) -> torch.Tensor:
    """Return a sparse tensor of shape (texts, dimensions), of which `sparse_rows` gave the rows."""
    table = np.concatenate(rows)
    row = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
    indices = torch.from_numpy(np.stack([row, table[:, 0].astype(np.int64)]))
    return torch.sparse_coo_tensor(
        indices,
        torch.from_numpy(table[:, 1].copy()),
        (len(rows), dimensions),
        check_invariants=False,
    ).coalesce()


def sparse_width(rows: Matrices) -> int:
    """Return the least number of dimensions that sparse vectors can have."""
    return 1 + int(max((own[:, 0].max(initial=-1) for own in rows), default=-1))


def pack(vectors: Vectors) -> dict[str, NDArray[Any]]:
    """Return embeddings as arrays that can be written to a file."""
    if isinstance(vectors, list):
        lengths = np.array([len(own) for own in vectors], np.int64)
        return {"vector": np.concatenate(vectors).astype(np.float32), "rows": lengths}
    return {"vector": np.ascontiguousarray(vectors, np.float32)}


def unpack(arrays: dict[str, NDArray[Any]]) -> Vectors:
    """Return the embeddings of which `pack` gave the arrays."""
    if "rows" in arrays:
        return np.split(arrays["vector"], np.cumsum(arrays["rows"])[:-1])
    return arrays["vector"]


def select(vectors: Vectors, rows: Sequence[int]) -> Vectors:
    """Return the embeddings of some of the texts."""
    return [vectors[i] for i in rows] if isinstance(vectors, list) else vectors[list(rows)]


def flat(vectors: Vectors) -> FloatArray:
    """Return one vector for each text, which is zero where all its matrix is."""
    if isinstance(vectors, list):
        return np.array([own.sum(axis=0) for own in vectors], np.float32)
    return vectors


def dense(vectors: Vectors) -> FloatArray:
    """Return all numbers of each text's embedding as one row, with zeros where there are fewer."""
    if not isinstance(vectors, list):
        return vectors
    rows = np.zeros((len(vectors), max((own.size for own in vectors), default=0)), np.float32)
    for row, own in zip(rows, vectors, strict=True):
        row[: own.size] = own.ravel()
    return rows
