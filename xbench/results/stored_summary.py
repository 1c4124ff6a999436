"""The summary of a task, stored next to its result: how it is written, read and checked."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from xbench._util.atomic_write import write_atomically
from xbench.data.catalogue import TASKS, PassageForm, subsets
from xbench.metrics import FloatArray, score_range
from xbench.metrics.registry import NOT_ALWAYS_DEFINED
from xbench.metrics.subsets import Values
from xbench.results.field_types import Name
from xbench.results.findings import ABSENT, Notes, Plain
from xbench.results.safe_json import MEBIBYTE, parse_object, unpack
from xbench.results.schema import Document, conforms
from xbench.results.store import PER_QUERY_SUFFIX, PerQuery
from xbench.results.summaries import (
    FORMAT,
    MOST_SUMS,
    SUMMARY_SUFFIX,
    Advantage,
    GroupSums,
    InfluenceValues,
    Summary,
    digest,
    measures_with_intervals,
    summarise,
)

PRESENT, MISSING = "x", "."
"""The letters that say whether a question has a value."""


FLOATS = np.dtype("<f4")
"""The numbers of ``sums.added``."""

RENEW = "renew it with `xbench validate --write-summaries`, or remove it"

FORMAT_OF_0_1_0 = 1
"""Version of summaries that are not read, and no mistake: the ranks are read instead."""

SUMMARY_LIMITS = MEBIBYTE, 4 * MEBIBYTE
"""Bytes of a summary, packed and unpacked; the largest task's has 0.1 and 0.3 MiB."""

ROUNDING = 1e-9
"""How far the sum of shares may be above 1."""

Number = Annotated[float, Field(ge=-1e9, le=1e9)]
Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]


class EvidenceDocument(Document):
    """What the certainty of a mean follows from."""

    present: Annotated[
        list[Annotated[str, StringConstraints(pattern=rf"\A[{MISSING}{PRESENT}]+\z")]],
        Field(min_length=1, max_length=1000),
    ]
    values: Annotated[
        list[Annotated[list[Number], Field(min_length=1, fail_fast=True)]], Field(max_length=1000)
    ]
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)] | None


class AdvantageDocument(Document):
    """How much a passage language is favoured."""

    value: Share
    interval: Annotated[list[Share], Field(min_length=2, max_length=2)] | None
    questions: Annotated[int, Field(ge=0, le=10**9)]


class SumsDocument(Document):
    """What each group of questions adds, the subsets in the order of ``questions``."""

    groups: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=500)]],
        Field(min_length=1, max_length=MOST_SUMS),
    ]
    means: Annotated[dict[Name, Share], Field(max_length=1000)]
    chance: Annotated[dict[Name, Share], Field(max_length=1000)]
    added: str


class SummaryOf010(Document):
    """What a summary by version 0.1.0 held, of which nothing is read."""

    format: Literal[1]
    task: Name
    passage_form: PassageForm
    result: Digest
    ranks: Digest
    micro: Share
    chance: Share
    shares: Annotated[
        dict[Name, Annotated[dict[Name, Share], Field(max_length=100)]], Field(max_length=100)
    ]
    evidence: Annotated[dict[Name, EvidenceDocument], Field(max_length=100)]


ByLanguage = Annotated[
    dict[Name, Annotated[dict[Name, Share], Field(max_length=100)]], Field(max_length=100)
]


class SummaryDocument(Document):
    """The content of ``<Task>.summary.json.gz``."""

    format: int
    task: Name
    passage_form: PassageForm
    result: Name
    ranks: Name
    questions: Annotated[dict[Name, Annotated[int, Field(ge=1, le=10**9)]], Field(max_length=1000)]
    micro: Share
    chance: Annotated[dict[Name, Number], Field(max_length=100)]
    best: Annotated[dict[Name, Number], Field(max_length=100)]
    shares: ByLanguage
    advantages: ByLanguage
    favoured: Annotated[dict[Name, AdvantageDocument], Field(max_length=100)]
    wrong_shares: Annotated[dict[Name, Number], Field(max_length=100)]
    evidence: Annotated[dict[Name, EvidenceDocument], Field(max_length=100)]
    sums: SumsDocument | None


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
    if (version := document.get("format", ABSENT)) != FORMAT:
        if version == FORMAT_OF_0_1_0:
            conforms(document, SummaryOf010, notes)
        else:
            notes.error("format", version, f"expected {FORMAT}; {RENEW}")
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
    _check_sums(document["sums"], document["questions"], notes)
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
    if set(evidence) | set(NOT_ALWAYS_DEFINED) != set(expected) | set(NOT_ALWAYS_DEFINED):
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
        ends = own["interval"]
        if ends is not None and not low <= ends[0] <= ends[1] <= high:
            rule = f"expected two numbers from {low:g} to {high:g}, in order; {RENEW}"
            notes.error(f"evidence.{measure}.interval", Plain(str(own["interval"])), rule)


def _check_sums(sums: Mapping[str, Any] | None, questions: Mapping[str, int], notes: Notes) -> None:
    if sums is None:
        return
    for field in ("means", "chance"):
        if sums[field].keys() != questions.keys():
            notes.error(f"sums.{field}", sums[field], f"expected every subset; {RENEW}")
    if len(set(sums["groups"])) < len(sums["groups"]):
        notes.error("sums.groups", Plain("a name twice"), f"expected different names; {RENEW}")
    size = len(sums["groups"]) * len(questions)
    try:
        added = np.frombuffer(b64decode(sums["added"], validate=True), FLOATS)
    except ValueError:
        added = np.empty(0, FLOATS)
    if len(added) != size or (abs(added) > max(questions.values(), default=0)).any():
        rule = f"expected {size:,} sums of four bytes in base64; {RENEW}"
        notes.error("sums.added", Plain(f"{len(sums['added']):,} characters"), rule)


@cache
def _columns(task: str) -> int:
    dataset, setting = TASKS[task]
    return len(subsets(setting, dataset.languages))


def _questions(present: Sequence[str]) -> int:
    """Return how many questions have a value in any of some columns of the same length."""
    letters = np.frombuffer("".join(present).encode(), np.uint8).reshape(len(present), -1)
    return int((letters == ord(PRESENT)).any(axis=0).sum())


def write_summary(
    folder: Path, ranks: PerQuery, result: bytes, values: Values | None = None
) -> None:
    """Write the summary of a task whose ranks are written; the same content gives the same bytes.

    Pages show tasks of the catalogue on all their languages; others get no summary.

    Args:
        folder: Folder of the model and revision.
        ranks: The ranks.
        result: Content of the ``<Task>.json`` that belongs to them.
        values: What `xbench.metrics.task_per_query` makes of the ranks, where it is there already.

    Raises:
        UserError: If the file cannot be written.
    """
    dataset, setting = TASKS.get(ranks.task, (None, None))
    if not (dataset and setting) or set(ranks.subsets) != set(subsets(setting, dataset.languages)):
        return
    content = (folder / f"{ranks.task}{PER_QUERY_SUFFIX}").read_bytes()
    document = as_document(ranks, summarise(ranks, values), digest(result), digest(content))
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    write_atomically(folder / f"{ranks.task}{SUMMARY_SUFFIX}", packed)


def as_document(
    ranks: PerQuery, summary: Summary, result_digest: str, ranks_digest: str
) -> dict[str, Any]:
    """Return the content of a summary's file."""
    return {
        "format": FORMAT,
        "task": ranks.task,
        "passage_form": ranks.passage_form,
        "result": result_digest,
        "ranks": ranks_digest,
        "questions": dict(summary.questions),
        "micro": summary.micro,
        "chance": summary.chance,
        "best": summary.best,
        "shares": summary.shares,
        "advantages": summary.advantages,
        "favoured": {
            language: {
                "value": own.value,
                "interval": _ends(own.interval),
                "questions": own.questions,
            }
            for language, own in summary.favoured.items()
        },
        "wrong_shares": summary.wrong_shares,
        "evidence": {
            measure: {
                "present": ["".join(column) for column in _letters(own.values).T],
                "values": [column[~np.isnan(column)].tolist() for column in own.values.T],
                "interval": _ends(own.interval),
            }
            for measure, own in summary.evidence.items()
        },
        "sums": None if summary.sums is None else _sums_document(summary.sums),
    }


def _sums_document(sums: GroupSums) -> dict[str, Any]:
    return {
        "groups": list(sums.groups),
        "means": dict(sums.means),
        "chance": dict(sums.chance),
        "added": b64encode(sums.added.astype(FLOATS).tobytes()).decode(),
    }


def from_document(document: Mapping[str, Any]) -> Summary:
    """Return the summary in a file's content, which has been checked."""
    return Summary(
        questions=document["questions"],
        micro=document["micro"],
        chance=document["chance"],
        best=document["best"],
        shares=document["shares"],
        advantages=document["advantages"],
        favoured={
            language: Advantage(own["value"], _interval(own["interval"]), own["questions"])
            for language, own in document["favoured"].items()
        },
        wrong_shares=document["wrong_shares"],
        evidence={
            measure: InfluenceValues(
                _matrix(own["present"], own["values"]), _interval(own["interval"])
            )
            for measure, own in document["evidence"].items()
        },
        sums=None if document["sums"] is None else _sums(document["sums"]),
    )


def _sums(document: Mapping[str, Any]) -> GroupSums:
    groups = tuple(document["groups"])
    added = np.frombuffer(b64decode(document["added"]), FLOATS).reshape(-1, len(groups))
    return GroupSums(groups, document["means"], document["chance"], added)


def _ends(interval: tuple[float, float]) -> list[float] | None:
    return None if np.isnan(interval[0]) else list(interval)


def _interval(ends: Sequence[float] | None) -> tuple[float, float]:
    return (np.nan, np.nan) if ends is None else (ends[0], ends[1])


def _letters(values: FloatArray) -> NDArray[np.str_]:
    return np.where(np.isnan(values), MISSING, PRESENT)


def _matrix(present: Sequence[str], values: Sequence[Sequence[float]]) -> FloatArray:
    """Return columns of values, nan where a letter of `present` says that there is none."""
    letters = np.frombuffer("".join(present).encode(), np.uint8).reshape(len(present), -1)
    size = sum(map(len, values))
    flat = np.fromiter(chain.from_iterable(values), np.float64, size)
    if size == letters.size:
        return np.ascontiguousarray(flat.reshape(letters.shape).T)
    columns = np.full(letters.shape, np.nan)
    columns[letters == ord(PRESENT)] = flat
    return np.ascontiguousarray(columns.T)
