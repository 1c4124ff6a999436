"""Check the summary of a task: whether it has the right fields, belongs here, and is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, StringConstraints

from xbench.data.catalogue import TASKS, PassageForm, subsets
from xbench.metrics import FloatArray, score_range, task_scores
from xbench.metrics.statistics import macro_mean
from xbench.results.field_types import Name
from xbench.results.findings import ABSENT, Notes, Plain
from xbench.results.safe_json import (
    PACKED_LIMIT,
    RESULT_LIMIT,
    parse_object,
    read_bytes,
    unpack,
)
from xbench.results.schema import Document, conforms
from xbench.results.store import subset_scores
from xbench.results.summaries import (
    FORMAT,
    MISSING,
    PRESENT,
    Summary,
    digest,
    from_document,
    measures_with_intervals,
)
from xbench.results.validation.check_scores import TOLERANCE

RENEW = "renew it with `xbench validate --write-summaries`, or remove it"

MEBIBYTE = 2**20
SUMMARY_LIMITS = MEBIBYTE, 4 * MEBIBYTE
"""Bytes of a summary, packed and unpacked; the largest task's has 0.1 and 0.3 MiB."""

CLOSE = 1e-9
"""How far a number may be from what the ranks give here, relative to it if it is above 1."""

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


def read_summary(
    path: Path, task: str, form: PassageForm, files: Sequence[Path], notes: Notes
) -> Summary | None:
    """Return a stored summary if it has the right fields and belongs to the files beside it.

    Args:
        path: The summary.
        task: Name of its task.
        form: What a passage's text was.
        files: The result file, and the per-query file.
        notes: Where to note what is wrong.
    """
    packed = read_bytes(path, SUMMARY_LIMITS[0], notes)
    content = None if packed is None else unpack(packed, notes, SUMMARY_LIMITS[1])
    document = None if content is None else parse_object(content, notes)
    if document is None:
        return None
    if document.get("format") != FORMAT:
        notes.error("format", document.get("format", ABSENT), f"expected {FORMAT}; {RENEW}")
        return None
    if not conforms(document, SummaryDocument, notes):
        return None
    for field, expected in (("task", task), ("passage_form", form)):
        if document[field] != expected:
            notes.error(field, document[field], f"expected {expected!r}; {RENEW}")
    for field, file, limit in zip(
        ("result", "ranks"), files, (RESULT_LIMIT, PACKED_LIMIT), strict=True
    ):
        own = read_bytes(file, limit, Notes(""))
        if own is None or document[field] != digest(own):
            notes.error(field, document[field], f"expected the SHA-256 of {file.name}; {RENEW}")
    _check_shares(document["shares"], task, notes)
    _check_evidence(document["evidence"], task, notes)
    return from_document(document) if notes.sound else None


def _check_shares(shares: Mapping[str, Mapping[str, float]], task: str, notes: Notes) -> None:
    dataset, setting = TASKS[task]
    languages = set(dataset.languages) if setting == "multilingual" else set()
    if shares.keys() != languages:
        notes.error("shares", shares, f"expected {len(languages)} query languages; {RENEW}")
    for language, row in shares.items():
        if row.keys() != languages or sum(row.values()) > 1 + CLOSE:
            notes.error(
                f"shares.{language}", row, f"expected shares of all passage languages; {RENEW}"
            )


def _check_evidence(evidence: Mapping[str, Mapping[str, Any]], task: str, notes: Notes) -> None:
    dataset, setting = TASKS[task]
    expected = measures_with_intervals(task)
    if set(evidence) != set(expected):
        notes.error("evidence", Plain(", ".join(evidence)), f"expected {expected}; {RENEW}")
        return
    columns = len(subsets(setting, dataset.languages))
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


def _questions(present: Sequence[str]) -> int:
    """Return how many questions have a value in any of some columns of the same length."""
    letters = np.frombuffer("".join(present).encode(), np.uint8).reshape(len(present), -1)
    return int((letters == ord(PRESENT)).any(axis=0).sum())


def agrees(summary: Summary, result: Mapping[str, Any]) -> bool:
    """Tell whether a result has all scores of its task, and a summary the means of its own."""
    entries = subset_scores(result)
    dataset, setting = TASKS[result["task_name"]]
    measures = task_scores(multilingual=setting == "multilingual", parallel=not dataset.streamed)
    if any(measure not in entry for entry in entries for measure in measures):
        return False
    return all(
        abs(macro_mean(own.values) - np.mean([entry[measure] for entry in entries])) <= TOLERANCE
        for measure, own in summary.evidence.items()
    )


def compare_with_summary(stored: Summary, computed: Summary, notes: Notes) -> None:
    """Note every number of a stored summary that is not what the ranks give."""
    for where, found, right in _numbers(stored, computed):
        if not _close(found, right):
            notes.error(where, found, f"its ranks give {right}; {RENEW}")
    for measure, own in computed.evidence.items():
        _compare_values(measure, stored.evidence[measure].values, own.values, notes)


def _compare_values(measure: str, found: FloatArray, right: FloatArray, notes: Notes) -> None:
    where = f"evidence.{measure}.values"
    if found.shape != right.shape or (np.isnan(found) != np.isnan(right)).any():
        notes.error(where, Plain(f"values of {found.shape}"), f"not its ranks'; {RENEW}")
        return
    far = np.argwhere(~np.isclose(found, right, rtol=CLOSE, atol=CLOSE, equal_nan=True))
    if len(far):
        row, column = far[0]
        rule = f"its ranks give {right[row, column]}; {RENEW}"
        notes.error(f"{where}[{column}]", float(found[row, column]), rule)


def _numbers(stored: Summary, computed: Summary) -> Iterator[tuple[str, float, float]]:
    """Yield the single numbers: where they stand, what is stored, and what the ranks give."""
    yield "micro", stored.micro, computed.micro
    yield "chance", stored.chance, computed.chance
    for query, row in computed.shares.items():
        for passage, share in row.items():
            yield f"shares.{query}.{passage}", stored.shares[query][passage], share
    for measure, own in computed.evidence.items():
        ends = zip(stored.evidence[measure].interval, own.interval, strict=True)
        for number, (found, right) in enumerate(ends):
            yield f"evidence.{measure}.interval[{number}]", found, right


def _close(found: float, right: float) -> bool:
    return abs(found - right) <= CLOSE * max(1.0, abs(right))
