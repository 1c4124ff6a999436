"""Letters that are next to each other on the usual keyboard of a language."""

from __future__ import annotations

from functools import lru_cache

LATIN = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

ROWS: dict[str, tuple[str, ...]] = {
    "ar": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"),
    "de": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "el": ("ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "en": LATIN,
    "es": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "fr": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
    "hi": ("बहगदजड", "परकतचट", "मनवलसय"),
    "ru": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "th": ("พรนยบล", "ฟหกดสวง", "ผปอทมฝ"),
    "tr": ("qwertyu\u0131opğü", "asdfghjklşi", "zxcvbnmöç"),
}
"""The letters of each row from left to right, without combining signs; Latin where none is."""


@lru_cache(maxsize=4096)
def neighbours(letter: str, language: str) -> tuple[str, ...]:
    """Return the letters left, right, above and below a letter, in its case.

    Args:
        letter: A letter.
        language: ISO 639-1 code.

    Returns:
        Nothing for a letter that is not on the keyboard, as in Chinese, which is typed by sound.

    >>> neighbours("G", "en")
    ('F', 'H', 'T', 'B')
    """
    rows = ROWS.get(language, LATIN)
    lower = letter.lower()
    for number, row in enumerate(rows):
        if lower in row and len(lower) == 1:
            column = row.index(lower)
            places = [
                (number, column - 1),
                (number, column + 1),
                (number - 1, column),
                (number + 1, column),
            ]
            found = [rows[r][c] for r, c in places if 0 <= r < len(rows) and 0 <= c < len(rows[r])]
            return tuple(own.upper() if letter != lower else own for own in found)
    return ()
