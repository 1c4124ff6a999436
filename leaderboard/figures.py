"""What the page is made of: figures, the rows they stand in, and the files that were left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from xbench.catalogue import PassageForm, Setting

Average = Literal["macro", "micro"]
"""A mean over languages (macro) or over all questions (micro)."""

AVERAGES: tuple[Average, ...] = get_args(Average)


class Key(NamedTuple):
    """What a figure of a model on a dataset says.

    Attributes:
        setting: Monolingual, cross-lingual or multilingual.
        measure: Name of the measure, as in `xbench.metrics`.
        language: ISO 639-1 code of the queries, or None for a mean.
        average: Over what the mean is, or None for one query language.
    """

    setting: Setting
    measure: str
    language: str | None = None
    average: Average | None = None


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        value: The number, from 0 to 1 for effectiveness.
        table: Number of the table it was published in.
        note: What a reader should know about it.
    """

    value: float
    table: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Publication:
    """Where reported figures are from.

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
class Row:
    """The figures of one model, run in one way, on one dataset.

    Attributes:
        model: Name of the model, and its settings where they are not its own.
        dataset: Title of the dataset.
        passage_form: What a passage's text was.
        figures: The figures there are.
        publication: Where the figures were reported, or None if they were measured with xbench.
        revision: Revision of a measured model.
    """

    model: str
    dataset: str
    passage_form: PassageForm
    figures: Mapping[Key, Figure]
    publication: Publication | None = None
    revision: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file that no figure was taken from.

    Attributes:
        file: Its path in the folder of results.
        reason: Why.
    """

    file: str
    reason: str
