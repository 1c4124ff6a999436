"""What one task's result files say: accepted or not, and every figure that pages show of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from xbench import statistics
from xbench.catalogue import TASKS, Dataset, Setting, subsets
from xbench.comparison import RESAMPLES
from xbench.leaderboard.figures import Details, Evidence, Figure, Key, RunDetails
from xbench.leaderboard.zero_shot import zero_shot
from xbench.metrics import (
    EFFECTIVENESS,
    LANGUAGE_BIAS,
    SCORES,
    FloatArray,
    PoolRanks,
    language_shares,
)
from xbench.metrics.subsets import multilingual_ranking
from xbench.results import PerQuery
from xbench.validation import Finding, RunIdentity, TaskCheck, check_task

BY_PAIR = ("map", "ndcg_at_10", "recall_at_10")
"""Measures of each single cross-lingual subset that pages show."""

SHARES_AT = 20
"""Number of first places whose languages are counted."""

SEED = 0
"""Seed of the bootstrap, the same as that of ``xbench compare``."""


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


def read_record(path: Path, root: Path) -> tuple[TaskRecord, dict[str, Evidence]]:
    """Check a result file and the files beside it, and derive what pages show.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results it lies in.

    Returns:
        The record, and the evidence of its means over subsets by measure.
    """
    check = check_task(path, root)
    ranks, result = check.ranks, check.result
    if not check.accepted or ranks is None or result is None:
        return TaskRecord(tuple(f for f in check.findings if not f.warning)), {}
    dataset, setting = TASKS[path.stem]
    values = _values(ranks)
    evidence = {measure: _evidence(ranks, values[measure]) for measure in values}
    entries = {entry["hf_subset"]: entry for entry in result["scores"]["test"]}
    record = TaskRecord(
        errors=(),
        warnings=check.findings,
        run=check.run,
        figures=(
            *_means(setting, entries, evidence),
            *_by_language(dataset, setting, entries),
            *_by_pair(dataset, setting, entries),
            (Key(setting, "map", None, "micro"), Figure(_mean_over_queries(values["map"]))),
        ),
        shares=tuple(_shares(ranks)),
        details=_details(check, dataset, setting),
    )
    return record, evidence


Entries = Mapping[str, Mapping[str, Any]]
"""The scores of each subset, by its name."""

Values = Mapping[str, FloatArray]
"""A measure's value for each query, by subset."""


def _means(
    setting: Setting, entries: Entries, evidence: Mapping[str, Evidence]
) -> Iterator[tuple[Key, Figure]]:
    """Yield the mean over all subsets of every score that all of them have."""
    for measure in SCORES:
        if all(measure in entry for entry in entries.values()):
            mean = float(np.mean([entry[measure] for entry in entries.values()]))
            known = evidence.get(measure)
            interval = None if known is None else statistics.interval(known.resampled)
            yield Key(setting, measure, None, "macro"), Figure(mean, interval=interval)


def _by_language(
    dataset: Dataset, setting: Setting, entries: Entries
) -> Iterator[tuple[Key, Figure]]:
    """Yield every score of each query language, the mean over its subsets."""
    expected = subsets(setting, dataset.languages)
    for language in dataset.languages:
        own = [entries[name] for name, s in expected.items() if s.query_language == language]
        for measure in SCORES:
            if all(measure in entry for entry in own):
                mean = float(np.mean([entry[measure] for entry in own]))
                yield Key(setting, measure, language), Figure(mean)


def _by_pair(dataset: Dataset, setting: Setting, entries: Entries) -> Iterator[tuple[Key, Figure]]:
    """Yield the measures of each cross-lingual subset."""
    if setting == "crosslingual":
        for name, subset in subsets(setting, dataset.languages).items():
            (passages,) = subset.passage_languages
            for measure in BY_PAIR:
                if measure in entries[name]:
                    key = Key(setting, measure, subset.query_language, None, passages)
                    yield key, Figure(entries[name][measure])


def _mean_over_queries(values: Values) -> float:
    return float(np.concatenate(list(values.values())).mean())


def _shares(ranks: PerQuery) -> Iterator[tuple[str, str, float]]:
    if ranks.multilingual:
        shares = language_shares(ranks.subsets, SHARES_AT)
        for subset, row in zip(ranks.subsets.values(), shares, strict=True):
            for language, share in zip(subset.pool, row, strict=True):
                yield subset.query_language, language, float(share)


def _values(ranks: PerQuery) -> dict[str, Values]:
    """Return the measures whose certainty is shown."""
    found: dict[str, Values] = {
        "map": {name: _average_precision(own) for name, own in ranks.subsets.items()}
    }
    if ranks.multilingual:
        found["rank_distance"] = {name: _distance(own) for name, own in ranks.subsets.items()}
    return found


def _average_precision(ranks: PoolRanks) -> FloatArray:
    return EFFECTIVENESS["map"](ranks.matrix())


def _distance(ranks: PoolRanks) -> FloatArray:
    return LANGUAGE_BIAS["rank_distance"](multilingual_ranking(ranks))


def _evidence(ranks: PerQuery, values: Values) -> Evidence:
    """Return the evidence of a measure; without gaps, a question's values need only their mean."""
    sample = question_values(ranks, values)
    own = addends(sample)
    resampled = own[:, None] if not np.isnan(sample).any() else sample
    return Evidence(own, statistics.bootstrap(resampled, RESAMPLES, SEED))


def question_values(ranks: PerQuery, values: Values) -> FloatArray:
    """Return a measure as `xbench.statistics` takes it.

    Args:
        ranks: The ranks, which say what the queries are.
        values: The measure's values in the order of each subset's queries.

    Returns:
        Shape (questions, subsets), both in the order of their names; nan where there is no query.
    """
    ids = sorted({question for own in ranks.subsets.values() for question in own.questions})
    row = {question: index for index, question in enumerate(ids)}
    sample = np.full((len(ids), len(values)), np.nan)
    for column, name in enumerate(sorted(values)):
        sample[[row[q] for q in ranks.subsets[name].questions], column] = values[name]
    return sample[:, ~np.isnan(sample).all(axis=0)]


def addends(sample: FloatArray) -> FloatArray:
    """Return one value per question, whose mean is the mean of the subsets' means.

    A randomisation test swaps whole questions, so these say as much to it as all values do.

    Args:
        sample: Shape (questions, subsets), nan where there is no query.
    """
    present = ~np.isnan(sample)
    questions = present.any(axis=1)
    weighted = np.nansum(sample / present.sum(axis=0), axis=1) / sample.shape[1]
    return np.where(questions, weighted * questions.sum(), np.nan)


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
