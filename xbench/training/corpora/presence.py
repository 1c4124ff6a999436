"""Which rows have a text in which language: a bit for each, for any number of languages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 16
"""Rows unpacked at once."""

Bits = NDArray[np.uint8]
"""Shape (rows, bytes): eight languages a byte, the first in its lowest bit."""


def no_texts(rows: int, languages: int) -> Bits:
    """Return the bits of rows without any text."""
    return np.zeros((rows, -(-languages // 8)), np.uint8)


def add_language(bits: Bits, position: int, there: NDArray[np.bool_]) -> None:
    """Set the bit of a language where there is a text."""
    bits[:, position >> 3] |= there.astype(np.uint8) << np.uint8(position & 7)


def has_language(bits: Bits, position: int) -> NDArray[np.bool_]:
    """Return which rows have a text in a language; shape (rows,)."""
    return bits[:, position >> 3] >> np.uint8(position & 7) & 1 > 0


def pack(there: NDArray[np.bool_]) -> Bits:
    """Return the bits of a mask of shape (rows, languages)."""
    return np.packbits(there, axis=1, bitorder="little")


def unpack(bits: Bits, languages: int) -> NDArray[np.uint8]:
    """Return 0 or 1 for each row and language; shape (rows, languages).

    >>> unpack(pack(np.array([[True, False, True]])), 3)
    array([[1, 0, 1]], dtype=uint8)
    """
    return np.unpackbits(bits, axis=1, count=languages, bitorder="little")


def pair_counts(queries: Bits, passages: Bits, languages: int) -> NDArray[np.int64]:
    """Return how many rows have a query in one language and a passage in another.

    Returns:
        Shape (languages, languages): query language, passage language.
    """
    counts = np.zeros((languages, languages))
    for start in range(0, len(queries), CHUNK):
        rows = slice(start, start + CHUNK)
        query = unpack(queries[rows], languages).astype(np.float32)
        counts += query.T @ unpack(passages[rows], languages).astype(np.float32)
    return counts.astype(np.int64)
