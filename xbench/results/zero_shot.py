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
    for name in training_data:
        plain, strokes = _readings(name)
        own = {
            start
            for start, stems in STEMS.items()
            if any(stem in plain or stem.replace("i", "l") in strokes for stem in stems)
        }
        whole = [inside for collection, inside in COLLECTIONS.items() if collection in plain]
        found |= own or set().union(*whole)
    return found


_LOOKS_LIKE = str.maketrans(
    "аеорсухіјԛмтвнкӏαορυιхсқ"
    "\u0501\u03bc\u03b5\u03c4\u03ba\u03b7\u03bd\u03b2\u03b6\u03c7\u057d\u0566\u0581\u0585"
    "\u1d00\u1d04\u1d05\u1d07\u0262\u026a\u029f\u1d0d\u01eb\u0280\u1d1b\u1d1c\u0251\u0131\u0142\u0261",
    "aeopcyxijqmtbhklaopuixcqdmetkhnbzxuqgoacdegilmqrtuailg",
)
"""Small letters of other alphabets and rare ones that look like plain Latin letters."""

_STROKES = str.maketrans("I1|", "lll")
"""Characters that look like a small L."""


def _readings(name: str) -> tuple[str, str]:
    """Return the letters and digits of a name, as a reader sees them, and with strokes as an L."""
    plain = unicodedata.normalize("NFKD", name)
    return _plain(plain), _plain(plain.translate(_STROKES))


def _plain(text: str) -> str:
    letters = text.casefold().translate(_LOOKS_LIKE)
    return "".join(character for character in letters if character.isalnum())
