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
from xbench.results.summaries import Summary
from xbench.results.validation.check_scores import TOLERANCE

CLOSE = 1e-9
"""How far a number may be from what the ranks give here, relative to it if it is above 1."""


def agrees(summary: Summary, result: Mapping[str, Any]) -> bool:
    """Return whether a result has all scores of its task, and a summary the means of its own."""
    entries = subset_scores(result)
    dataset, setting = TASKS[result["task_name"]]
    measures = task_scores(multilingual=setting == "multilingual", parallel=not dataset.streamed)
    needed = set(measures)
    if not all(needed <= entry.keys() for entry in entries):
        return False
    return all(
        abs(_mean(own.values) - fmean(entry[measure] for entry in entries)) <= TOLERANCE
        for measure, own in summary.evidence.items()
    )


def _mean(values: FloatArray) -> float:
    """Return the mean of the subsets' means, faster than `xbench.metrics.statistics.macro_mean`."""
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
    for measure, own in computed.evidence.items():
        _compare_values(measure, stored.evidence[measure].values, own.values, notes)


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


def _numbers(stored: Summary, computed: Summary) -> Iterator[tuple[str, float, float]]:
    """Yield the single numbers: where they are, what is stored, and what the ranks give."""
    yield "micro", stored.micro, computed.micro
    yield "chance", stored.chance, computed.chance
    for query, row in computed.shares.items():
        for passage, share in row.items():
            yield f"shares.{query}.{passage}", stored.shares[query][passage], share
    for measure, own in computed.evidence.items():
        ends = zip(stored.evidence[measure].interval, own.interval, strict=True)
        for number, (found, right) in enumerate(ends):
            yield f"evidence.{measure}.interval[{number}]", found, right


def _close(found: float, right: float) -> bool:
    return abs(found - right) <= CLOSE * max(1.0, abs(right))
