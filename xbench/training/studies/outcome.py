"""What came out of a study: scores by condition, claims, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from xbench._util.errors import UserError
from xbench.data.groups import question_groups
from xbench.metrics.ranks import FloatArray, IntArray
from xbench.training.evaluator import LOWER_IS_BETTER
from xbench.training.studies.evaluations import TaskEvaluation
from xbench.training.studies.grid import UNSEEDED, Run, conditions, runs
from xbench.training.studies.inference import Estimate, Tested, contrast, decide, share_values
from xbench.training.studies.study_file import Claim, Study
from xbench.training.studies.workplace import Workplace

Cell = tuple[str, str]

Curve = list[tuple[float, float]]
"""Steps and losses."""


@dataclass(frozen=True)
class Outcome:
    """The scores of a study's runs.

    Attributes:
        study: The study.
        found: What was measured, by condition, seed and evaluation.
        planned: The runs of the study.
        curves: The training loss by step of each seed, by condition.
        records: The record of each run that was carried out, by condition and seed.
    """

    study: Study
    found: Mapping[tuple[str, int, str], Mapping[str, Any]]
    planned: tuple[Run, ...]
    curves: Mapping[str, list[Curve]] = field(default_factory=dict)
    records: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, workplace: Workplace) -> Outcome:
        """Read what was measured."""
        planned = tuple(runs(study))
        found = {
            (run.condition, run.seed, name): scores
            for run in planned
            for name, evaluation in run.evaluations
            if (scores := workplace.scores(run, evaluation)) is not None
        }
        records = {(run.condition, run.seed): workplace.record(run) for run in planned}
        curves: dict[str, list[Curve]] = {}
        for (condition, _), record in records.items():
            if curve := loss_curve(record):
                curves.setdefault(condition, []).append(curve)
        return cls(study, found, planned, curves, records)

    @cached_property
    def missing(self) -> int:
        """Number of measurements that were not done."""
        whole = sum(len(run.evaluations) for run in self.planned)
        return whole - len(self.found)

    @cached_property
    def untrained(self) -> frozenset[str]:
        """Conditions that are measured without training."""
        return frozenset(run.condition for run in self.planned if run.seed == UNSEEDED)

    def seeds(self, condition: str) -> list[int]:
        """Return the seeds of a condition for which all evaluations were done."""
        evaluations = list(self.study.base.evaluate)
        own = sorted({seed for name, seed, _ in self.found if name == condition})
        return [s for s in own if all((condition, s, e) in self.found for e in evaluations)]

    @cached_property
    def cells(self) -> list[Cell]:
        """Conditions and evaluations that have scores."""
        return [
            (condition, evaluation)
            for evaluation in self.study.base.evaluate
            for condition in conditions(self.study)
            if self.seeds(condition)
        ]

    def questions(self, evaluation: str) -> tuple[str, ...]:
        """Return the ids of the questions of an evaluation."""
        ids = {tuple(own["questions"]) for (_, _, e), own in self.found.items() if e == evaluation}
        if len(ids) != 1:
            raise UserError(
                f"study {self.study.name}, evaluation {evaluation}: its runs were measured on "
                "different questions; delete the runs of older data"
            )
        return ids.pop()

    def groups(self, evaluation: str) -> IntArray:
        """Return the article of each question; each of mteb's is one of its own."""
        own = self.study.base.evaluate[evaluation]
        questions = self.questions(evaluation)
        if isinstance(own, TaskEvaluation):
            return np.arange(len(questions))
        return question_groups(own.dataset, questions)

    def values(self, cell: Cell, measure: str) -> FloatArray | None:
        """Return the values of a score, shape (seeds, questions); None if it is not measured."""
        condition, evaluation = cell
        rows = [
            self.found[condition, seed, evaluation]["scores"].get(measure)
            for seed in self.seeds(condition)
        ]
        if not rows or any(row is None for row in rows):
            return None
        return np.array([row["questions"] for row in rows if row], dtype=np.float64)

    def share_by_language(self, cell: Cell, measure: str, language: str) -> Estimate | None:
        """Return the share of a score that is kept in a query language when queries change.

        None if there are no such values of that language.
        """
        condition, evaluation = cell
        unchanged = self.study.unchanged(evaluation)
        changed = self._of_language(cell, measure, language)
        clean = self._of_language((condition, unchanged), measure, language) if unchanged else None
        if changed is None or clean is None or not np.nanmean(clean, axis=1).all():
            return None
        cells = {condition: {evaluation: share_values(changed, clean)}}
        return contrast({cell: 1.0}, cells, self.groups(evaluation), self.untrained)

    def _of_language(self, cell: Cell, measure: str, language: str) -> FloatArray | None:
        condition, evaluation = cell
        scores = [
            self.found[condition, seed, evaluation]["scores"].get(measure, {})
            for seed in self.seeds(condition)
        ]
        rows = [own.get("by_language", {}).get(language) for own in scores]
        return np.array(rows, dtype=np.float64) if all(rows) else None

    def share(self, cell: Cell, measure: str) -> Estimate | None:
        """Return the share of a score that is kept when queries change, with its error."""
        return self.sum_of({cell: 1.0}, measure, share=True)

    def _share_values(self, cell: Cell, measure: str) -> FloatArray | None:
        condition, evaluation = cell
        unchanged = self.study.unchanged(evaluation)
        changed = self.values(cell, measure)
        clean = self.values((condition, unchanged), measure) if unchanged else None
        if changed is None or clean is None or not np.nanmean(clean, axis=1).all():
            return None
        return share_values(changed, clean)

    def score(self, cell: Cell, measure: str) -> Estimate | None:
        """Return the mean over seeds of a score, with its error."""
        return self.sum_of({cell: 1.0}, measure)

    def sum_of(
        self, weights: Mapping[Cell, float], measure: str, *, share: bool = False
    ) -> Estimate | None:
        """Return a weighted sum of scores or of shares kept; None if one is not measured."""
        values_of = self._share_values if share else self.values
        cells: dict[str, dict[str, FloatArray]] = {}
        for condition, evaluation in weights:
            values = values_of((condition, evaluation), measure)
            if values is None:
                return None
            cells.setdefault(condition, {})[evaluation] = values
        _, evaluation = next(iter(weights))
        groups = self.groups(evaluation)
        if any(len(v[0]) != len(groups) for own in cells.values() for v in own.values()):
            raise UserError(
                f"study {self.study.name}: a claim compares evaluations of different questions"
            )
        return contrast(weights, cells, groups, self.untrained)

    def cell(self, name: str) -> Cell:
        """Return the condition and evaluation that a claim names."""
        condition, _, evaluation = name.partition(" @ ")
        return condition, evaluation or self.study.usual

    @cached_property
    def tested(self) -> list[tuple[Claim, Tested | None]]:
        """The claims and how they came out; None for one whose conditions were not run."""
        sums = [self._claimed(claim) for claim in self.study.claims]
        there = [
            (own, claim.kind, claim.matters)
            for claim, own in zip(self.study.claims, sums, strict=True)
            if own is not None
        ]
        decided = iter(decide(there))
        return [
            (claim, None if own is None else next(decided))
            for claim, own in zip(self.study.claims, sums, strict=True)
        ]

    def planned_for(self, claim: Claim) -> bool:
        """Return whether all that a claim is about is part of the study."""
        cells = [self.cell(name) for name in claim.contrast]
        known = conditions(self.study)
        return all(c in known and e in self.study.base.evaluate for c, e in cells)

    def _claimed(self, claim: Claim) -> Estimate | None:
        sign = -1.0 if claim.measure in LOWER_IS_BETTER else 1.0
        weights = {self.cell(name): sign * weight for name, weight in claim.contrast.items()}
        known = set(self.cells)
        if not known >= set(weights):
            return None
        return self.sum_of(weights, claim.measure, share=claim.share)

    def shown(self, claim: Claim, value: float) -> float:
        """Return a claim's value with the sign of the score itself, not of what is better."""
        return -value if claim.measure in LOWER_IS_BETTER else value


def loss_curve(record: Mapping[str, Any]) -> Curve:
    """Return the losses of all stages, one after another."""
    found: Curve = []
    done = 0
    for stage in record.get("stages", ()):
        results = stage["results"] or {}
        found += [(done + step, loss) for step, loss in results.get("losses", ())]
        done += results.get("steps", 0)
    return found


def measured_seeds(outcome: Outcome) -> list[int]:
    """Return the number of seeds of each trained condition that was run."""
    names = [name for name in conditions(outcome.study) if name not in outcome.untrained]
    return [len(outcome.seeds(name)) for name in names]
