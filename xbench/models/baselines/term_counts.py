"""Counts of the terms of a vocabulary in passages, and the statistics that BM25 takes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TermCounts:
    """How often each term of a vocabulary occurs in some passages, as the rows of a CSR matrix.

    Attributes:
        terms: Size of the vocabulary, the number of columns.
        data: How often the passage contains the term, shape (pairs,).
        indices: Column of the term, in each row in the order in which the terms first occur in
            the passage, shape (pairs,).
        indptr: Where each row starts in `data` and `indices`, shape (passages + 1,).
        lengths: Number of terms of each passage, those outside the vocabulary included, shape
            (passages,).
    """

    terms: int
    data: NDArray[np.int32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    lengths: NDArray[np.int32]

    def to_bytes(self) -> bytes:
        """Return the counts as a safetensors file; equal counts give equal bytes."""
        arrays = {
            "terms": np.array([self.terms]),
            "data": self.data,
            "indices": self.indices,
            "sizes": np.diff(self.indptr),
            "lengths": self.lengths,
        }
        return save({name: _shrink(values) for name, values in arrays.items()})

    @classmethod
    def from_bytes(cls, content: bytes) -> TermCounts:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: If that is something else.
        """
        try:
            arrays = load(content)
            counts = cls(
                terms=int(arrays["terms"][0]),
                data=arrays["data"].astype(np.int32),
                indices=arrays["indices"].astype(np.int32),
                indptr=np.concatenate([[0], np.cumsum(arrays["sizes"], dtype=np.int64)]),
                lengths=arrays["lengths"].astype(np.int32),
            )
        except (SafetensorError, LookupError) as error:
            raise ValueError(f"these bytes are not term counts: {error}") from error
        counts._check()
        return counts

    def _check(self) -> None:
        pairs, passages = len(self.data), len(self.lengths)
        if len(self.indices) != pairs or self.indptr[-1] != pairs:
            raise ValueError("these bytes are not term counts: their arrays do not fit together")
        if len(self.indptr) != passages + 1:
            raise ValueError("these bytes are not term counts: their passages do not fit together")
        if not ((self.indices >= 0) & (self.indices < self.terms)).all():
            raise ValueError("these bytes are not term counts: a term is outside the vocabulary")


@dataclass(frozen=True)
class Statistics:
    """What BM25 needs to know of a corpus, or of a pool of corpora.

    The statistics of two corpora, or of two pieces of one, add up to those of both, one after the
    other. The order of the pieces decides nothing but `order`, and so the last bit of a score.

    Attributes:
        passages: Number of passages.
        length: Number of terms of all passages.
        passage_counts: Number of passages that contain each term, shape (terms of the vocabulary,).
        order: Columns of the terms that occur, in the order in which they first do.
    """

    passages: int
    length: int
    passage_counts: NDArray[np.int64]
    order: NDArray[np.int32]

    @classmethod
    def of(cls, counts: TermCounts) -> Statistics:
        """Take the statistics of some passages."""
        return cls(
            passages=len(counts.lengths),
            length=int(counts.lengths.sum(dtype=np.int64)),
            passage_counts=np.bincount(counts.indices, minlength=counts.terms),
            order=_distinct(counts.indices, counts.terms),
        )

    def __add__(self, other: Statistics) -> Statistics:
        """Return the statistics of this corpus followed by the other.

        Raises:
            ValueError: If their vocabularies differ in size.
        """
        if len(self.passage_counts) != len(other.passage_counts):
            raise ValueError("statistics of different vocabularies cannot be added")
        return Statistics(
            passages=self.passages + other.passages,
            length=self.length + other.length,
            passage_counts=self.passage_counts + other.passage_counts,
            order=_distinct(np.concatenate([self.order, other.order]), len(self.passage_counts)),
        )


def _distinct(columns: NDArray[np.int32], terms: int) -> NDArray[np.int32]:
    """Return the distinct columns in the order in which they first occur."""
    first = np.full(terms, len(columns))
    # Of the values assigned to one element the last stays.
    first[columns[::-1]] = np.arange(len(columns))[::-1]
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(columns))]
    return order.astype(np.int32)


def _shrink(values: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """Give counts the smallest type that holds them all."""
    return values.astype(np.min_scalar_type(values.max(initial=0)))
