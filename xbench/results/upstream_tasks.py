"""What the files of the public MTEB results repository must contain, by task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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

    ``tests/results/test_upstream_tasks.py`` makes the table from mteb, and checks that
    it still is what mteb says.
    """
    text = files("xbench.results").joinpath("upstream_tasks.json").read_text("utf-8")
    return {
        name: UpstreamTask(
            measure=entry["measure"],
            dataset_revisions=tuple(entry["dataset_revisions"]),
            splits=tuple(entry["splits"]),
            subsets={name: tuple(codes) for name, codes in entry["subsets"].items()},
        )
        for name, entry in json.loads(text).items()
    }
