"""The files of a task's result: each is read once, parsed, and checked against its schema."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from xbench.data.datasets import PassageForm
from xbench.results.findings import Finding, Notes
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.safe_json import (
    META_LIMIT,
    PACKED_LIMIT,
    RESULT_LIMIT,
    UNPACKED_LIMIT,
    digest_of,
    parse_object,
    read_bytes,
    unpack,
)
from xbench.results.schema import Document, RanksDocument, conforms
from xbench.results.store import META_NAME, SETTINGS_NAME
from xbench.results.stored_summary import SUMMARY_LIMITS, parse_summary
from xbench.results.summaries import SUMMARY_SUFFIX, Summary, digest


class File:
    """A file that is read once.

    Attributes:
        path: Where it is.
        notes: What is wrong with it.
    """

    def __init__(self, path: Path, limit: int, name: str) -> None:
        self.path, self.notes = path, Notes(name)
        self._limit, self._read = limit, False
        self._content: bytes | None = None

    def content(self) -> bytes | None:
        """Return the content, or None and a note the first time that it cannot be read."""
        if not self._read:
            self._content, self._read = read_bytes(self.path, self._limit, self.notes), True
        return self._content

    def digest(self) -> str | None:
        """Return the SHA-256 by which a summary names the file, None if it cannot be read."""
        if self._content is not None:
            return digest(self._content)
        return digest_of(self.path, self._limit)


class TaskFiles:
    """The files of a task's result.

    Each part is the content of a file that conforms to its schema; else None, and why is noted.

    Args:
        path: The ``<Task>.json``.
        root: The folder of results that it is in, which findings leave out of the files' names.
        scale: How many times the size of published ones the result and the ranks may have.
    """

    def __init__(self, path: Path, root: Path, scale: int = 1) -> None:
        self.task, folder = path.stem, path.parent
        prefix = _prefix(folder, root)

        def file(name: str, limit: int) -> File:
            return File(folder / name, limit, prefix + name)

        self.result = file(path.name, scale * RESULT_LIMIT)
        self.ranks = file(f"{self.task}{PER_QUERY_SUFFIX}", scale * PACKED_LIMIT)
        self.summary = file(f"{self.task}{SUMMARY_SUFFIX}", SUMMARY_LIMITS[0])
        self.meta = file(META_NAME, META_LIMIT)
        self.settings = file(SETTINGS_NAME, META_LIMIT)
        self._scale = scale

    def read_result(self, schema: type[Document]) -> dict[str, Any] | None:
        """Return the result file's content."""
        content, notes = self.result.content(), self.result.notes
        result = None if content is None else parse_object(content, notes)
        return result if result is not None and conforms(result, schema, notes) else None

    def read_meta(self, schema: type[Document]) -> dict[str, Any] | None:
        """Return what the model's file says, which the run's tasks share."""
        content, notes = self.meta.content(), self.meta.notes
        if content is None:
            return None
        meta, wrong = _meta(content, schema, notes.file)
        notes.add(wrong)
        return meta

    def settings_lines(self) -> dict[int, dict[str, Any]] | None:
        """Return the task's lines in the run's settings by their number, not yet validated."""
        content, notes = self.settings.content(), self.settings.notes
        if content is None:
            return None
        notes.add(_lines(content, notes.file)[1])
        return {n: line for n, line in self.all_lines().items() if line.get("task") == self.task}

    def all_lines(self) -> dict[int, dict[str, Any]]:
        """Return the lines of all tasks of the run by their number, not yet validated."""
        content = self.settings.content()
        lines = {} if content is None else _lines(content, self.settings.notes.file)[0]
        return {n: line for n, line in lines.items() if line}

    def read_ranks(self) -> dict[str, Any] | None:
        """Return the content of the per-query file."""
        return ranks_document(self.ranks, self._scale)

    def read_summary(self, form: PassageForm | None) -> Summary | None:
        """Return the summary if it is of the result and the ranks next to it, and of a form."""
        packed = self.summary.content()
        if packed is None:
            return None
        files = {
            field: (file.path.name, file.digest())
            for field, file in (("result", self.result), ("ranks", self.ranks))
        }
        return parse_summary(packed, self.task, form, files, self.summary.notes)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found in all files."""
        files = (self.result, self.ranks, self.summary, self.meta, self.settings)
        return tuple(finding for file in files for finding in file.notes.listed())


@lru_cache(maxsize=8)
def _prefix(folder: Path, root: Path) -> str:
    """Return what findings put before the name of a folder's file."""
    where = (folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix()
    return "" if where == "." else f"{where.rstrip('/')}/"


@lru_cache(maxsize=2)
def _meta(content: bytes, schema: type[Document], file: str) -> tuple[dict[str, Any] | None, Notes]:
    notes = Notes(file)
    meta = parse_object(content, notes)
    return (meta if meta is not None and conforms(meta, schema, notes) else None), notes


@lru_cache(maxsize=2)
def _lines(content: bytes, file: str) -> tuple[dict[int, dict[str, Any] | None], Notes]:
    """Return the object of each line that is not empty, by number; a run's tasks share the file."""
    notes = Notes(file)
    lines = {n: line for n, line in enumerate(content.splitlines(), 1) if line.strip()}
    return {n: parse_object(line, notes) for n, line in lines.items()}, notes


def ranks_document(file: File, scale: int = 1) -> dict[str, Any] | None:
    """Return the content of a per-query file, of so many times the size of published ones."""
    packed, notes = file.content(), file.notes
    content = None if packed is None else unpack(packed, notes, scale * UNPACKED_LIMIT)
    document = None if content is None else parse_object(content, notes)
    return document if document is not None and conforms(document, RanksDocument, notes) else None
