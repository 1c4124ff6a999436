"""What the pages are made of: figures, the rows they stand in, and the files that were left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

from xbench.data.catalogue import PassageForm, Setting
from xbench.metrics import FloatArray

Average = Literal["macro", "micro"]
"""A mean over subsets (macro) or over all questions (micro)."""

AVERAGES: tuple[Average, ...] = get_args(Average)

Origin = Literal["measured", "reported", "imported"]
"""Measured with xbench, reported in a publication, or imported from the public MTEB results."""

ZeroShot = Literal["zero-shot", "not zero-shot", "unknown"]
"""Whether a model was trained on what a dataset derives from."""


class Key(NamedTuple):
    """What a figure of a model on a dataset says.

    Attributes:
        setting: Monolingual, cross-lingual or multilingual.
        measure: Name of the measure, as in `xbench.metrics`.
        language: ISO 639-1 code of the queries, or None for a mean.
        average: Over what the mean is, or None for one query language.
        passage_language: ISO 639-1 code of the passages of one cross-lingual subset, or None.
    """

    setting: Setting
    measure: str
    language: str | None = None
    average: Average | None = None
    passage_language: str | None = None


class Figure(NamedTuple):
    """One number.

    Attributes:
        value: The number, from 0 to 1 for effectiveness.
        table: Number of the table it was published in.
        note: What a reader should know about it.
        interval: Ends of its 95 % bootstrap interval over the questions, where they are known.
    """

    value: float
    table: str | None = None
    note: str | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Publication:
    """Where figures that were not measured here are from.

    Attributes:
        source: Short name, as rows cite it.
        title: Full title.
        url: Address, https.
        passage_form: What a passage's text was.
        note: What a reader should know about all its figures.
    """

    source: str
    title: str
    url: str
    passage_form: PassageForm
    note: str | None = None


@dataclass(frozen=True)
class RunDetails:
    """How one task was run.

    Attributes:
        command: The command that repeats it.
        versions: Version of each package, None where it was not installed.
        query_prompt: What was put before every query, None if the model takes no prompts.
        passage_prompt: What was put before every passage, None if the model takes no prompts.
        maximum_length: Tokens after which a text was cut, None if unknown.
        dtype: Type of the model's numbers, None if unknown.
        cut: Share of the texts that were cut, None if nothing was encoded.
        date: Day it was run, as ``2026-11-24``, or None if unknown.
    """

    command: str
    versions: Mapping[str, str | None]
    query_prompt: str | None = None
    passage_prompt: str | None = None
    maximum_length: int | None = None
    dtype: str | None = None
    cut: float | None = None
    date: str | None = None


@dataclass(frozen=True)
class Details:
    """What is known of a model, and how it was run on a dataset.

    Attributes:
        n_parameters: Number of parameters, None if unknown.
        zero_shot: Whether it was trained on what the dataset derives from.
        training_data: What it was trained on; empty for nothing, None if not declared.
        license: Licence, a name or an https address.
        url: Address of the model, https.
        runs: How each setting was run.
    """

    n_parameters: int | None = None
    zero_shot: ZeroShot = "unknown"
    training_data: tuple[str, ...] | None = None
    license: str | None = None
    url: str | None = None
    runs: Mapping[Setting, RunDetails] = field(default_factory=dict)


class RowIdentity(NamedTuple):
    """What tells a row from all others."""

    origin: Origin
    source: str
    dataset: str
    passage_form: PassageForm
    model: str
    revision: str


@dataclass(frozen=True)
class Row:
    """The figures of one model, run in one way, on one dataset.

    Attributes:
        model: Name of the model, and its settings where they are not its own.
        dataset: Title of the dataset; of imported figures with the dataset's revision.
        passage_form: What a passage's text was.
        figures: The figures there are.
        publication: Where the figures are from, or None if they were measured with xbench.
        revision: Revision of a measured or imported model.
        origin: Whether they were measured, reported or imported.
        details: What is known of the model and the run; None for reported figures.
        shares: Share of each passage language among the first 20 places of the multilingual pool,
            by query and passage language.
        notes: What a reader should know about the row.
        evidence: What standings follow from, of the figures that have an interval: their values as
            `xbench.metrics.statistics` takes them.
    """

    model: str
    dataset: str
    passage_form: PassageForm
    figures: Mapping[Key, Figure]
    publication: Publication | None = None
    revision: str = ""
    origin: Origin = "measured"
    details: Details | None = None
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    evidence: Mapping[Key, FloatArray] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def scores(self) -> frozenset[tuple[Setting, str]]:
        """Setting and measure of each of its figures."""
        return frozenset((key.setting, key.measure) for key in self.figures)

    @cached_property
    def identity(self) -> RowIdentity:
        """What tells the row from all others."""
        source = self.publication.source if self.publication else ""
        place = (self.origin, source, self.dataset, self.passage_form)
        return RowIdentity(*place, self.model, self.revision)


class Standing(NamedTuple):
    """Where a row stands among the comparable rows of a column.

    Attributes:
        rank: Its rank, 1 the best; equal figures share the better rank.
        low: Best rank in 95 % of the resamples.
        high: Worst rank in 95 % of the resamples.
        tier: Tier from 1: rows of a tier are not told apart from its best; None if not tested.
    """

    rank: int
    low: int
    high: int
    tier: int | None


@dataclass(frozen=True)
class LeftOut:
    """A file that no figure was taken from.

    Attributes:
        file: Its path in the folder of results.
        reason: Why.
    """

    file: str
    reason: str
