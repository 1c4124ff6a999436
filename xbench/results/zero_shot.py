"""Zero-shot or not: whether what a model was trained on is what a dataset derives from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

ZeroShot = Literal["zero-shot", "not zero-shot", "unknown"]
"""Whether a model was trained on what a dataset derives from."""

STEMS = {
    "XQuAD": ("xquad", "lareqa"),
    "MLQA": ("mlqa", "lareqa"),
    "MIRACL": ("miracl",),
}
"""How the names of what a dataset derives from begin, by the start of the dataset's title.

XQuAD-R and mteb's XQuADRetrieval are made of XQuAD, MLQA-R and MLQARetrieval of MLQA, mteb's tasks
of MIRACL of MIRACL; LAReQA is XQuAD-R and MLQA-R together. The stems cover the names that models
declare: those of mteb's tasks (``MIRACLRetrievalHardNegatives``, ``MIRACLReranking``), of the hub
(``facebook/mlqa``, ``xquad_r``) and of configurations (``mlqa.ar.de``). A declaration hardly ever
says which split was used, so a name counts whatever was meant by it, as in mteb; this includes
MIRACL's training split, which asks other questions of the same passages.

SQuAD is not counted: XQuAD translates questions of its development split, models are trained on the
other, and MLQA has questions and paragraphs of its own. Nor are translations of SQuAD's training
split (ParSQuAD, KorQuAD), nor Mr. TyDi, from which MIRACL took questions split by split.
"""


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
    stems = next((stems for start, stems in STEMS.items() if dataset.startswith(start)), ())
    words = (word for name in training_data for word in re.split(r"[\W_]+", name.casefold()))
    return "not zero-shot" if any(word.startswith(stems) for word in words) else "zero-shot"
