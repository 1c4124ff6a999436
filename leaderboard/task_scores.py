"""What one task's result files say: accepted or not, and every figure that pages show of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from xbench.data.catalogue import TASKS, Dataset, Setting, subsets
from xbench.leaderboard.figures import Details, Figure, Key, RunDetails
from xbench.metrics import SCORES, FloatArray
from xbench.results.store import subset_scores
from xbench.results.summaries import Summary, summarise
from xbench.results.validation import Finding, RunIdentity, TaskCheck, check_summarised, check_task
from xbench.results.zero_shot import zero_shot

BY_PAIR = ("map", "ndcg_at_10", "recall_at_10")
"""Measures of each single cross-lingual subset that pages show."""

_key = cache(Key)
"""The same keys serve all models."""

InfluenceValues = Mapping[str, FloatArray]
"""The values behind the means over subsets, by measure, as `metrics.statistics` takes them."""


@dataclass(frozen=True)
class TaskRecord:
    """What pages show of one task's result.

    Attributes:
        errors: Why nothing of it is shown; empty if it is accepted.
        warnings: What is suspicious about it.
        run: Whose result it is, None if it is not accepted.
        figures: The figures there are.
        shares: Query language, passage language, and its share of the first places.
        details: What is known of the model and the run, None if it is not accepted.
    """

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    run: RunIdentity | None = None
    figures: tuple[tuple[Key, Figure], ...] = ()
    shares: tuple[tuple[str, str, float], ...] = ()
    details: Details | None = None


Record = tuple[TaskRecord, InfluenceValues]


def summarised_record(path: Path, root: Path) -> Record | None:
    """Derive what pages show of a result from its scores and its stored summary.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results it lies in.

    Returns:
        The record, the same as that of the ranks; None if there is no summary that can stand for
        them.
    """
    check = check_summarised(path, root)
    return None if check is None or check.summary is None else _record(check, check.summary)


def read_record(path: Path, root: Path) -> Record:
    """Check a result file and its ranks, and derive what pages show; no summary is looked at.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results it lies in.
    """
    check = check_task(path, root, stored=False)
    if not check.accepted or check.ranks is None:
        return TaskRecord(tuple(f for f in check.findings if not f.warning)), {}
    return _record(check, summarise(check.ranks))


def _record(check: TaskCheck, summary: Summary) -> Record:
    dataset, setting = TASKS[check.path.stem]
    entries = {entry["hf_subset"]: entry for entry in subset_scores(check.result or {})}
    record = TaskRecord(
        errors=(),
        warnings=check.findings,
        run=check.run,
        figures=(
            *_means(setting, entries, summary),
            *_by_language(dataset, setting, entries),
            *_by_pair(dataset, setting, entries),
            (_key(setting, "map", None, "micro"), Figure(summary.micro)),
        ),
        shares=tuple(
            (q, p, share) for q, row in summary.shares.items() for p, share in row.items()
        ),
        details=_details(check, dataset, setting),
    )
    return record, {measure: own.values for measure, own in summary.evidence.items()}


Entries = Mapping[str, Mapping[str, Any]]
"""The scores of each subset, by its name."""


def _means(setting: Setting, entries: Entries, summary: Summary) -> Iterator[tuple[Key, Figure]]:
    """Yield the mean over all subsets of every score that all of them have."""
    for measure in SCORES:
        if all(measure in entry for entry in entries.values()):
            mean = fmean([entry[measure] for entry in entries.values()])
            known = summary.evidence.get(measure)
            interval = None if known is None else known.interval
            yield _key(setting, measure, None, "macro"), Figure(mean, interval=interval)


def _by_language(
    dataset: Dataset, setting: Setting, entries: Entries
) -> Iterator[tuple[Key, Figure]]:
    """Yield every score of each query language, the mean over its subsets."""
    expected = subsets(setting, dataset.languages)
    for language in dataset.languages:
        own = [entries[name] for name, s in expected.items() if s.query_language == language]
        for measure in SCORES:
            if all(measure in entry for entry in own):
                mean = fmean([entry[measure] for entry in own])
                yield _key(setting, measure, language), Figure(mean)


def _by_pair(dataset: Dataset, setting: Setting, entries: Entries) -> Iterator[tuple[Key, Figure]]:
    """Yield the measures of each cross-lingual subset."""
    if setting == "crosslingual":
        for name, subset in subsets(setting, dataset.languages).items():
            (passages,) = subset.passage_languages
            for measure in BY_PAIR:
                if measure in entries[name]:
                    key = _key(setting, measure, subset.query_language, None, passages)
                    yield key, Figure(entries[name][measure])


def _details(check: TaskCheck, dataset: Dataset, setting: Setting) -> Details:
    meta, settings, result = check.meta or {}, check.settings or {}, check.result or {}
    own, declared = settings["xbench"], meta["training_datasets"]
    encoding, date = own["encoding"], result.get("date")
    run = RunDetails(
        command=own["command"],
        versions=settings["version"],
        query_prompt=own["prompts"]["query"],
        passage_prompt=own["prompts"]["passage"],
        maximum_length=own["maximum_length"],
        dtype=own["dtype"],
        cut=encoding["truncated"] / encoding["texts"] if encoding and encoding["texts"] else None,
        date=date and datetime.fromtimestamp(date, timezone.utc).date().isoformat(),
    )
    training_data = None if declared is None else tuple(declared)
    return Details(
        n_parameters=meta.get("n_parameters"),
        zero_shot=zero_shot(training_data, dataset.title),
        training_data=training_data,
        license=meta.get("license"),
        url=meta.get("reference"),
        runs={setting: run},
    )


def explanation(errors: Sequence[Finding], file: str) -> str:
    """Return the first of some findings as a reader of the list of left out files sees them.

    Args:
        errors: The findings.
        file: The file they are listed under; other files are named.
    """
    listed = [_sentence(error, file) for error in errors[:2]]
    more = [f"and {len(errors) - 2} more"] if len(errors) > 2 else []
    return "; ".join([*listed, *more])


def _sentence(finding: Finding, file: str) -> str:
    where = "" if finding.file == file else finding.file.rpartition("/")[2]
    place = " ".join(part for part in (where, finding.field) if part)
    return (
        f"{place}: {finding.found}: {finding.rule}" if place else f"{finding.found}: {finding.rule}"
    )
