"""The content of a summary's file: its schema, and the summary that it holds."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from xbench.data.datasets import PassageForm
from xbench.metrics import FloatArray
from xbench.results.field_types import Name
from xbench.results.per_query_file import PerQuery
from xbench.results.schema import Document
from xbench.results.summaries import (
    FORMAT,
    MOST_SUMS,
    Advantage,
    GroupSums,
    InfluenceValues,
    Summary,
)

PRESENT, MISSING = "x", "."
"""The letters that say whether a question has a value."""

FLOATS = np.dtype("<f4")
"""The numbers of ``sums.added``."""

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
