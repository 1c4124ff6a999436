"""Hard negatives of the rows of a batch: those that are missing are borrowed from other rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

PUNCTUATION = "P"


def fold(text: str) -> str:
    """Return a text without what two versions of it may differ in, as `plain` does to a column.

    >>> fold("Die  STRASSE ?") == fold("die Straße")
    True
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    while folded and (folded[-1] == " " or unicodedata.category(folded[-1])[0] == PUNCTUATION):
        folded = folded[:-1]
    return folded


def fill_negatives(
    lists: Sequence[Sequence[str]], passages: Collection[str], most: int
) -> list[list[str]]:
    """Return as many hard negatives for each row of a batch as the row with the most has.

    A loss takes columns, and has no mask for a text that is missing: a row with fewer negatives
    gets those of other rows, in turn, none twice as long as there are others. A negative that is a
    passage of some row of the batch is not used, as it would be a false one there.

    Args:
        lists: The negatives of each row.
        passages: Passages of the rows of the batch, in every language that negatives are in.
        most: Negatives of a row that are used at most.

    Returns:
        Lists of equal length, empty if no row has a negative.

    >>> fill_negatives([["a", "b"], [], ["c"]], ["p"], 2)
    [['a', 'b'], ['c', 'a'], ['c', 'a']]
    """
    banned = {fold(text) for text in passages}
    own = [[text for text in texts if fold(text) not in banned][:most] for texts in lists]
    count = max(map(len, own), default=0)
    filled = []
    for i, texts in enumerate(own):
        others = [text for near in (*own[i + 1 :], *own[:i]) for text in near]
        fresh = [text for text in dict.fromkeys(others) if text not in texts]
        needed = count - len(texts)
        pool = (fresh or others) * needed
        filled.append([*texts, *pool[:needed]])
    return filled
