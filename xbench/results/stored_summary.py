"""The summary of a task, stored next to its result: how it is written, read and checked."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.atomic_write import write_atomically
from xbench.data.catalogue import TASKS, subsets
from xbench.data.datasets import PassageForm
from xbench.metrics import score_range
from xbench.metrics.registry import NOT_ALWAYS_DEFINED
from xbench.metrics.subsets import Values
from xbench.results.findings import ABSENT, Notes, Plain
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery
from xbench.results.safe_json import MEBIBYTE, parse_object, unpack
from xbench.results.schema import conforms
from xbench.results.summaries import (
    FORMAT,
    SUMMARY_SUFFIX,
    Summary,
    digest,
    measures_with_intervals,
    summarise,
)
from xbench.results.summary_document import (
    FLOATS,
    PRESENT,
    SummaryDocument,
    SummaryOf010,
    as_document,
    from_document,
)

RENEW = "renew it with `xbench validate --write-summaries`, or remove it"

FORMAT_OF_0_1_0 = 1
"""Version of summaries that are not read, and no mistake: the ranks are read instead."""

SUMMARY_LIMITS = MEBIBYTE, 4 * MEBIBYTE
"""Bytes of a summary, packed and unpacked; the largest task's has 0.1 and 0.3 MiB."""

ROUNDING = 1e-9
"""How far the sum of shares may be above 1."""


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
