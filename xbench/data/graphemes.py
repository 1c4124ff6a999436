"""Grapheme clusters (Unicode UAX 29): what people see as one letter."""

from __future__ import annotations

import unicodedata

import numpy as np
import regex

CLUSTER = regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """Return the grapheme clusters of a text.

    >>> clusters("नमस्ते")[:2]
    ['न', 'म']
    """
    return list(CLUSTER.findall(text))


def is_letter(cluster: str) -> bool:
    """Return whether a cluster is a letter or a digit; nothing is none."""
    return bool(cluster) and unicodedata.category(cluster[0])[0] in "LN"


def number_of(rate: float, of: int, generator: np.random.Generator) -> int:
    """Return rate · of, rounded up or down at random so that its mean is exact."""
    return int(rate * of + generator.random())
