"""The questions that a model fails, with the passage it put first, for a person to look at.

They are in a folder of their own next to that of the results, as they hold texts of the dataset:
``results-failures/<model>/<revision>/<Task>.json.gz``.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from xbench._util.atomic_write import write_atomically
from xbench.results.findings import Notes
from xbench.results.safe_json import MEBIBYTE, parse_object, read_bytes, unpack
from xbench.results.schema import Document, conforms

KEPT = 30
"""Failed questions that are kept of a subset, those whose right passage ranks last."""

LONGEST = 1000
"""Characters that are kept of a text."""

LIMITS = 32 * MEBIBYTE, 128 * MEBIBYTE
"""Bytes of a file, packed and unpacked; the cross-lingual one of XQuAD-R has 0.6 and 3 MiB."""

OBJECTS = 100_000
"""Objects that a file may hold; 110 subsets have 10,000."""

Text = Annotated[str, StringConstraints(max_length=LONGEST + 1)]
Name = Annotated[str, StringConstraints(max_length=200)]
Count = Annotated[int, Field(ge=0)]


class ShownPassage(Document):
    """A passage and its language."""

    language: Name
    text: Text


class Failure(Document):
    """A question whose first passage is not relevant.

    Attributes:
        question: Its id.
        query: Its text.
        rank: Rank of the first relevant passage; None if it was not retrieved.
        right: That passage, or one of the relevant ones.
        first: The passage that was put first; None if none was retrieved.
    """

    question: Name
    query: Text
    rank: Annotated[int, Field(ge=2)] | None
    right: ShownPassage
    first: ShownPassage | None


class SubsetFailures(Document):
    """What a model fails of a subset.

    Attributes:
        query_language: Language of the queries.
        passage_languages: Languages of the pool.
        questions: Number of questions.
        failed: How many of them it fails.
        shown: At most `KEPT` of those, the worst first.
    """

    query_language: Name
    passage_languages: list[Name]
    questions: Count
    failed: Count
    shown: Annotated[list[Failure], Field(max_length=KEPT)]


class Failures(Document):
    """What a model fails of a task, by subset."""

    task: Name
    dataset_revision: Name
    subsets: dict[Name, SubsetFailures]


def folder_next_to(output: Path, folder: Path, kind: str) -> Path:
    """Return where files are that belong to results and are not in their folder.

    Args:
        output: Folder of all results.
        folder: The folder of a model's results in it.
        kind: What they are.

    >>> folder_next_to(Path("results"), Path("results/org__model/1"), "runs").as_posix()
    'results-runs/org__model/1'
    """
    home = output.resolve() if output.name in ("", "..") else output
    return home.with_name(f"{home.name}-{kind}") / os.path.relpath(folder, output)


def failures_path(output: Path, folder: Path, task: str) -> Path:
    """Return the file of what a model fails of a task.

    Args:
        output: Folder of all results.
        folder: The folder of the model's results in it.
        task: Name of the task.
    """
    return folder_next_to(output, folder, "failures") / f"{task}.json.gz"


def find_failures(result: Path, task: str) -> Path | None:
    """Return the file that belongs to a result, whatever the folder of all results is.

    Args:
        result: A file of the result.
        task: Name of the task.
    """
    folder = result.parent
    found = (failures_path(output, folder, task) for output in _homes(folder))
    return next((path for path in found if path.is_file()), None)


def _homes(folder: Path) -> Iterator[Path]:
    """Yield the folders that may be that of all results: two levels up, or four of an experiment.

    >>> [own.as_posix() for own in _homes(Path("results/org__model/1/experiments/dim_64"))]
    ['results/org__model/1', 'results']
    >>> [own.as_posix() for own in _homes(Path("/results/org__model/1"))]
    ['/results']
    """
    for levels in (2, 4):
        if len(folder.parts) > levels and folder.parents[levels - 1].name:
            yield folder.parents[levels - 1]


def write_failures(path: Path, found: Failures) -> None:
    """Write a file; the same content gives the same bytes.

    Raises:
        UserError: If it cannot be written.
    """
    content = found.model_dump_json().encode()
    write_atomically(path, gzip.compress(content, mtime=0))


def read_failures(path: Path, notes: Notes) -> Failures | None:
    """Return what is in a file, or None and notes if it is damaged or too large."""
    packed = read_bytes(path, LIMITS[0], notes)
    content = None if packed is None else unpack(packed, notes, LIMITS[1])
    document = None if content is None else parse_object(content, notes, OBJECTS)
    if document is None or not conforms(document, Failures, notes):
        return None
    return Failures.model_validate(document)
