"""The file of scores that were imported from the public MTEB results repository."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from xbench._util.errors import UserError
from xbench.results.field_types import (
    Address,
    Count,
    DatasetRevision,
    ModelName,
    Name,
    Names,
    PackageVersion,
    Revision,
)
from xbench.results.findings import Finding, Notes, printable
from xbench.results.safe_json import MEBIBYTE, read_object
from xbench.results.schema import Document, conforms
from xbench.results.upstream_tasks import upstream_tasks

TITLE = "MTEB results"
URL = "https://github.com/embeddings-benchmark/results"

IMPORTED_LIMIT = 16 * MEBIBYTE
"""Bytes of an imported file."""

IMPORTED_OBJECTS = 100_000
"""Objects of an imported file, two for each row."""


@dataclass(frozen=True)
class ImportedRow:
    """The scores of one model on one split of one task and dataset revision.

    Attributes:
        model: Name of the model.
        model_revision: Revision of the model.
        task: Name of the task.
        dataset_revision: Revision of the dataset the scores were measured on.
        split: Split of the dataset.
        mteb_version: Version of mteb, or None if the file does not say.
        measure: Name of the measure, the task's main score.
        values: The scores from 0 to 1 by subset; a subset without a sound score is not there.
        training_datasets: Datasets the model was trained on; None if unknown.
        n_parameters: Number of parameters, or None if unknown.
        notes: What a reader should know about the scores.
    """

    model: str
    model_revision: str
    task: str
    dataset_revision: str
    split: str
    mteb_version: str | None
    measure: str
    values: Mapping[str, float]
    training_datasets: tuple[str, ...] | None
    n_parameters: int | None
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every subset of the task has a score, so that a mean may be formed."""
        return self.values.keys() == upstream_tasks()[self.task].subsets.keys()

    @property
    def languages(self) -> Mapping[str, tuple[str, ...]]:
        """The languages of each subset of the task, as mteb writes them (``ara-Arab``)."""
        return upstream_tasks()[self.task].subsets


@dataclass(frozen=True)
class Imported:
    """What was imported, and what was skipped.

    Attributes:
        title: Name of the source.
        url: Its address.
        commit: Its commit, or None if unknown.
        rows: The rows, by task, dataset revision, split and model.
        left_out: Why files were skipped.
    """

    title: str
    url: str
    commit: str | None
    rows: tuple[ImportedRow, ...]
    left_out: tuple[Finding, ...]


Value = Annotated[float, Field(ge=0, le=1)]


def _shown(text: str) -> str:
    if printable(text, len(text)) != text:
        raise ValueError("expected text without invisible and control characters")
    return text


Reason = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(_shown)]


class _Row(Document):
    model: ModelName
    model_revision: Revision
    task: Name
    dataset_revision: DatasetRevision
    split: Name
    mteb_version: PackageVersion | None
    measure: Name
    values: Annotated[dict[Name, Value], Field(min_length=1, max_length=1000)]
    training_datasets: Names | None
    n_parameters: Count | None
    notes: Annotated[list[Reason], Field(max_length=1000)]


class _Finding(Document):
    file: Reason
    field: Reason
    found: Reason
    rule: Reason
    warning: Literal[False]


class _Source(Document):
    title: Name
    url: Address
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None


class _Imported(Document):
    source: _Source
    rows: list[_Row]
    left_out: list[_Finding]


def imported_json(
    rows: Sequence[ImportedRow], left_out: Sequence[Finding], commit: str | None
) -> str:
    """Return the content of an imported file, a line per row; the same rows give the same text."""
    source = {"title": TITLE, "url": URL, "commit": commit}
    ordered = [_line(asdict(row)) for row in sorted(rows, key=_place)]
    reasons = [_line(asdict(finding)) for finding in left_out]
    parts = (f'"source": {_line(source)}', _lines("rows", ordered), _lines("left_out", reasons))
    return "{" + ",\n".join(parts) + "}\n"


def _place(row: ImportedRow) -> tuple[str, ...]:
    return row.task, row.dataset_revision, row.split, row.model.casefold(), row.model_revision


def _lines(name: str, items: Sequence[str]) -> str:
    return f'"{name}": [\n' + ",\n".join(items) + "\n]"


def _line(item: Mapping[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_imported(path: Path) -> Imported:
    """Read a file that ``xbench import-mteb`` wrote; nothing in it is trusted.

    Raises:
        UserError: If it is not readable or any of it is wrong.
    """
    notes = Notes(path.name)
    document = read_object(path, IMPORTED_LIMIT, notes, IMPORTED_OBJECTS)
    if document is not None and conforms(document, _Imported, notes):
        _check_rows(document["rows"], notes)
    if document is None or not notes.sound:
        raise UserError(f"{notes.first()}. Write it again with `xbench import-mteb`")
    return Imported(
        **document["source"],
        rows=tuple(_row(row) for row in document["rows"]),
        left_out=tuple(Finding(**finding) for finding in document["left_out"]),
    )


def _row(fields: Mapping[str, Any]) -> ImportedRow:
    declared = fields["training_datasets"]
    training = None if declared is None else tuple(declared)
    changed = {"training_datasets": training, "notes": tuple(fields["notes"])}
    return ImportedRow(**{**fields, **changed})


def _check_rows(rows: Sequence[Mapping[str, Any]], notes: Notes) -> None:
    """Note rows that are not of a known task, and those that occur twice."""
    seen = set()
    for number, row in enumerate(rows):
        where = f"rows[{number}]"
        task = upstream_tasks().get(row["task"])
        if task is None:
            notes.error(f"{where}.task", row["task"], f"expected {', '.join(upstream_tasks())}")
            continue
        if row["split"] not in task.splits:
            notes.error(f"{where}.split", row["split"], f"expected {', '.join(task.splits)}")
        if row["measure"] != task.measure:
            notes.error(f"{where}.measure", row["measure"], f"expected {task.measure}")
        for name in row["values"]:
            if name not in task.subsets:
                notes.error(f"{where}.values", name, "expected a subset of the task")
        key = tuple(
            row[field] for field in ("model", "model_revision", "task", "dataset_revision", "split")
        )
        if key in seen:
            notes.error(where, row["model"], "expected each model once for a task and split")
        seen.add(key)
