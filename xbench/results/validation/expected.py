"""What results must be of: pools and relevant passages of each dataset; fields of mteb's tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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
    still is what the data say.
    """
    text = files("xbench.results.validation").joinpath("corpora.json").read_text("utf-8")
    return {title: Corpus(**entry) for title, entry in json.loads(text).items()}


@dataclass(frozen=True)
class UpstreamTask:
    """A multilingual retrieval task of mteb.

    Attributes:
        measure: Name of its main score, from 0 to 1.
        dataset_revisions: Revisions of the dataset that mteb has read, the present one last.
        splits: Its splits.
        subsets: The languages of each subset, as mteb writes them.
    """

    measure: str
    dataset_revisions: tuple[str, ...]
    splits: tuple[str, ...]
    subsets: Mapping[str, tuple[str, ...]]


@cache
def upstream_tasks() -> Mapping[str, UpstreamTask]:
    """Return the tasks whose public results are imported, by name.

    ``tests/results/validation/test_upstream_tasks.py`` makes the table from mteb, and checks that
    it still is what mteb says.
    """
    text = files("xbench.results.validation").joinpath("upstream_tasks.json").read_text("utf-8")
    return {
        name: UpstreamTask(
            measure=entry["measure"],
            dataset_revisions=tuple(entry["dataset_revisions"]),
            splits=tuple(entry["splits"]),
            subsets={name: tuple(codes) for name, codes in entry["subsets"].items()},
        )
        for name, entry in json.loads(text).items()
    }
