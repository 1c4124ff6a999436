"""What pages show of a task that only its ranks say, kept in a small file next to them.

Intervals, standings, shares of the languages and the mean over all questions follow from the ranks,
but to read a task's ranks takes far longer than to read what follows. So ``<Task>.summary.json.gz``
keeps it, and names by their SHA-256 the two files that it belongs to: next to other files it says
nothing. `xbench.results.validation` computes it again from the ranks and refuses one that differs.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from xbench._util.atomic_write import write_atomically
from xbench.data.catalogue import TASKS, subsets
from xbench.metrics import (
    EFFECTIVENESS,
    LANGUAGE_BIAS,
    MIXED_INDEX,
    FloatArray,
    IntArray,
    PoolRanks,
    language_shares,
    statistics,
)
from xbench.metrics.subsets import multilingual_ranking
from xbench.results.store import PER_QUERY_SUFFIX, PerQuery

SUMMARY_SUFFIX = ".summary.json.gz"

FORMAT = 1
"""Version of what a summary holds and how it is computed; others are not read."""

SHARES_AT = 20
"""Number of first places whose languages are counted."""

SEED = 0
"""Seed of the bootstrap, the same as that of ``xbench compare``."""

Values = Mapping[str, FloatArray]
"""A measure's value for each query, by subset."""


@dataclass(frozen=True, eq=False)
class InfluenceValues:
    """What the certainty of a mean over subsets follows from.

    Attributes:
        values: The measure as `xbench.metrics.statistics` takes it, questions in the order of their
            ids, subsets in that of their names. Where every question has a query in every subset,
            what each question adds to the score says as much: then there is one column.
        interval: Ends of the score's 95 % bootstrap interval over the questions.
    """

    values: FloatArray
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Summary:
    """What pages show of a task next to its scores.

    Attributes:
        micro: Mean of the average precision over all queries of all subsets.
        chance: Mean over the subsets of the average precision of random rankings.
        shares: Share of each passage language among the first 20 places of the multilingual pool,
            by query and passage language; empty for another pool.
        evidence: What the certainty of the means follows from, by measure.
    """

    micro: float
    chance: float
    shares: Mapping[str, Mapping[str, float]]
    evidence: Mapping[str, InfluenceValues]


def measures_with_intervals(task: str, *, pooled: bool = False) -> tuple[str, ...]:
    """Return the measures of a task whose certainty is shown.

    Args:
        task: Name of the task.
        pooled: Whether the pools of a task that is not in the catalogue mix languages.

    >>> measures_with_intervals("MIRACLMonolingualRetrieval")
    ('ndcg_at_10', 'recall_at_100')
    """
    if task not in TASKS:
        return ("map", "rank_distance") if pooled else ("map",)
    dataset, setting = TASKS[task]
    pooled = setting == "multilingual"
    if dataset.streamed:
        return (dataset.main_score, "recall_at_100", *(["ndcg_at_10_lost"] if pooled else []))
    return (dataset.main_score, *(["rank_distance"] if pooled else []))


def summarise(ranks: PerQuery) -> Summary:
    """Return what follows from ranks; the same ranks give the same summary.

    With fewer than two questions there is nothing to resample, and intervals are nan.
    """
    mixed = all(own.own_rank is not None for own in ranks.subsets.values())
    undefined = LANGUAGE_BIAS if mixed else MIXED_INDEX
    values: dict[str, Values] = {
        measure: {name: _values(measure, own) for name, own in ranks.subsets.items()}
        for measure in measures_with_intervals(ranks.task, pooled=ranks.multilingual)
        if measure not in undefined
    }
    precision = [_values("map", own) for own in ranks.subsets.values()]
    return Summary(
        micro=float(np.concatenate(precision).mean()),
        chance=mean_chance(ranks),
        shares=_shares(ranks),
        evidence={measure: _evidence(ranks, own) for measure, own in values.items()},
    )


def write_summary(folder: Path, ranks: PerQuery, result: bytes) -> None:
    """Write the summary of a task whose ranks are written; the same content gives the same bytes.

    Pages show tasks of the catalogue on all their languages; others get no summary.

    Args:
        folder: Folder of the model and revision.
        ranks: The ranks.
        result: Content of the ``<Task>.json`` that belongs to them.

    Raises:
        UserError: If the file cannot be written.
    """
    dataset, setting = TASKS.get(ranks.task, (None, None))
    if not (dataset and setting) or set(ranks.subsets) != set(subsets(setting, dataset.languages)):
        return
    content = (folder / f"{ranks.task}{PER_QUERY_SUFFIX}").read_bytes()
    document = as_document(ranks, summarise(ranks), digest(result), digest(content))
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    write_atomically(folder / f"{ranks.task}{SUMMARY_SUFFIX}", packed)


def as_document(
    ranks: PerQuery, summary: Summary, result_digest: str, ranks_digest: str
) -> dict[str, Any]:
    """Return the content of a summary's file."""
    return {
        "format": FORMAT,
        "task": ranks.task,
        "passage_form": ranks.passage_form,
        "result": result_digest,
        "ranks": ranks_digest,
        "micro": summary.micro,
        "chance": summary.chance,
        "shares": summary.shares,
        "evidence": {
            measure: {
                "present": ["".join(column) for column in _letters(own.values).T],
                "values": [column[~np.isnan(column)].tolist() for column in own.values.T],
                "interval": list(own.interval),
            }
            for measure, own in summary.evidence.items()
        },
    }


def from_document(document: Mapping[str, Any]) -> Summary:
    """Return the summary in a file's content, which has been checked."""
    return Summary(
        micro=document["micro"],
        chance=document["chance"],
        shares=document["shares"],
        evidence={
            measure: InfluenceValues(_matrix(own["present"], own["values"]), (*own["interval"],))
            for measure, own in document["evidence"].items()
        },
    )


PRESENT, MISSING = "x", "."
"""The letters that say whether a question has a value."""


def _letters(values: FloatArray) -> NDArray[np.str_]:
    return np.where(np.isnan(values), MISSING, PRESENT)


def _matrix(present: Sequence[str], values: Sequence[Sequence[float]]) -> FloatArray:
    """Return columns of values, nan where a letter of `present` says that there is none."""
    letters = np.frombuffer("".join(present).encode(), np.uint8).reshape(len(present), -1)
    size = sum(map(len, values))
    flat = np.fromiter(chain.from_iterable(values), np.float64, size)
    if size == letters.size:
        return np.ascontiguousarray(flat.reshape(letters.shape).T)
    columns = np.full(letters.shape, np.nan)
    columns[letters == ord(PRESENT)] = flat
    return np.ascontiguousarray(columns.T)


def digest(content: bytes) -> str:
    """Return the SHA-256 by which a summary names a file."""
    return hashlib.sha256(content).hexdigest()


def mean_chance(ranks: PerQuery) -> float:
    """Return the mean over the subsets of the average precision of random rankings."""
    return float(np.mean([chance(own) for own in ranks.subsets.values()]))


def chance(ranks: PoolRanks) -> float:
    """Return the expected average precision of random rankings.

    For R relevant of N passages: (H_N + (R - 1) (N - H_N) / (N - 1)) / N, where H_N is the Nth
    harmonic number (Bestgen 2015, "Exact Expected Average Precision of the Random Baseline").
    """
    size = ranks.pool_size
    relevant: IntArray = np.bincount(ranks.query)
    harmonic = float(digamma(size + 1)) + np.euler_gamma
    other = (relevant - 1) * (size - harmonic) / max(size - 1, 1)
    return float(((harmonic + other) / size).mean())


def _values(measure: str, ranks: PoolRanks) -> FloatArray:
    if measure in EFFECTIVENESS:
        return EFFECTIVENESS[measure](ranks.matrix())
    if measure in MIXED_INDEX:
        return MIXED_INDEX[measure](ranks, multilingual_ranking(ranks))
    return LANGUAGE_BIAS[measure](multilingual_ranking(ranks))


def _shares(ranks: PerQuery) -> dict[str, dict[str, float]]:
    if not ranks.multilingual:
        return {}
    shares = language_shares(ranks.subsets, SHARES_AT)
    return {
        own.query_language: dict(zip(own.pool, row, strict=True))
        for own, row in zip(ranks.subsets.values(), shares.tolist(), strict=True)
    }


def _evidence(ranks: PerQuery, values: Values) -> InfluenceValues:
    sample = question_values(ranks, values)
    kept = sample if np.isnan(sample).any() else influence_values(sample)[:, None]
    if len(kept) < 2:
        return InfluenceValues(kept, (np.nan, np.nan))
    return InfluenceValues(kept, statistics.interval(statistics.bootstrap(kept, seed=SEED)))


def question_values(ranks: PerQuery, values: Values) -> FloatArray:
    """Return a measure as `xbench.metrics.statistics` takes it.

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


def influence_values(sample: FloatArray) -> FloatArray:
    """Return one value per question, whose mean is the mean of the subsets' means.

    A randomisation test swaps whole questions, so these say as much to it as all values do.

    Args:
        sample: Shape (questions, subsets), nan where there is no query.
    """
    present = ~np.isnan(sample)
    questions = present.any(axis=1)
    weighted = np.nansum(sample / present.sum(axis=0), axis=1) / sample.shape[1]
    return np.where(questions, weighted * questions.sum(), np.nan)
