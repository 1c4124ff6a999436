"""What every result of a dataset must be measured on: its pools and its relevant passages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from xbench.data.belebele_tags import PASSAGES, QUESTIONS
from xbench.data.datasets import BELEBELE


@dataclass(frozen=True)
class Corpus:
    """The pools and the relevant passages of a dataset.

    Attributes:
        passages: Number of passages by language.
        relevant: For queries of one language and passages of another, the digest of the ids of
            the queries, once for each relevant passage, see `digest`; or the number of relevant
            passages, where it is not known which questions were drawn. A pair without relevant
            passages is absent.
    """

    passages: Mapping[str, int]
    relevant: Mapping[str, Mapping[str, str | int]]


def digest(questions: Iterable[str]) -> str:
    """Return what identifies the relevant passages of a pair of languages.

    Args:
        questions: Id of the query of every relevant passage, in any order.

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of the sorted ids, one per line.

    >>> digest(["b", "a"]) == digest(["a", "b"])
    True
    """
    return hashlib.sha256("\n".join(sorted(questions)).encode()).hexdigest()[:16]


@cache
def corpora() -> Mapping[str, Corpus]:
    """Return the corpus of every dataset of the catalogue, by its title.

    ``tests/results/validation/test_expected.py`` makes the table from the data, and checks that it
    still is what the data say. Every language variant of Belebele has as much as any other.
    """
    text = files("xbench.results.validation").joinpath("corpora.json").read_text("utf-8")
    known = {title: Corpus(**entry) for title, entry in json.loads(text).items()}
    passages = dict.fromkeys(BELEBELE.languages, PASSAGES)
    relevant = dict.fromkeys(BELEBELE.languages, dict.fromkeys(BELEBELE.languages, QUESTIONS))
    return {**known, BELEBELE.title: Corpus(passages, relevant)}
