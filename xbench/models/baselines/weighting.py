"""The BM25 formula, shared by the search of a corpus in memory and of one that is streamed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_K1, DEFAULT_B = 0.9, 0.4
"""Parameters of Anserini and of MIRACL's published BM25 runs."""


def check_parameters(k1: float, b: float) -> None:
    """Refuse impossible parameters.

    Raises:
        ValueError: If `k1` is negative or not finite, or `b` is not in [0, 1].
    """
    if not (math.isfinite(k1) and k1 >= 0):
        raise ValueError(f"k1 must be finite and not negative, not {k1}")
    if not 0 <= b <= 1:
        raise ValueError(f"b must be between 0 and 1, not {b}")


def inverse_document_frequency(
    passages: int, passage_counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return ln(1 + (N - n + 0.5) / (n + 0.5)) of each term.

    Args:
        passages: Number N of passages.
        passage_counts: Number n of passages that contain the term, shape (terms,).
    """
    idf: NDArray[np.float64] = np.log1p((passages - passage_counts + 0.5) / (passage_counts + 0.5))
    return idf


def weigh(
    frequencies: NDArray[np.float64],
    idf: NDArray[np.float64],
    relative_lengths: NDArray[np.float64],
    k1: float,
    b: float,
) -> NDArray[np.float32]:
    """Return idf * tf / (tf + k1 * (1 - b + b * |d| / avgdl)) of each pair of term and passage.

    Args:
        frequencies: How often the passage contains the term (tf), shape (pairs,).
        idf: Inverse document frequency of the term, shape (pairs,).
        relative_lengths: Length of the passage over the mean length, shape (pairs,).
        k1: Saturation of term frequency.
        b: Strength of length normalization.
    """
    saturation = k1 * (1 - b + b * relative_lengths)
    return (idf * frequencies / (frequencies + saturation)).astype(np.float32)
