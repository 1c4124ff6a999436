"""A passage as one number that sorts as its score does, and then by its number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.metrics.ranks import IntArray

ScoreArray = NDArray[np.float32]
Numbers = NDArray[np.int32]
Keys = NDArray[np.uint64]

NOT_FINITE = (
    "a similarity score is NaN or infinite; check the model's embeddings and its similarity "
    "function, or try another --dtype (float32)"
)

LOWEST = np.finfo(np.float32).min

ALL = np.uint64(0x0101010101010101)
"""Eight comparisons that hold."""

HALF = np.uint64(32)

SIGN = np.uint32(1 << 31)

NO_PASSAGE = np.uint64(0x007FFFFF << 32)
"""High half of the key of a place without a passage, whose score is -inf."""

EMPTY = NO_PASSAGE | np.uint64(0xFFFFFFFF)
"""Key of a place without a passage."""


def high_half(scores: ScoreArray) -> Keys:
    """Return the high halves of keys, whose order is that of the scores."""
    bits = np.asarray(scores + np.float32(0), np.float32).view(np.uint32)
    ordered = bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | SIGN)
    return ordered.astype(np.uint64) << HALF


def low_half(number: IntArray) -> Keys:
    """Return the low halves of keys."""
    return number.astype(np.int32).view(np.uint32).astype(np.uint64)


def passage_keys(scores: ScoreArray, number: IntArray) -> Keys:
    """Return the keys of passages.

    Args:
        scores: Their scores, any shape.
        number: The numbers of their ids, of the same shape.

    Raises:
        UserError: If a score is NaN or infinite.
    """
    if not np.isfinite(scores).all():
        raise UserError(NOT_FINITE)
    return high_half(scores) | low_half(number)


def scores_of(keys: Keys) -> ScoreArray:
    """Return the scores in some keys."""
    ordered = (keys >> HALF).astype(np.uint32)
    positive = (ordered.view(np.int32) >> 31).view(np.uint32)
    return (ordered ^ (~positive | SIGN)).view(np.float32)


def numbers_of(keys: Keys) -> Numbers:
    """Return the numbers of ids in some keys; those kept with their ids have negative ones."""
    return keys.astype(np.uint32).view(np.int32)


def not_below(scores: ScoreArray, floor: ScoreArray) -> IntArray:
    """Return the flat indices of the scores that are not below a floor; NaN is not.

    The comparisons are looked through by eights, as few do not hold.
    """
    below = (scores < floor).reshape(-1)
    eights = below[: len(below) // 8 * 8].view(np.uint64)
    some = np.flatnonzero(eights != ALL)
    bits = np.flatnonzero((eights[some] ^ ALL).view(np.bool_))
    rest = len(eights) * 8 + np.flatnonzero(~below[len(eights) * 8 :])
    return np.concatenate([some[bits >> 3] * 8 + (bits & 7), rest])
