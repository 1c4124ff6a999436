"""What the rows of a comparison are made of: values of the questions, by model and measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xbench.analysis.compared_models import TaskValues
from xbench.analysis.comparison_rows import Difference, ModelScore, Row
from xbench.data.catalogue import TASKS, main_score
from xbench.data.datasets import Unit
from xbench.data.groups import question_groups
from xbench.metrics import EFFECTIVENESS, FloatArray, IntArray, comparisons, intervals
from xbench.metrics.across_languages import Spread, spread
from xbench.metrics.registry import WRONG_SHARE_RATIO
from xbench.results.per_query_file import PerQuery
from xbench.results.summaries import (
    advantage_values,
    chance_and_best,
    question_values,
    wrong_shares,
)


@dataclass(frozen=True)
class Case:
    """What a row is made of.

    Attributes:
        task: Name of the task.
        measure: Name of the measure.
        language: Its language; None for the mean.
        values: One value per question, whose mean is the score, of each model.
        groups: Group of each question.
    """

    task: str
    measure: str
    language: str | None
    values: Sequence[FloatArray]
    groups: IntArray

    def row(self, **more: Any) -> Row:  # noqa: ANN401
        """Return the scores with their intervals."""
        there = ~np.isnan(self.values[0])
        numbers = [intervals.effective_number(own, self.groups) for own in self.values if len(own)]
        return Row(
            self.task,
            self.measure,
            self.language,
            tuple(map(self._score, self.values)),
            questions=int(there.sum()),
            groups=len(np.unique(self.groups[there])),
            effective=float(np.mean(numbers)),
            **more,
        )

    def _score(self, values: FloatArray) -> ModelScore:
        known = values[~np.isnan(values)]
        value = float(known.mean()) if len(known) else float("nan")
        return ModelScore(value, *intervals.interval(self.measure, values, self.groups))


@dataclass(frozen=True)
class ComparedTask:
    """The values of all models on a task."""

    task: str
    models: Sequence[TaskValues]
    ranks: PerQuery
    unit: Unit

    @property
    def groups(self) -> IntArray:
        """The group of each question, in the order of the values."""
        own = self.ranks.groups
        return question_groups(
            self.task, [*self.models[0].questions], self.unit, groups=own or None
        )

    def row(self, measure: str, language: str | None = None) -> Case:
        """Return a measure, of the subsets of one query language or of all."""
        values = [intervals.influence(own.sample(measure, language)) for own in self.models]
        return Case(self.task, measure, language, values, self.groups)

    def bias(self) -> Iterator[Row]:
        """Yield the measures of language bias that some model has, each with its chance."""
        by_chance, at_best = chance_and_best(self.ranks)
        measures = dict.fromkeys(name for own in self.models for name in own.measures)
        for measure in measures:
            if measure not in EFFECTIVENESS:
                yield self.row(measure).row(
                    chance=by_chance.get(measure, np.nan), best=at_best.get(measure, np.nan)
                )

    def advantages(self, ranks: Sequence[PerQuery]) -> Iterator[Row]:
        """Yield how much each passage language is favoured over its translations."""
        found = [advantage_values(own) for own in ranks]
        nothing = np.full((len(self.models[0].questions), 1), np.nan)
        for language in sorted({code for own in found for code in own}):
            samples = [
                question_values(model, own[language]) if language in own else nothing
                for model, own in zip(ranks, found, strict=True)
            ]
            values = [intervals.influence(sample) for sample in samples]
            case = Case(self.task, "language_advantage", language, values, self.groups)
            yield case.row(chance=0.5)
        shares = [wrong_shares(own) for own in ranks]
        for language in sorted({code for own in shares for code in own}):
            ratios = [own.get(language, np.nan) for own in shares]
            scores = tuple(ModelScore(ratio, np.nan, np.nan) for ratio in ratios)
            yield Row(self.task, WRONG_SHARE_RATIO, language, scores, chance=1.0)


def tested(cases: Sequence[Case], seed: int) -> tuple[Row, ...]:
    """Return a row per case, in which all models are tested against each other."""
    rows = [case.row() for case in cases]
    number = len(rows[0].scores) if rows else 0
    if number == 2:
        return tuple(_two(rows, cases))
    return (
        tuple(_several(row, case, seed) for row, case in zip(rows, cases, strict=True))
        if number > 2
        else tuple(rows)
    )


def _two(rows: Sequence[Row], cases: Sequence[Case]) -> Iterator[Row]:
    """Yield the rows of two models: t over groups, with Holm's correction over the rows."""
    found = [intervals.difference(case.values[0], case.values[1], case.groups) for case in cases]
    adjusted = comparisons.holm([p for *_, p in found]).tolist()
    for row, case, (value, low, high, _), p in zip(rows, cases, found, adjusted, strict=True):
        effect = intervals.effect_size(case.values[0], case.values[1])
        difference = Difference(value, low, high, p, *effect)
        yield _placed(row, np.array([[1.0, p], [p, 1.0]]), difference)


def _several(row: Row, case: Case, seed: int) -> Row:
    """Return the row of more models: all pairs, step-down, with the same draws for all rows."""
    groups = comparisons.at_most(case.groups)
    drawn = np.stack([intervals.group_values(own, groups) for own in case.values], axis=1)
    return _placed(row, comparisons.pairwise_tests(drawn, seed=seed))


def _placed(row: Row, p_values: FloatArray, difference: Difference | None = None) -> Row:
    """Return a row with the tiers and ranks that follow from its tests."""
    places = comparisons.places([score.value for score in row.scores], p_values)
    scores = [
        replace(score, tier=place.tier, ranks=(place.low, place.high))
        for score, place in zip(row.scores, places, strict=True)
    ]
    scores[0] = replace(scores[0], difference=difference)
    return replace(row, scores=tuple(scores), p_values=p_values)


def gap_rows(data: Mapping[str, ComparedTask]) -> Iterator[Row]:
    """Yield the cross-lingual gap of each dataset that has both settings, by query language too."""
    for task, cross in data.items():
        if task not in TASKS or TASKS[task][1] != "crosslingual":
            continue
        mono = data.get(TASKS[task][0].task_name("monolingual"))
        if mono is None:
            continue
        for language in (None, *cross.models[0].languages):
            yield _gap(mono, cross, language).row()


def _gap(mono: ComparedTask, cross: ComparedTask, language: str | None) -> Case:
    """Return the monolingual minus the cross-lingual score, over the questions of either."""
    ids = sorted(mono.models[0].questions.keys() | cross.models[0].questions.keys())
    place = {question: i for i, question in enumerate(ids)}

    def spread_out(own: ComparedTask, values: FloatArray) -> FloatArray:
        """Return the score plus what each question adds to it, of all questions of either."""
        there = ~np.isnan(values)
        added = np.zeros(len(ids))
        rows = np.array([place[question] for question in own.models[0].questions])[there]
        mean = values[there].mean()
        added[rows] = (values[there] - mean) * len(ids) / there.sum()
        return np.asarray(mean + added)

    pairs = zip(mono.row("map", language).values, cross.row("map", language).values, strict=True)
    values = [spread_out(mono, first) - spread_out(cross, second) for first, second in pairs]
    groups = question_groups(mono.task, ids, mono.unit, groups=mono.ranks.groups or None)
    return Case(cross.task, "cross_lingual_gap", language, values, groups)


def spread_rows(tasks: Sequence[str], values: Mapping[str, list[TaskValues]]) -> Iterator[Row]:
    """Yield how far the scores of the languages are from each other, by task."""
    for task in tasks:
        measure = main_score(task)
        spreads = [
            spread(np.array([intervals.macro_mean(v.sample(measure, a)) for a in v.languages]))
            for v in values[task]
        ]
        for name in Spread._fields:
            scores = tuple(ModelScore(getattr(s, name), np.nan, np.nan) for s in spreads)
            yield Row(task, f"{measure}_{name}", None, scores)
