"""Entries: what one model's page shows, its rows on all datasets from one source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from xbench.data.catalogue import DATASETS
from xbench.leaderboard.figures import Key, Origin, Publication, Row, ZeroShot


@dataclass(frozen=True, eq=False)
class Entry:
    """The rows of one model, run in one way, by dataset; it never mixes origins or passage forms.

    Attributes:
        rows: The row on each dataset.
    """

    rows: Mapping[str, Row]

    @cached_property
    def first(self) -> Row:
        """The first row, for what all have in common."""
        return next(iter(self.rows.values()))

    @property
    def model(self) -> str:
        """Name of the model, and its settings where they are not its own."""
        return self.first.model

    @property
    def origin(self) -> Origin:
        """Whether the figures were measured, reported or imported."""
        return self.first.origin

    @property
    def publication(self) -> Publication | None:
        """Where the figures are from; None if they were measured."""
        return self.first.publication

    @property
    def n_parameters(self) -> int | None:
        """Number of the model's parameters, None if unknown."""
        return self.first.details.n_parameters if self.first.details else None

    @property
    def zero_shot(self) -> ZeroShot:
        """Whether the model was trained on what any of its datasets derives from."""
        states = {zero_shot(row) for row in self.rows.values()}
        if "not zero-shot" in states:
            return "not zero-shot"
        return "unknown" if "unknown" in states else "zero-shot"

    @cached_property
    def slug(self) -> str:
        """Name of its page: readable, and different for different entries."""
        first = self.first
        source = first.publication.source if first.publication else ""
        whole = (first.origin, source, first.passage_form, first.model, first.revision)
        return slug(first.model, *whole)


def zero_shot(row: Row) -> ZeroShot:
    """Return a row's state; a row of which nothing is known is unknown."""
    return row.details.zero_shot if row.details else "unknown"


def slug(name: str, *identity: str) -> str:
    """Return a file name that any text may be turned into: readable, and different if it differs.

    >>> slug("../org/Model", "1")
    'org-model-ab0405abba'
    """
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    digest = hashlib.sha256("\0".join((name, *identity)).encode("utf-8", "surrogatepass"))
    return f"{readable}-{digest.hexdigest()[:10]}".lstrip("-")


def dataset_order(title: str) -> tuple[int, str]:
    """Return what puts titles of datasets in order: ranked ones, others, demonstrations."""
    place = {d.title: 2 * len(DATASETS) if d.demonstration else i for i, d in enumerate(DATASETS)}
    return place.get(title, len(DATASETS)), title


def streamed(title: str) -> bool:
    """Return whether a dataset's passages are what was published, not single sentences."""
    return any(d.streamed and title.startswith(d.prefix) for d in DATASETS)


def passages_of(entry: Entry) -> str:
    """Return in words what the passages of an entry's datasets are."""
    if entry.first.passage_form == "context":
        return "sentences followed by their paragraph"
    kinds = {streamed(title) for title in entry.rows}
    if kinds == {True}:
        return "as published"
    return "sentences; MIRACL's as published" if True in kinds else "sentences"


def titles_of(entries: Sequence[Entry]) -> list[str]:
    """Return the titles of all datasets that there are figures of, in order."""
    return sorted({title for entry in entries for title in entry.rows}, key=dataset_order)


def keys_of(rows: Iterable[Row]) -> set[Key]:
    """Return what the figures of any of some rows say."""
    return set().union(*(row.figures for row in rows))


def entries_of(rows: Sequence[Row]) -> list[Entry]:
    """Gather rows into entries, in the order of the rows; in each, the datasets in theirs."""
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        identity = row.identity._replace(dataset="")
        found.setdefault(identity, {}).setdefault(row.dataset, row)
    return [
        Entry({title: own[title] for title in sorted(own, key=dataset_order)})
        for own in found.values()
    ]
