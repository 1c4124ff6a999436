"""Typing errors: letters swapped, deleted, doubled, or replaced by a neighbour on the keyboard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbench.data.graphemes import clusters, is_letter, number_of
from xbench.data.keyboards import neighbours

Generator = np.random.Generator


def with_typing_errors(
    text: str, rate: float, language: str, generator: Generator, _: Sequence[str] = ()
) -> str:
    """Return a text with an error in a share of its letters.

    Args:
        text: The text.
        rate: Share of the letters.
        language: ISO 639-1 code, for the keyboard.
        generator: What draws letters and errors.
    """
    parts = clusters(text)
    letters = [i for i, own in enumerate(parts) if is_letter(own)]
    wanted = number_of(rate, len(letters), generator)
    for index in map(int, generator.permutation(letters)):
        if not wanted:
            break
        for edit in generator.permutation(len(EDITS)):
            made = EDITS[edit](parts, index, language, generator)
            if made is not None and _holds(made, index):
                parts, wanted = made, wanted - 1
                break
    return "".join(parts)


def _swap(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Exchange a letter and the next."""
    after = index + 1
    if after >= len(parts) or not all(map(is_letter, parts[index : after + 1])):
        return None
    if parts[index] == parts[after]:
        return None
    return [*parts[:index], parts[after], parts[index], *parts[after + 1 :]]


def _delete(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Leave a place empty, so that the places of the other letters stay."""
    return [*parts[:index], "", *parts[index + 1 :]] if _letters(parts) > 1 else None


def _double(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    if clusters(parts[index] * 2) != [parts[index]] * 2:
        return None
    return [*parts[:index], parts[index] * 2, *parts[index + 1 :]]


def _slip(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Replace a letter by one next to it on the keyboard."""
    near = neighbours(parts[index], language)
    if not near:
        return None
    return [*parts[:index], near[int(generator.integers(len(near)))], *parts[index + 1 :]]


EDITS = (_swap, _delete, _double, _slip)


def _letters(parts: Sequence[str]) -> int:
    return sum(map(is_letter, parts))


def _holds(parts: Sequence[str], index: int) -> bool:
    """Return whether the clusters around a changed place are still those that were put there."""
    before = [own for own in parts[:index] if own][-2:]
    near = before + [own for own in parts[index:] if own][:4]
    expected = [own for part in near for own in clusters(part)]
    return clusters("".join(near)) == expected
