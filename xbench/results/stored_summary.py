"""Read the summary of a task that is stored next to its result: its fields, and what it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import numpy as np
from pydantic import Field, StringConstraints

from xbench.data.catalogue import TASKS, PassageForm, subsets
from xbench.metrics import score_range
from xbench.results.field_types import Name
from xbench.results.findings import ABSENT, Notes, Plain
from xbench.results.safe_json import MEBIBYTE, parse_object, unpack
from xbench.results.schema import Document, conforms
from xbench.results.summaries import (
    FORMAT,
    MISSING,
    PRESENT,
    Summary,
    from_document,
    measures_with_intervals,
)

RENEW = "renew it with `xbench validate --write-summaries`, or remove it"

SUMMARY_LIMITS = MEBIBYTE, 4 * MEBIBYTE
"""Bytes of a summary, packed and unpacked; the largest task's has 0.1 and 0.3 MiB."""

ROUNDING = 1e-9
"""How far the sum of shares may be above 1."""

Number = Annotated[float, Field(ge=-1e9, le=1e9)]
Share = Annotated[float, Field(ge=0, le=1)]


class EvidenceDocument(Document):
    """What the certainty of a mean follows from."""

    present: Annotated[
        list[Annotated[str, StringConstraints(pattern=rf"\A[{MISSING}{PRESENT}]+\z")]],
        Field(min_length=1, max_length=1000),
    ]
    values: Annotated[
        list[Annotated[list[Number], Field(min_length=1, fail_fast=True)]], Field(max_length=1000)
    ]
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)]


class SummaryDocument(Document):
    """The content of ``<Task>.summary.json.gz``."""

    format: int
    task: Name
    passage_form: PassageForm
    result: Name
    ranks: Name
    micro: Share
    chance: Share
    shares: Annotated[
        dict[Name, Annotated[dict[Name, Share], Field(max_length=100)]], Field(max_length=100)
    ]
    evidence: Annotated[dict[Name, EvidenceDocument], Field(max_length=100)]


def parse_summary(
    packed: bytes,
    task: str,
    form: PassageForm | None,
    files: Mapping[str, tuple[str, str | None]],
    notes: Notes,
) -> Summary | None:
    """Return a stored summary if it has the right fields and belongs to the files next to it.

    Args:
        packed: The content of the summary's file.
        task: Name of its task.
        form: What a passage's text was; None for any.
        files: Name and SHA-256 of the ``result`` file and of the per-query file, ``ranks``.
        notes: Where to note what is wrong.
    """
    content = unpack(packed, notes, SUMMARY_LIMITS[1])
    document = None if content is None else parse_object(content, notes)
    if document is None:
        return None
    if document.get("format") != FORMAT:
        notes.error("format", document.get("format", ABSENT), f"expected {FORMAT}; {RENEW}")
        return None
    if not conforms(document, SummaryDocument, notes):
        return None
    for field, expected in (("task", task), ("passage_form", form)):
        if expected is not None and document[field] != expected:
            notes.error(field, document[field], f"expected {expected!r}; {RENEW}")
    for field, (name, own) in files.items():
        if document[field] != own:
            notes.error(field, document[field], f"expected the SHA-256 of {name}; {RENEW}")
    _check_shares(document["shares"], task, notes)
    _check_evidence(document["evidence"], task, notes)
    return from_document(document) if notes.sound else None


def _check_shares(shares: Mapping[str, Mapping[str, float]], task: str, notes: Notes) -> None:
    dataset, setting = TASKS[task]
    languages = set(dataset.languages) if setting == "multilingual" else set()
    if shares.keys() != languages:
        notes.error("shares", shares, f"expected {len(languages)} query languages; {RENEW}")
    for language, row in shares.items():
        if row.keys() != languages or sum(row.values()) > 1 + ROUNDING:
            notes.error(
                f"shares.{language}", row, f"expected shares of all passage languages; {RENEW}"
            )


def _check_evidence(evidence: Mapping[str, Mapping[str, Any]], task: str, notes: Notes) -> None:
    expected = measures_with_intervals(task)
    if set(evidence) != set(expected):
        notes.error("evidence", Plain(", ".join(evidence)), f"expected {expected}; {RENEW}")
        return
    columns = _columns(task)
    for measure, own in evidence.items():
        present = own["present"]
        sizes = [letters.count(PRESENT) for letters in present]
        if (
            len({len(letters) for letters in present}) > 1
            or len(present) > columns
            or sizes != [len(column) for column in own["values"]]
            or _questions(present) < 2
        ):
            found = Plain(f"{len(present)} columns of {sum(sizes)} values")
            notes.error(f"evidence.{measure}", found, f"expected each question's values; {RENEW}")
        low, high = score_range(measure)
        if not low <= own["interval"][0] <= own["interval"][1] <= high:
            rule = f"expected two numbers from {low:g} to {high:g}, in order; {RENEW}"
            notes.error(f"evidence.{measure}.interval", Plain(str(own["interval"])), rule)


@cache
def _columns(task: str) -> int:
    dataset, setting = TASKS[task]
    return len(subsets(setting, dataset.languages))


def _questions(present: Sequence[str]) -> int:
    """Return how many questions have a value in any of some columns of the same length."""
    letters = np.frombuffer("".join(present).encode(), np.uint8).reshape(len(present), -1)
    return int((letters == ord(PRESENT)).any(axis=0).sum())
