"""The result store: where results are, how they are written, read and summarised.

A task's results are two files. ``<Task>.json`` is mteb's; ``<Task>.per_query.json.gz`` holds the
rank of every relevant passage of every query, from which every score can be recomputed exactly. The
latter is written first, then the summary that `xbench.results.summaries` makes of it, and
``<Task>.json`` last, so that a task whose ``<Task>.json`` is there is finished.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.atomic_write import locked, write_atomically
from xbench.data.catalogue import TASK_VERSION, PassageForm
from xbench.metrics import IntArray, PoolRanks, per_query
from xbench.metrics.effectiveness import average_precision
from xbench.metrics.ranks import Ties

PER_QUERY_SUFFIX = ".per_query.json.gz"
SETTINGS_NAME = "run_settings.jsonl"
META_NAME = "model_meta.json"
EXPERIMENTS = "experiments"
"""Folder, in that of a revision, of results with other settings than the model's own."""

DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What reading a file that is damaged, or that someone else wrote, may raise."""


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


def write_result(
    folder: Path,
    result: Mapping[str, Any],
    model_meta: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> None:
    """Write mteb's result file of a task, after the model's metadata and the run's settings.

    Args:
        folder: Folder of the model and revision.
        result: mteb's `TaskResult` as a dictionary.
        model_meta: mteb's `ModelMeta` as a dictionary.
        settings: How the task was run; mteb's keys ``task``, ``splits``, ``subsets`` among them.

    Raises:
        UserError: If a file cannot be written.
    """
    write_atomically(folder / META_NAME, _json(model_meta))
    with locked(folder / ".run_settings.lock"):
        path = folder / SETTINGS_NAME
        kept = [line for line in read_settings(folder) if line.get("task") != settings["task"]]
        lines = sorted([*kept, settings], key=lambda line: str(line["task"]))
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
    write_atomically(folder / f"{result['task_name']}.json", result_content(result))


def result_content(result: Mapping[str, Any]) -> bytes:
    """Return the content of a result file."""
    return _json(_rounded(result))


def read_settings(folder: Path) -> list[dict[str, Any]]:
    """Return the settings of each task that was run, skipping lines that are damaged."""
    path = folder / SETTINGS_NAME
    lines = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def subset_scores(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the scores of each subset in a result, whose tasks have one split each.

    Raises:
        LookupError: If there is no split.
    """
    splits: list[list[dict[str, Any]]] = list(result["scores"].values())
    return splits[0]


def agree(result: Mapping[str, Any], content: PerQuery) -> bool:
    """Return whether a result's average precision is what its ranks give."""
    own: dict[str, Any] = {s["hf_subset"]: s.get("map") for s in subset_scores(result)}
    return own.keys() == content.subsets.keys() and all(
        isinstance(own[name], (int, float))
        and abs(own[name] - float(average_precision(ranks.matrix()).mean())) < 1e-5
        for name, ranks in content.subsets.items()
    )


def micro_average(content: PerQuery, measure: str = "map") -> float:
    """Return the mean of a measure over all queries of all subsets, as LAReQA reports it."""
    values = [
        per_query(ranks, multilingual=content.multilingual)[measure]
        for ranks in content.subsets.values()
    ]
    return float(np.concatenate(values).mean())


def macro_average(result: Mapping[str, Any], measure: str) -> float | None:
    """Return the mean of a measure over the subsets, or None if a subset lacks it."""
    values = [subset.get(measure) for subset in subset_scores(result)]
    if not values or any(value is None for value in values):
        return None
    return float(np.mean([float(value) for value in values if value is not None]))


def _rounded(value: Any) -> Any:  # noqa: ANN401
    """Round scores to six decimals, as mteb's result files do."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, default=str) + "\n").encode()
