"""The ranks of a task: what a per-query file holds, and how it is written and read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.atomic_write import write_atomically
from xbench.data.catalogue import TASK_VERSION
from xbench.data.datasets import PassageForm
from xbench.metrics import IntArray, PoolRanks
from xbench.metrics.ranks import Ties

PER_QUERY_SUFFIX = ".per_query.json.gz"


@dataclass(frozen=True)
class PerQuery:
    """The ranks behind one task's scores, and what they are ranks of.

    Attributes:
        task: Name of the task.
        task_version: Version of how the task is built and scored.
        dataset_revision: Revision of the dataset.
        passage_form: What a passage's text was.
        multilingual: Whether the pools mix languages.
        subsets: Ranks by subset name.
        groups: What questions are grouped by, such as an article, by the question's id.
    """

    task: str
    dataset_revision: str
    passage_form: PassageForm
    multilingual: bool
    subsets: Mapping[str, PoolRanks]
    task_version: str = TASK_VERSION
    groups: Mapping[str, str] = field(default_factory=dict)


def write_per_query(folder: Path, content: PerQuery) -> None:
    """Write the per-query file of a task; the same content gives the same bytes.

    Raises:
        UserError: If the file cannot be written.
    """
    questions = list(
        dict.fromkeys(q for ranks in content.subsets.values() for q in ranks.questions)
    )
    codes = sorted(
        {str(a) for ranks in content.subsets.values() for a in np.unique(ranks.language)}
    )
    position = {question: i for i, question in enumerate(questions)}
    subsets: dict[str, dict[str, Any]] = {}
    for name, ranks in content.subsets.items():
        own = np.array([position[question] for question in ranks.questions], np.int64)
        subsets[name] = {
            "query_language": ranks.query_language,
            "pool": dict(ranks.pool),
            "question": own[ranks.query].tolist(),
            "language": np.searchsorted(codes, ranks.language).tolist(),
            "rank": ranks.rank.tolist(),
            "top": None if ranks.top is None else _letters(ranks.top),
        }
        if ranks.depth is not None:
            subsets[name]["depth"] = ranks.depth
        if ranks.own_rank is not None:
            subsets[name]["own_rank"] = ranks.own_rank.tolist()
        if ranks.ties is not None:
            subsets[name]["ties"] = _ties_document(ranks.rank, ranks.ties)
    document = {
        "task": content.task,
        "task_version": content.task_version,
        "dataset_revision": content.dataset_revision,
        "passage_form": content.passage_form,
        "multilingual": content.multilingual,
        "questions": questions,
        "languages": codes,
        "subsets": subsets,
    }
    if content.groups:
        document["groups"] = [content.groups.get(question) for question in questions]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    write_atomically(folder / f"{content.task}{PER_QUERY_SUFFIX}", packed)


def as_per_query(document: Mapping[str, Any]) -> PerQuery:
    """Return the ranks in the content of a per-query file; `xbench.results.reading` reads files.

    Raises:
        LookupError: If a row is of no question or language of the file.
        ValueError: If a subset's rows are not in the order of its queries.
    """
    questions, codes = document["questions"], np.array(document["languages"], np.str_)
    return PerQuery(
        task=document["task"],
        task_version=document["task_version"],
        dataset_revision=document["dataset_revision"],
        passage_form=document["passage_form"],
        multilingual=document["multilingual"],
        subsets={
            name: _pool_ranks(subset, questions, codes)
            for name, subset in document["subsets"].items()
        },
        groups={q: own for q, own in zip(questions, _groups(document), strict=True) if own},
    )


def _groups(document: Mapping[str, Any]) -> list[str | None]:
    """Return the group of each question, None where it has none."""
    return document.get("groups") or [None] * len(document["questions"])


def _pool_ranks(subset: Mapping[str, Any], questions: list[str], codes: Any) -> PoolRanks:  # noqa: ANN401
    order = {question: i for i, question in enumerate(dict.fromkeys(subset["question"]))}
    query = np.array([order[question] for question in subset["question"]], np.int64)
    return PoolRanks(
        questions=tuple(questions[question] for question in order),
        query=query,
        language=codes[np.array(subset["language"], np.int64)],
        rank=np.array(subset["rank"], np.int64),
        query_language=subset["query_language"],
        pool=dict(subset["pool"]),
        top=None if subset["top"] is None else _places(subset["top"]),
        depth=subset.get("depth"),
        own_rank=np.array(subset["own_rank"], np.int64) if "own_rank" in subset else None,
        ties=_ties(subset["rank"], subset["ties"], len(subset["pool"]))
        if "ties" in subset
        else None,
    )


def _ties_document(rank: IntArray, ties: Ties) -> dict[str, Any]:
    """Return ties, of the rows of which only those are there that are not as their ranks say."""
    rows = np.flatnonzero((rank == 0) | (ties.tied > 1))
    return {
        "row": rows.tolist(),
        "above": ties.above[rows].tolist(),
        "tied": ties.tied[rows].tolist(),
        "query": ties.query.tolist(),
        "start": ties.start.tolist(),
        "counts": ties.counts.tolist(),
    }


def _ties(rank: list[int], document: Mapping[str, Any], languages: int) -> Ties:
    above, tied = np.array(rank, np.int64) - 1, np.ones(len(rank), np.int64)
    rows = np.array(document["row"], np.int64)
    above[rows], tied[rows] = document["above"], document["tied"]
    blocks = len(document["query"])
    return Ties(
        above=above,
        tied=tied,
        query=np.array(document["query"], np.int64),
        start=np.array(document["start"], np.int64),
        counts=np.array(document["counts"], np.int64).reshape(blocks, languages),
    )


def _letters(top: IntArray) -> list[str]:
    """Write the languages of the first places as letters, ``a`` the first, ``.`` past the end."""
    codes = np.where(top < 0, ord("."), top + ord("a")).astype("<u4")
    return [row.tobytes().decode("utf-32-le") for row in codes]


def _places(letters: list[str]) -> IntArray:
    rows = [np.frombuffer(row.encode("utf-32-le"), "<u4") for row in letters]
    codes = np.array(rows, np.int64)
    return np.where(codes == ord("."), -1, codes - ord("a"))
