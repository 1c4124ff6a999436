"""Check the summary of a task: whether it agrees with the scores, and follows from the ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

import numpy as np

from xbench.data.catalogue import TASKS
from xbench.metrics import FloatArray, task_scores
from xbench.results.findings import Notes, Plain
from xbench.results.store import subset_scores
from xbench.results.stored_summary import RENEW
from xbench.results.summaries import Advantage, GroupSums, Summary
from xbench.results.validation.check_scores import TOLERANCE

NONE = Advantage(np.nan, (np.nan, np.nan), -1)
"""The advantage of a language that has none."""

CLOSE = 1e-9
"""How far a number may be from what the ranks give here, relative to it if it is above 1."""

SINGLE = 1e-6
"""The same of numbers in single precision."""


def agrees(summary: Summary, result: Mapping[str, Any]) -> bool:
    """Return whether a result has all scores of its task, and a summary the means of its own."""
    entries = subset_scores(result)
    dataset, setting = TASKS[result["task_name"]]
    measures = task_scores(multilingual=setting == "multilingual", parallel=not dataset.streamed)
    needed = set(measures)
    if not all(needed <= entry.keys() for entry in entries):
        return False
    if summary.sums and not all(
        abs(summary.sums.means.get(entry["hf_subset"], np.nan) - entry["map"]) <= TOLERANCE
        for entry in entries
    ):
        return False
    values = {m: [entry[m] for entry in entries if m in entry] for m in summary.evidence}
    return all(
        values[measure] and abs(_mean(own.values) - fmean(values[measure])) <= TOLERANCE
        for measure, own in summary.evidence.items()
    )


def _mean(values: FloatArray) -> float:
    """Return the mean of the questions' values, of each column."""
    if not np.isnan(mean := values.mean()):
        return float(mean)
    missing = np.isnan(values)
    sums = np.where(missing, 0.0, values).sum(axis=0)
    return float((sums / (~missing).sum(axis=0)).mean())


def compare_with_summary(stored: Summary, computed: Summary, notes: Notes) -> None:
    """Note every number of a stored summary that is not what the ranks give."""
    for where, found, right in _numbers(stored, computed):
        if not _close(found, right):
            notes.error(where, found, f"its ranks give {right}; {RENEW}")
    for measure in computed.evidence.keys() ^ stored.evidence.keys():
        there = Plain("there" if measure in stored.evidence else "missing")
        notes.error(f"evidence.{measure}", there, f"its ranks give the opposite; {RENEW}")
    if not notes.sound:
        return
    for measure, own in computed.evidence.items():
        _compare_values(measure, stored.evidence[measure].values, own.values, notes)
    _compare_sums(stored.sums, computed.sums, notes)


def _compare_values(measure: str, found: FloatArray, right: FloatArray, notes: Notes) -> None:
    where = f"evidence.{measure}.values"
    if found.shape != right.shape or (np.isnan(found) != np.isnan(right)).any():
        notes.error(where, Plain(f"values of {found.shape}"), f"not its ranks'; {RENEW}")
        return
    far = np.argwhere(~np.isclose(found, right, rtol=CLOSE, atol=CLOSE, equal_nan=True))
    if len(far):
        row, column = far[0]
        rule = f"its ranks give {right[row, column]}; {RENEW}"
        notes.error(f"{where}[{column}]", float(found[row, column]), rule)


def _compare_sums(found: GroupSums | None, right: GroupSums | None, notes: Notes) -> None:
    if found is None or right is None:
        if found is not right:
            there = Plain("there" if found else "missing")
            notes.error("sums", there, f"its ranks give the opposite; {RENEW}")
        return
    for field in ("means", "chance"):
        for where, own, other in _entries(
            f"sums.{field}", getattr(found, field), getattr(right, field)
        ):
            if not _close(own, other):
                notes.error(where, own, f"its ranks give {other}; {RENEW}")
    if found.groups != right.groups or [*found.means] != [*right.means]:
        named = Plain(f"{len(found.groups)} groups of {len(found.means)} subsets")
        notes.error("sums.groups", named, f"its ranks give others, or in another order; {RENEW}")
    elif not np.allclose(found.added, right.added, rtol=SINGLE, atol=SINGLE, equal_nan=True):
        notes.error("sums.added", Plain("other numbers"), f"its ranks give others; {RENEW}")


def _numbers(stored: Summary, computed: Summary) -> Iterator[tuple[str, float, float]]:
    """Yield the single numbers: where they are, what is stored, and what the ranks give."""
    yield "micro", stored.micro, computed.micro
    yield from _entries("questions", stored.questions, computed.questions)
    for field in ("chance", "best", "wrong_shares"):
        yield from _entries(field, getattr(stored, field), getattr(computed, field))
    for field in ("shares", "advantages"):
        rows, others = getattr(stored, field), getattr(computed, field)
        for query in sorted(others.keys() | rows.keys()):
            yield from _entries(f"{field}.{query}", rows.get(query, {}), others.get(query, {}))
    languages = computed.favoured.keys() | stored.favoured.keys()
    for language in sorted(languages):
        found, right = (_favoured(side.favoured.get(language, NONE)) for side in (stored, computed))
        yield from _entries(f"favoured.{language}", found, right)
    for measure, own in computed.evidence.items():
        if measure not in stored.evidence:
            continue
        ends = zip(stored.evidence[measure].interval, own.interval, strict=True)
        for number, (end, expected) in enumerate(ends):
            yield f"evidence.{measure}.interval[{number}]", end, expected


def _favoured(own: Advantage) -> dict[str, float]:
    low, high = own.interval
    return {"value": own.value, "low": low, "high": high, "questions": own.questions}


def _entries(
    where: str, found: Mapping[str, float], right: Mapping[str, float]
) -> Iterator[tuple[str, float, float]]:
    for name in sorted(found.keys() | right.keys()):
        yield f"{where}.{name}", found.get(name, np.nan), right.get(name, np.nan)


def _close(found: float, right: float) -> bool:
    both_missing = np.isnan(found) and np.isnan(right)
    return bool(both_missing or abs(found - right) <= CLOSE * max(1.0, abs(right)))
