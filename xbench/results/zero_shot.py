"""Zero-shot or not: whether what a model was trained on is what a dataset derives from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

ZeroShot = Literal["zero-shot", "not zero-shot", "unknown"]
"""Whether a model was trained on what a dataset derives from."""

STEMS = {"XQuAD": ("xquad", "lareqa"), "MLQA": ("mlqa", "lareqa"), "MIRACL": ("miracl",)}
"""What the names of what a dataset derives from contain, by the start of the dataset's title.

XQuAD-R and mteb's XQuADRetrieval are made of XQuAD, MLQA-R and MLQARetrieval of MLQA, mteb's tasks
of MIRACL of MIRACL; LAReQA is XQuAD-R and MLQA-R together. How a name is written makes no
difference: hyphens, spaces, case and letters of other alphabets that look the same are read as the
plain name. The stems cover the names that models declare: those of mteb's tasks
(``MIRACLRetrievalHardNegatives``, ``MIRACLReranking``), of the hub (``facebook/mlqa``, ``xquad_r``)
and of configurations (``mlqa.ar.de``). A declaration hardly ever says which split was used, so a
name counts whatever was meant by it, as in mteb; this includes MIRACL's training split, which asks
other questions of the same passages.

SQuAD is not counted: XQuAD translates questions of its development split, models are trained on the
other, and MLQA has questions and paragraphs of its own. Nor are translations of SQuAD's training
split (ParSQuAD, KorQuAD), nor Mr. TyDi, from which MIRACL took questions split by split.
"""


COLLECTIONS = {"xtreme": {"XQuAD", "MLQA"}, "xglue": {"MLQA"}}
"""What is in collections of tasks, where a name says no more than that."""


def zero_shot(training_data: Sequence[str] | None, dataset: str) -> ZeroShot:
    """Return whether a model has not been trained on what a dataset derives from.

    Args:
        training_data: Names of what it was trained on, None if that is not declared.
        dataset: Title of the dataset.

    >>> zero_shot(["MSMARCO", "google/xquad"], "XQuAD-R")
    'not zero-shot'
    >>> zero_shot(["SQuAD"], "XQuAD-R"), zero_shot([], "XQuAD-R"), zero_shot(None, "XQuAD-R")
    ('zero-shot', 'zero-shot', 'unknown')
    """
    if training_data is None:
        return "unknown"
    start = next((start for start in STEMS if dataset.startswith(start)), "")
    return "not zero-shot" if start in evaluation_data(training_data) else "zero-shot"


def evaluation_data(training_data: Sequence[str]) -> set[str]:
    """Return what is evaluated on and was trained on, by the keys of `STEMS`.

    >>> sorted(evaluation_data(["ML-QA", "google/xtreme"]))
    ['MLQA', 'XQuAD']
    """
    found: set[str] = set()
    for name in map(_letters, training_data):
        own = {start for start, stems in STEMS.items() if any(stem in name for stem in stems)}
        whole = [inside for collection, inside in COLLECTIONS.items() if collection in name]
        found |= own or set().union(*whole)
    return found


_LOOKS_LIKE = str.maketrans("аеорсухіјԛмтвнкӏαορυιхсқ", "aeopcyxijqmtbhklaopuixcq")
"""Small letters of other alphabets that look like Latin ones."""


def _letters(name: str) -> str:
    """Return the letters and digits of a name, as a reader sees them."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_LOOKS_LIKE)
    return "".join(character for character in plain if character.isalnum())
