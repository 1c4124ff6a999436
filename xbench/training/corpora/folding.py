"""The form in which texts are compared."""

from __future__ import annotations

import polars as pl

CASE_FOLDS = {"ß": "ss", "ς": "σ"}  # noqa: RUF001
"""Letters whose folded form differs from their lower case."""

OTHER_SPACE = "[\t-\r\x1c-\x1f\x85\u1680\u2028\u2029]"
"""White space that NFKC does not turn into plain spaces."""


def plain(texts: pl.Expr) -> pl.Expr:
    """Return texts without what two versions of one question may differ in.

    That is Unicode's compatibility forms (NFKC), case (folded as in `str.casefold`, for the
    letters of the languages here), the width of white space, and punctuation at the end.

    >>> frame = pl.DataFrame({"text": ["Wo liegt  die STRASSE ?", "wo liegt die Straße"]})
    >>> frame.select(plain(pl.col("text")))["text"].to_list()
    ['wo liegt die strasse', 'wo liegt die strasse']
    """
    folded = texts.str.normalize("NFKC").str.to_lowercase()
    for letter, fold in CASE_FOLDS.items():
        folded = folded.str.replace_all(letter, fold, literal=True)
    spaced = folded.str.replace_all(OTHER_SPACE, " ").str.replace_all(" {2,}", " ")
    return spaced.str.replace(r"[\p{P} ]+$", "").str.strip_chars_start(" ")
