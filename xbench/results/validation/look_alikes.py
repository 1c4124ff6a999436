"""Find results whose ranks are those of another model: copied, or copied and changed a little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbench.metrics import FloatArray, IntArray
from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery
from xbench.results.reading import ranks_of
from xbench.results.safe_json import META_LIMIT, PACKED_LIMIT, RESULT_LIMIT, read_object
from xbench.results.store import META_NAME
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
"""Shares of such ranks: independent models have at most 0.05, and 0.07 for a language's queries.

Above 0.5, of all or of the queries of one language, a result is a copy.
"""

FEW = 0.02
"""A share below which that of no language is looked at: most models have less in common."""

PARALLEL = 0.97
"""Correlation of the logarithms of these ranks from which one is made of the other.

Independent models have at most 0.55, models trained of the same one on the same data 0.93.
"""

EQUAL_SCORES, SCORES = 0.001, 5
"""Difference up to which main scores are equal, and of how many subsets all are of a copy only."""

SCORES_BETWEEN = 0.02, 0.95
"""Main scores between which they say something of a model."""

CLOSE_SCORES, CLOSE_SCORE, CLOSE_SHARE = 0.08, 0.005, 1 / 11
"""When ranks are compared at all: mean difference of main scores, or that of a share of them."""

TAIL, CLOSE_TAIL = "recall_at_100", 0.005
"""The measure that stays if the first ranks alone are changed; ranks are compared if it is near."""

Ranks = NDArray[np.int32]


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of a result.

    Attributes:
        path: The result file.
        model: Name of the model.
        origin: Name of the model that it was made from, if it says so.
        ranks: Some of the ranks, the same ones for each model.
        starts: Where in these the ranks of each language's queries start.
        scores: The main score of each subset.
        tail: The measure `TAIL` of each subset.
    """

    path: Path
    model: str
    origin: str | None
    ranks: Ranks
    starts: IntArray
    scores: Mapping[str, float]
    tail: Mapping[str, float]


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
    ranks, starts = _ordered(content)
    step = -(-len(ranks) // ROWS) or 1
    kept = ranks[::step].astype(np.int32)
    starts = np.unique(-(-starts // step))
    starts = starts[starts < len(kept)]
    result = read_object(path, RESULT_LIMIT, Notes(""))
    scores = _scores(result), _scores(result, TAIL)
    return Fingerprint(path, str(meta.get("name")), meta.get("adapted_from"), kept, starts, *scores)


def files_of(path: str) -> Sequence[str]:
    """Return the files that `fingerprint` reads of a result."""
    folder = path.rpartition("/")[0]
    return path, path.replace(".json", PER_QUERY_SUFFIX), f"{folder}/{META_NAME}"


def _read(path: Path) -> PerQuery | None:
    name = f"{path.stem}{PER_QUERY_SUFFIX}"
    document = ranks_document(File(path.with_name(name), PACKED_LIMIT, name))
    return None if document is None else ranks_of(document, Notes(name))


def _ordered(content: PerQuery) -> tuple[IntArray, IntArray]:
    """Return all ranks, by subset, question, language and rank, however a file orders them.

    Returns:
        The ranks, and where those of each language's queries start.
    """
    parts, starts, language_of_last = [np.empty(0, np.int64)], [], ""
    for _, own in sorted(content.subsets.items()):
        if own.query_language != language_of_last:
            starts.append(sum(map(len, parts)))
            language_of_last = own.query_language
        place = np.empty(len(own.questions), np.int64)
        place[np.argsort(np.array(own.questions, np.str_))] = np.arange(len(own.questions))
        language = np.searchsorted(sorted(own.pool), own.language)
        parts.append(own.rank[np.lexsort((own.rank, language, place[own.query]))])
    return np.concatenate(parts), np.array(starts, np.int64)


def look_alikes(new: Sequence[Fingerprint], others: Iterable[Path], root: Path) -> list[TaskCheck]:
    """Return what is wrong with results whose ranks are another model's.

    Args:
        new: The results to look at.
        others: Result files of all models that were there before.
        root: The folder of results that they are in.
    """
    checks = []
    candidates = _candidates(new, others)
    for number, own in enumerate(new):
        file = own.path.with_name(f"{own.path.stem}{PER_QUERY_SUFFIX}")
        notes = Notes(file.relative_to(root).as_posix())
        for other in (*candidates, *new[:number]):
            if other.path.stem == own.path.stem and other.model.casefold() != own.model.casefold():
                _compare(own, other, notes)
        if notes.findings:
            checks.append(TaskCheck(own.path, notes.listed()))
    return checks


def _candidates(new: Sequence[Fingerprint], others: Iterable[Path]) -> list[Fingerprint]:
    """Return the results with scores near to those of a new one."""
    by_task: dict[str, list[Fingerprint]] = {}
    for own in new:
        by_task.setdefault(own.path.stem, []).append(own)
    found = []
    for path in others:
        tasks = by_task.get(path.stem)
        if not tasks:
            continue
        result = read_object(path, RESULT_LIMIT, Notes(""))
        scores, tail = _scores(result), _scores(result, TAIL)
        if any(
            _are_near(_differences(scores, own.scores))
            or float(_differences(tail, own.tail).mean()) <= CLOSE_TAIL
            for own in tasks
        ):
            other = fingerprint(path)
            found += [other] if other else []
    return found


def _scores(result: Mapping[str, Any] | None, measure: str = "main_score") -> Mapping[str, float]:
    try:
        return {
            entry["hf_subset"]: float(entry[measure])
            for entries in (result or {})["scores"].values()
            for entry in entries
        }
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}


def _differences(scores: Mapping[str, float], others: Mapping[str, float]) -> FloatArray:
    """Return the differences of scores of the same subsets."""
    shared = scores.keys() & others.keys()
    return np.array([abs(scores[name] - others[name]) for name in shared] or [0.0])


def _are_near(differences: FloatArray) -> bool:
    """Return whether scores are near enough for a copy of all ranks, or of those of a language."""
    near = float((differences <= CLOSE_SCORE).mean())
    return float(differences.mean()) <= CLOSE_SCORES or near >= CLOSE_SHARE


def _equal_scores(own: Fingerprint, other: Fingerprint) -> int:
    """Return how many scores are neither near 0 nor near 1, if these are all equal, else 0."""
    low, high = SCORES_BETWEEN
    between = {name: value for name, value in own.scores.items() if low <= value <= high}
    equal = float(_differences(between, other.scores).max()) <= EQUAL_SCORES
    return len(between) if equal and len(between) >= SCORES else 0


def likeness(own: Fingerprint, other: Fingerprint) -> tuple[float, float, float]:
    """Return how alike ranks of the same passages are, nan if too few are beyond the first.

    Returns:
        The share of ranks that are the same; the greatest share of the queries of one language;
        the correlation.
    """
    most = np.maximum(own.ranks, other.ranks)
    hard = np.flatnonzero((own.ranks > 0) & (other.ranks > 0) & (most > HARD))
    if len(hard) < LEAST:
        return float("nan"), float("nan"), float("nan")
    first, second = own.ranks[hard], other.ranks[hard]
    same = np.abs(first - second) <= np.maximum(1, NEAR * most[hard])
    share = float(same.mean())
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(np.log(first), np.log(second))[0, 1]
    by_language = share if share < FEW else _of_a_language(own, hard, same)
    return share, by_language, float(correlation)


def _of_a_language(own: Fingerprint, hard: IntArray, same: NDArray[np.bool_]) -> float:
    """Return the greatest share of ranks that are the same, of the queries of one language."""
    ends = np.searchsorted(hard, [*own.starts, len(own.ranks)])
    numbers = np.diff(ends)
    shares = np.diff(np.append(0, np.cumsum(same))[ends]) / np.maximum(numbers, 1)
    return float(shares[numbers >= LEAST].max(initial=0.0))


def _compare(own: Fingerprint, other: Fingerprint, notes: Notes) -> None:
    if len(own.ranks) != len(other.ranks):
        return
    share, by_language, correlation = likeness(own, other)
    add = notes.error
    if own.origin == other.model or other.origin == own.model:
        add = notes.warn
    whose = f"of {other.model}"
    usual = f"independent models have at most {100 * NEAR:.0f} %"
    rule = f"{usual}; expected ranks of its own, or adapted_from to name that model"
    beyond = f"of the ranks beyond {HARD} are those {whose}"
    if share >= SAME:
        add("subsets", Plain(f"{100 * share:.0f} % {beyond}"), rule)
    elif by_language >= SAME:
        found = Plain(f"for one language's queries {100 * by_language:.0f} % {beyond}")
        add("subsets", found, rule)
    elif correlation >= PARALLEL:
        found = Plain(f"the ranks beyond {HARD} are in the order {whose} ({correlation:.3f})")
        add("subsets", found, "expected an order of its own, or adapted_from to name that model")
    elif number := _equal_scores(own, other):
        found = Plain(f"all {number} main scores are those {whose}")
        add("subsets", found, "expected ranks of its own, or adapted_from to name that model")
    elif share >= SIMILAR:
        notes.warn(
            "subsets", Plain(f"{100 * share:.0f} % {beyond}"), f"{usual}; check their relation"
        )
