"""The rows of a comparison: the scores of all models for one measure."""

from __future__ import annotations

from dataclasses import dataclass

from xbench.metrics import FloatArray


@dataclass(frozen=True)
class Difference:
    """The first of two models minus the second.

    Attributes:
        value: The difference.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided p value of a t test over groups of questions, after Holm's correction over all
            differences of the same table.
        standardised: Mean difference per question over its standard deviation.
        superiority: Share of the questions on which the first model is better, ties counted half.
    """

    value: float
    low: float
    high: float
    p: float
    standardised: float
    superiority: float


@dataclass(frozen=True)
class ModelScore:
    """A model's score.

    Attributes:
        value: The score.
        low: Lower end of its 95 % interval; nan where the measure has none.
        high: Upper end.
        difference: Of the first of two models how it differs from the second; else None.
        ranks: Best and worst rank that the tests of all pairs leave possible; None if not tested.
        tier: Tier from 1; no two models of a tier differ significantly. None if not tested.
    """

    value: float
    low: float
    high: float
    difference: Difference | None = None
    ranks: tuple[int, int] | None = None
    tier: int | None = None

    @property
    def as_good_as_best(self) -> bool:
        """Whether no model is significantly better."""
        return self.tier == 1


@dataclass(frozen=True, eq=False)
class Row:
    """The scores of all models for one measure.

    Attributes:
        task: Name of the task.
        measure: Name of the measure.
        language: Query language, or of a language advantage the passage language; None for the
            mean over all.
        scores: The scores, one per model, in the models' order.
        questions: Number of questions.
        groups: Number of groups of questions that intervals and tests draw.
        effective: How many independent questions they are worth, the mean over the models.
        p_values: Adjusted p value of each pair of models; None if not tested.
        chance: The score of a random order; nan where it is not known.
        best: The best score that is possible; nan where there is none.
    """

    task: str
    measure: str
    language: str | None
    scores: tuple[ModelScore, ...]
    questions: int = 0
    groups: int = 0
    effective: float = float("nan")
    p_values: FloatArray | None = None
    chance: float = float("nan")
    best: float = float("nan")
