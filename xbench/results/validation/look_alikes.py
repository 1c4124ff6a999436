"""Find results whose ranks are those of another model: copied, or copied and changed a little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbench.metrics import IntArray
from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.reading import ranks_of
from xbench.results.safe_json import META_LIMIT, PACKED_LIMIT, RESULT_LIMIT, read_object
from xbench.results.store import META_NAME, PER_QUERY_SUFFIX, PerQuery
from xbench.results.task_files import File, ranks_document

HARD = 20
"""Ranks up to this one are skipped: good models have most of them in common."""

LEAST = 50
"""How many other ranks there must be."""

ROWS = 6_000
"""How many ranks of a task are compared, evenly drawn."""

NEAR = 0.05
"""Relative difference of two ranks up to which they count as the same, or one place."""

SAME, SIMILAR = 0.5, 0.2
"""Shares of such ranks: independent models have at most 0.05, one of these above 0.5 is a copy."""

PARALLEL = 0.97
"""Correlation of the logarithms of these ranks from which one may be made of the other."""

CLOSE_SCORES = 0.08
"""Mean difference between main scores up to which ranks are compared at all."""

Ranks = NDArray[np.int32]


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of a result.

    Attributes:
        path: The result file.
        model: Name of the model.
        origin: Name of the model that it was made from, if it says so.
        ranks: Some of the ranks, the same ones for each model.
    """

    path: Path
    model: str
    origin: str | None
    ranks: Ranks


def fingerprint(path: Path, content: PerQuery | None = None) -> Fingerprint | None:
    """Return what is compared of a result, None if its files cannot be read.

    Args:
        path: The result file.
        content: The ranks next to it, if they were read already.
    """
    meta = read_object(path.with_name(META_NAME), META_LIMIT, Notes("")) or {}
    content = content or _read(path)
    if content is None:
        return None
    ranks = _ordered(content)
    step = -(-len(ranks) // ROWS) or 1
    kept = ranks[::step].astype(np.int32)
    return Fingerprint(path, str(meta.get("name")), meta.get("adapted_from"), kept)


def _read(path: Path) -> PerQuery | None:
    name = f"{path.stem}{PER_QUERY_SUFFIX}"
    document = ranks_document(File(path.with_name(name), PACKED_LIMIT, name))
    return None if document is None else ranks_of(document, Notes(name))


def _ordered(content: PerQuery) -> IntArray:
    """Return all ranks, by subset, question, language and rank, however a file orders them."""
    parts = [np.empty(0, np.int64)]
    for _, own in sorted(content.subsets.items()):
        place = np.empty(len(own.questions), np.int64)
        place[np.argsort(np.array(own.questions, np.str_))] = np.arange(len(own.questions))
        language = np.searchsorted(sorted(own.pool), own.language)
        parts.append(own.rank[np.lexsort((own.rank, language, place[own.query]))])
    return np.concatenate(parts)


def look_alikes(
    new: Sequence[Fingerprint],
    others: Iterable[Path],
    results: Mapping[Path, Mapping[str, Any]],
    root: Path,
) -> list[TaskCheck]:
    """Return what is wrong with results whose ranks are another model's.

    Args:
        new: The results to look at.
        others: Result files of all models that were there before.
        results: The content of the result files of the new ones.
        root: The folder of results that they are in.
    """
    checks = []
    candidates = _candidates(new, others, results)
    for number, own in enumerate(new):
        file = own.path.with_name(f"{own.path.stem}{PER_QUERY_SUFFIX}")
        notes = Notes(file.relative_to(root).as_posix())
        for other in (*candidates, *new[:number]):
            if other.path.stem == own.path.stem and other.model.casefold() != own.model.casefold():
                _compare(own, other, notes)
        if notes.findings:
            checks.append(TaskCheck(own.path, notes.listed()))
    return checks


def _candidates(
    new: Sequence[Fingerprint], others: Iterable[Path], results: Mapping[Path, Mapping[str, Any]]
) -> list[Fingerprint]:
    """Return the results with scores near to those of a new one."""
    by_task: dict[str, list[Mapping[str, float]]] = {}
    for own in new:
        by_task.setdefault(own.path.stem, []).append(_scores(results.get(own.path)))
    found = []
    for path in others:
        tasks = by_task.get(path.stem)
        if not tasks:
            continue
        scores = _scores(read_object(path, RESULT_LIMIT, Notes("")))
        if any(_difference(scores, own) <= CLOSE_SCORES for own in tasks):
            other = fingerprint(path)
            found += [other] if other else []
    return found


def _scores(result: Mapping[str, Any] | None) -> Mapping[str, float]:
    try:
        return {
            entry["hf_subset"]: float(entry["main_score"])
            for entries in (result or {})["scores"].values()
            for entry in entries
        }
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}


def _difference(scores: Mapping[str, float], others: Mapping[str, float]) -> float:
    """Return the mean difference of scores of the same subsets, none if there are none."""
    shared = scores.keys() & others.keys()
    return float(np.mean([abs(scores[name] - others[name]) for name in shared])) if shared else 0.0


def likeness(ranks: Ranks, others: Ranks) -> tuple[float, float]:
    """Return the share of ranks that are the same, and the correlation; nan if too few."""
    most = np.maximum(ranks, others)
    hard = (ranks > 0) & (others > 0) & (most > HARD)
    if hard.sum() < LEAST:
        return float("nan"), float("nan")
    first, second = ranks[hard].astype(np.float64), others[hard].astype(np.float64)
    same = np.abs(first - second) <= np.maximum(1, NEAR * most[hard])
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(np.log(first), np.log(second))[0, 1]
    return float(same.mean()), float(correlation)


def _compare(own: Fingerprint, other: Fingerprint, notes: Notes) -> None:
    if len(own.ranks) != len(other.ranks):
        return
    share, correlation = likeness(own.ranks, other.ranks)
    found = Plain(f"{100 * share:.0f} % of the ranks beyond {HARD} are those of {other.model}")
    usual = f"independent models have at most {100 * NEAR:.0f} %"
    related = own.origin == other.model or other.origin == own.model
    if share >= SAME and not related:
        rule = f"{usual}; expected ranks of its own, or adapted_from to name that model"
        notes.error("subsets", found, rule)
    elif share >= SIMILAR or correlation >= PARALLEL:
        more = "" if share >= SIMILAR else f", the others in the same order ({correlation:.3f})"
        notes.warn("subsets", Plain(f"{found.text}{more}"), f"{usual}; check how they are related")
