"""A study as a file: the question, what is varied and measured, and what is claimed before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic import field_validator as check

from xbench._util.errors import UserError, did_you_mean, reason
from xbench.training.studies.evaluations import KINDS, STUDY_MEASURES, Evaluation

Size = Literal["smoke", "small", "full"]
SIZES: tuple[Size, ...] = ("smoke", "small", "full")

Changes = dict[str, Any]
"""Fields of the training configuration; also ``stages``, and ``train: false`` for none."""

WHOLE = ("vary", "also", "claims", "measure", "stages", "training", "evaluate")
"""Fields that a size replaces and does not merge."""

Kind = Literal["better", "at_least"]


class Base(BaseModel):
    """What all runs of a study have in common.

    Attributes:
        training: Fields of the training configuration.
        evaluate: The evaluations by name, the usual one first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: Changes
    evaluate: dict[str, Evaluation] = Field(min_length=1)


class Advice(BaseModel):
    """What a practitioner should do, by how a claim came out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    held: str = ""
    not_held: str = ""
    open: str = ""


class Claim(BaseModel):
    """A comparison that is stated before the runs.

    Attributes:
        name: The claim in words.
        measure: Name of a score.
        contrast: Weight of each condition, ``condition @ evaluation`` where that is not the usual
            one. The weighted sum of scores is what is claimed to be positive, or negative for a
            score of which less is better.
        kind: ``better``, or ``at_least``: not worse by the smallest difference that matters.
        share: Whether what is compared are shares of the score on queries as they are, and not
            scores.
        matters: The smallest difference that matters, in units of the score or of the share.
        added: Why the claim was added after the runs; empty if it was stated before.
        advice: What to do, by the outcome.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    measure: str
    contrast: dict[str, float] = Field(min_length=1)
    kind: Kind = "better"
    share: bool = False
    matters: PositiveFloat
    added: str = ""
    advice: Advice = Advice()

    @model_validator(mode="before")
    @classmethod
    def _two(cls, document: Any) -> Any:  # noqa: ANN401
        """Read ``condition`` and ``than`` as the contrast of two conditions."""
        if not isinstance(document, dict) or not {"condition", "than"} & document.keys():
            return document
        given = dict(document)
        if not {"condition", "than"} <= given.keys() or "contrast" in given:
            raise ValueError("expected condition and than, or contrast")
        first, second = given.pop("condition"), given.pop("than")
        return {**given, "contrast": {first: 1.0, second: -1.0}}

    @check("measure")
    @classmethod
    def _known(cls, measure: str) -> str:
        return known_measure(measure)


class Published(BaseModel):
    """Published scores that a study's are put next to.

    Attributes:
        source: Where they are from, and how they differ.
        scores: By model and condition, then by name of the score.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    scores: dict[str, dict[str, float]] = Field(min_length=1)


class Cost(BaseModel):
    """What a run takes, as measured once.

    Attributes:
        minutes: Minutes of one core, or of the accelerator, for a run with its evaluations.
        megabytes: Size of a model, which is deleted after it is measured.
        measured: What it was measured on; empty if it is a guess.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    minutes: PositiveFloat
    megabytes: PositiveFloat
    measured: str = ""


class Study(BaseModel):
    """A study at one size; the field names are those of the file.

    Attributes:
        name: Name of the file.
        size: The size.
        title: The question in a few words.
        question: The question.
        base: What all runs have in common.
        vary: The grid, by axis: values of the training field of that name, or changes by name.
        ordered: Whether the conditions of the grid are in an order, which lines show.
        also: Conditions that are not part of the grid, as changes by name.
        stages: Trainings one after another, as changes; the steps are shared between them.
        measure: Names of scores.
        claims: Comparisons that are stated before the runs.
        seeds: Number of runs of each condition that is trained.
        limits: What cannot be concluded, whatever comes out.
        published: Published scores of the same conditions.
        cost: What a run takes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    size: Size
    title: str
    question: str
    base: Base
    vary: dict[str, list[Any] | dict[str, Changes]] = Field(min_length=1)
    ordered: bool = False
    also: dict[str, Changes] = {}
    stages: tuple[Changes, ...] = ()
    measure: tuple[str, ...] = Field(min_length=1)
    claims: tuple[Claim, ...] = ()
    seeds: PositiveInt = 3
    limits: tuple[str, ...] = ()
    published: Published | None = None
    cost: Cost

    @check("measure")
    @classmethod
    def _known(cls, measures: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(known_measure(own) for own in measures)

    @property
    def usual(self) -> str:
        """Name of the evaluation that is meant where none is named."""
        return next(iter(self.base.evaluate))

    def unchanged(self, evaluation: str) -> str | None:
        """Return the name of the evaluation of the same data whose queries are not changed."""
        own = self.base.evaluate[evaluation]
        return next(
            (
                name
                for name, other in self.base.evaluate.items()
                if not other.perturb
                and (other.title, other.languages) == (own.title, own.languages)
            ),
            None,
        )


def known_measure(measure: str) -> str:
    """Return the name of a score.

    Raises:
        ValueError: If it is not one of those measured.
    """
    if measure not in STUDY_MEASURES:
        question = did_you_mean(measure, STUDY_MEASURES)
        raise ValueError(f"{measure!r} is not one of {', '.join(STUDY_MEASURES)}{question}")
    return measure


def shipped_studies() -> dict[str, Path]:
    """Return the studies that ship with xbench, by name."""
    folder = Path(str(files("xbench.training.studies") / "files"))
    return dict(sorted((path.stem, path) for path in folder.glob("*.yaml")))


def read_study(name: str, size: Size, seeds: int | None = None) -> Study:
    """Return a study at a size.

    Args:
        name: Name of a study that ships with xbench, or a file.
        size: The size.
        seeds: Number of seeds in place of the file's.

    Raises:
        UserError: If the file cannot be read or a value is not as expected; all values are named.
    """
    shipped = shipped_studies()
    path = shipped.get(name, Path(name))
    document = _document(path, shipped)
    sizes = document.pop("sizes", {})
    if not isinstance(sizes, dict) or size not in sizes:
        there = ", ".join(sizes) if isinstance(sizes, dict) and sizes else "none"
        raise UserError(f"{path}: has no size {size}; sizes: {there}")
    whole = _merged(document, sizes[size] or {})
    if seeds is not None:
        whole["seeds"] = seeds
    try:
        return Study(**{**whole, "name": path.stem, "size": size})
    except ValidationError as error:
        lines = [f"{_field(own['loc'])}: {own['msg']}" for own in error.errors()]
        raise UserError(f"{path}, size {size}: {'; '.join(lines)}") from error


def _field(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts if part not in KINDS)


def _document(path: Path, shipped: Mapping[str, Path]) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        question = did_you_mean(str(path), shipped)
        raise UserError(
            f"study {path}: cannot be read ({reason(error)}); expected a file or one of "
            f"{', '.join(shipped)}{question}"
        ) from error
    except yaml.YAMLError as error:
        raise UserError(f"study {path}: not YAML ({error})") from error
    if not isinstance(document, dict):
        raise UserError(f"study {path}: expected fields such as question:, base: and vary:")
    return document


def _merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with changes, inner mappings merged but for those of `WHOLE`."""
    merged = dict(document)
    for name, value in changes.items():
        inner = name not in WHOLE and isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if inner else value
    return merged
