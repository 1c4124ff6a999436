"""What pages show of a task that only its ranks say, kept in a small file next to them.

Intervals, standings, shares of the languages and the mean over all questions follow from the ranks,
but to read a task's ranks takes far longer than to read what follows. So ``<Task>.summary.json.gz``
keeps it, and names by their SHA-256 the two files that it belongs to: next to other files it says
nothing. `xbench.results.validation` computes it again from the ranks and refuses one that differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbench.data.catalogue import TASKS, main_score
from xbench.data.groups import group_names, question_groups
from xbench.metrics import (
    FloatArray,
    intervals,
    language_shares,
    task_per_query,
)
from xbench.metrics.advantage import language_advantage, wrong_share_ratio
from xbench.metrics.chance import best, chance, expected_average_precision
from xbench.metrics.multilingual import multilingual_ranking
from xbench.metrics.registry import WRONG_SHARES_AT
from xbench.results.per_query_file import PerQuery

SUMMARY_SUFFIX = ".summary.json.gz"

FORMAT = 4
"""Version of what a summary holds and how it is computed; others are not read."""

BIAS_WITH_INTERVALS = (
    "own_language_preference",
    "own_language_preference_found",
    "rank_distance_ratio",
    "rank_distance_ratio_found",
    "rank_distance",
    "english_advantage",
)
"""The chief measures of language bias, whose certainty is shown on pages."""

SHARES_AT = 20
"""Number of first places whose languages are counted."""

MOST_SUMS = 250_000
"""Sums of groups that a summary holds at most; MLQA-R's cross-lingual task has 21,840."""

Values = Mapping[str, FloatArray]
"""A measure's value for each query, by subset."""


@dataclass(frozen=True, eq=False)
class InfluenceValues:
    """What the certainty of a mean over subsets follows from.

    Attributes:
        values: What each question adds to the score (`xbench.metrics.intervals.influence`), the
            questions in the order of their ids, in one column; nan where one has no value.
        interval: Ends of the score's 95 % interval; groups of questions are drawn.
    """

    values: FloatArray
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Advantage:
    """How much a passage language is favoured over its translations, over all query languages.

    Attributes:
        value: Mean over the query languages.
        interval: Ends of its 95 % interval.
        questions: Number of questions behind it.
    """

    value: float
    interval: tuple[float, float]
    questions: int


@dataclass(frozen=True, eq=False)
class GroupSums:
    """What each group of questions adds to the average precision of each subset.

    From these follow the intervals and tests of any mean over subsets, and of the difference of two
    models (`xbench.metrics.intervals.group_values`).

    Attributes:
        groups: Names of the groups.
        means: Mean of the average precision, by subset.
        chance: What a random order gives as this mean, by subset.
        added: Shape (subsets, groups): sum of the deviations from the subset's mean of the
            questions of a group; nan where it has no question in the subset.
    """

    groups: tuple[str, ...]
    means: Mapping[str, float]
    chance: Mapping[str, float]
    added: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Summary:
    """What pages show of a task next to its scores.

    Attributes:
        questions: Number of questions of each subset.
        micro: Mean of the average precision over all queries of all subsets.
        chance: Mean over the subsets of what random rankings give, by measure: of ``map``, and of
            a pool of parallel passages the measures of language bias.
        best: Mean over the subsets of the best value of measures of such a pool that have one.
        shares: Share of each passage language among the first 20 places of the multilingual pool,
            by query and passage language; empty for another pool.
        advantages: `xbench.metrics.advantage.language_advantage`, by query and passage language;
            empty for a pool without parallel passages.
        favoured: The same over all query languages, by passage language.
        wrong_shares: Mean over the query languages of the `wrong_share_ratio` of each passage
            language among the first 20 places; empty as `shares` is.
        evidence: What the certainty of the means follows from, by measure.
        sums: What each group of questions adds; None where the main score is another than ``map``,
            or there are more than `MOST_SUMS`.
    """

    questions: Mapping[str, int]
    micro: float
    chance: Mapping[str, float]
    best: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    advantages: Mapping[str, Mapping[str, float]]
    favoured: Mapping[str, Advantage]
    wrong_shares: Mapping[str, float]
    evidence: Mapping[str, InfluenceValues]
    sums: GroupSums | None


def measures_with_intervals(task: str, *, pooled: bool = False) -> tuple[str, ...]:
    """Return the measures of a task whose certainty is shown.

    Args:
        task: Name of the task.
        pooled: Whether the pools of a task that is not in the catalogue mix languages.

    >>> measures_with_intervals("MIRACLMonolingualRetrieval")
    ('ndcg_at_10', 'recall_at_100')
    """
    if task not in TASKS:
        return ("map", *BIAS_WITH_INTERVALS) if pooled else ("map",)
    dataset, setting = TASKS[task]
    pooled = setting == "multilingual"
    if dataset.streamed:
        return (dataset.main_score, "recall_at_100", *(["ndcg_at_10_lost"] if pooled else []))
    return (dataset.main_score, *(BIAS_WITH_INTERVALS if pooled else ()))


def summarise(
    ranks: PerQuery, values: Mapping[str, Mapping[str, FloatArray]] | None = None
) -> Summary:
    """Return what follows from ranks; the same ranks give the same summary.

    With fewer than two questions there is nothing to resample, and intervals are nan.

    Args:
        ranks: The ranks.
        values: What `xbench.metrics.task_per_query` makes of them, where it is there already.
    """
    values = values or task_per_query(ranks.subsets, multilingual=ranks.multilingual)
    measures = measures_with_intervals(ranks.task, pooled=ranks.multilingual)
    evidence = {}
    for measure in measures:
        own = {name: of[measure] for name, of in values.items() if measure in of}
        if any(not np.isnan(value).all() for value in own.values()):
            evidence[measure] = _evidence(ranks, measure, question_values(ranks, own))
    by_chance, at_best = chance_and_best(ranks)
    return Summary(
        questions={name: len(own.questions) for name, own in ranks.subsets.items()},
        micro=float(np.concatenate([of["map"] for of in values.values()]).mean()),
        chance=by_chance | {"map": mean_chance(ranks)},
        best=at_best,
        shares=_shares(ranks),
        **_advantages(ranks),
        wrong_shares=wrong_shares(ranks),
        evidence=evidence,
        sums=_group_sums(ranks, {name: of["map"] for name, of in values.items()}),
    )


def chance_and_best(ranks: PerQuery) -> tuple[dict[str, float], dict[str, float]]:
    """Return the means over the subsets of the chance and the best value of language-bias measures.

    Empty for a task that does not have a pool of parallel passages.
    """
    subsets = list(ranks.subsets.values())
    if not ranks.multilingual or any(own.own_rank is not None for own in subsets):
        return {}, {}
    return _means([chance(own) for own in subsets]), _means([best(own) for own in subsets])


def _means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each number over the subsets."""
    names = values[0] if values else ()
    means = {name: float(np.mean([own[name] for own in values])) for name in names}
    return {name: mean for name, mean in means.items() if not np.isnan(mean)}


def digest(content: bytes) -> str:
    """Return the SHA-256 by which a summary names a file."""
    return hashlib.sha256(content).hexdigest()


def mean_chance(ranks: PerQuery) -> float:
    """Return the mean over the subsets of the average precision of random rankings."""
    return float(np.mean([expected_average_precision(own) for own in ranks.subsets.values()]))


def _shares(ranks: PerQuery) -> dict[str, dict[str, float]]:
    if not ranks.multilingual:
        return {}
    shares = language_shares(ranks.subsets, SHARES_AT)
    return {
        own.query_language: dict(zip(own.pool, row, strict=True))
        for own, row in zip(ranks.subsets.values(), shares.tolist(), strict=True)
    }


def advantage_values(ranks: PerQuery) -> dict[str, dict[str, FloatArray]]:
    """Return the values of the language advantage by passage language, then by subset that has it.

    Empty if it is not known what was retrieved, or the questions are not parallel.
    """
    subsets = ranks.subsets
    known = all(own.places_known and own.own_rank is None for own in subsets.values())
    if not (ranks.multilingual and known):
        return {}
    values = {name: language_advantage(multilingual_ranking(own)) for name, own in subsets.items()}
    found = {}
    for index, language in enumerate(next(iter(subsets.values())).pool):
        columns = {name: of[:, index] for name, of in values.items()}
        own = {name: of for name, of in columns.items() if not np.isnan(of).all()}
        if own:
            found[language] = own
    return found


def wrong_shares(ranks: PerQuery) -> dict[str, float]:
    """Return the mean over the query languages of `wrong_share_ratio`, by passage language.

    Empty for a pool of one language, or one of passages that are not parallel; without a language
    that has no ratio.
    """
    subsets = ranks.subsets.values()
    if not ranks.multilingual or any(own.own_rank is not None for own in subsets):
        return {}
    rankings = map(multilingual_ranking, subsets)
    ratios = np.array([wrong_share_ratio(own, WRONG_SHARES_AT) for own in rankings])
    known = (~np.isnan(ratios)).sum(axis=0)
    means = np.nansum(ratios, axis=0) / np.maximum(known, 1)
    pool = next(iter(subsets)).pool
    return {
        language: float(mean)
        for language, mean, number in zip(pool, means, known, strict=True)
        if number
    }


def _advantages(ranks: PerQuery) -> dict[str, Any]:
    """Return the language advantages: of each query language, and over all of them."""
    advantages: dict[str, dict[str, float]] = {}
    favoured = {}
    for language, own in advantage_values(ranks).items():
        means = {name: float(np.nanmean(values)) for name, values in own.items()}
        for name, mean in means.items():
            advantages.setdefault(ranks.subsets[name].query_language, {})[language] = mean
        sample = question_values(ranks, own)
        certainty = _evidence(ranks, "language_advantage", sample)
        questions = int((~np.isnan(sample)).any(axis=1).sum())
        value = float(np.mean(list(means.values())))
        favoured[language] = Advantage(value, certainty.interval, questions)
    return {"advantages": advantages, "favoured": favoured}


def _evidence(ranks: PerQuery, measure: str, sample: FloatArray) -> InfluenceValues:
    values = intervals.influence(sample)
    groups = question_groups(ranks.task, _questions(ranks), groups=ranks.groups or None)
    return InfluenceValues(values[:, None], intervals.interval(measure, values, groups))


def _group_sums(ranks: PerQuery, values: Values) -> GroupSums | None:
    ids = _questions(ranks)
    names = group_names(ranks.task, ids, groups=ranks.groups or None)
    groups = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if main_score(ranks.task) != "map" or len(groups) * len(values) > MOST_SUMS:
        return None
    group = {question: groups[name] for question, name in zip(ids, names, strict=True)}
    added = np.empty((len(values), len(groups)), np.float32)
    means = {name: float(own.mean()) for name, own in values.items()}
    for row, (name, own) in enumerate(values.items()):
        numbers = [group[question] for question in ranks.subsets[name].questions]
        added[row] = np.bincount(numbers, own - means[name], len(groups))
        added[row, np.bincount(numbers, minlength=len(groups)) == 0] = np.nan
    random = {name: expected_average_precision(ranks.subsets[name]) for name in values}
    return GroupSums(tuple(groups), means, random, added)


def _questions(ranks: PerQuery) -> list[str]:
    return sorted({question for own in ranks.subsets.values() for question in own.questions})


def question_values(ranks: PerQuery, values: Values) -> FloatArray:
    """Return a measure as `xbench.metrics.intervals` takes it.

    Args:
        ranks: The ranks, which say what the queries are.
        values: The measure's values in the order of each subset's queries.

    Returns:
        Shape (questions, subsets), both in the order of their names; nan where there is no query.
    """
    ids = _questions(ranks)
    row = {question: index for index, question in enumerate(ids)}
    sample = np.full((len(ids), len(values)), np.nan)
    for column, name in enumerate(sorted(values)):
        sample[[row[q] for q in ranks.subsets[name].questions], column] = values[name]
    return sample[:, ~np.isnan(sample).all(axis=0)]
