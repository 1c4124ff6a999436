"""Reading what any retrieval system leaves behind: runs, qrels, and tables of languages."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, cast

from xbench._util.errors import UserError

Scored = dict[str, dict[str, float]]
"""A number for some passages, by query id and passage id: a run's scores, or qrels' relevance."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 5


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


class ToDict(Protocol):
    """A run or qrels that can be turned into a dictionary, such as ranx's."""

    def to_dict(self) -> Mapping[str, Mapping[str, float]]:
        """Return the score of each passage by query id and passage id."""
        ...


ScoredSource = str | PathLike[str] | Mapping[str, Mapping[str, float]] | Iterable[object] | ToDict
"""A file, a dictionary, an iterable of ir_measures' tuples, or an object of ranx."""


class Problems:
    """What is wrong with one file or argument, reported all at once with what to do."""

    def __init__(self, subject: str, remedy: str) -> None:
        self._subject = subject
        self._remedy = remedy
        self._first: list[str] = []
        self._count = 0

    def add(self, problem: str) -> None:
        """Add a problem; of many only the first are kept."""
        self._count += 1
        if self._count <= _SHOWN:
            self._first.append(problem)

    def raise_if_any(self) -> None:
        """Raise a `UserError` that names the problems, if there are any."""
        if self._count == 0:
            return
        more = self._count - len(self._first)
        lines = [*self._first, *([f"and {more:,} more"] if more else [])]
        if len(lines) == 1:
            raise UserError(f"{self._subject}: {lines[0]}. {self._remedy}")
        listed = "".join(f"\n  {line}" for line in lines)
        raise UserError(f"{self._subject}: {self._count:,} problems:{listed}\n{self._remedy}")


class _Form(NamedTuple):
    """How a run, or qrels, is laid out: its name, columns of a file, and name of the number."""

    name: str
    columns: tuple[str, ...]
    number: str


_RUN = _Form("run", ("query", "Q0", "passage", "rank", "score", "tag"), "score")
_QRELS = _Form("qrels", ("query", "0", "passage", "relevance"), "relevance")


def read_run(source: ScoredSource) -> Scored:
    """Read a run: the score of each retrieved passage. A TREC file's column of ranks is ignored.

    Args:
        source: A TREC run file, by the suffix ``.gz`` compressed; a dictionary by query id and
            passage id; an iterable of ir_measures' ``ScoredDoc``; a ranx ``Run``.

    Raises:
        UserError: If a line, an id or a score is malformed, a passage occurs twice for a query, or
            the run is empty.
    """
    run = _read(source, _RUN)
    if not any(run.values()):
        raise UserError(
            f"{name_of(source, 'run')}: has no retrieved passage; check that the search ran"
        )
    return run


def read_qrels(source: ScoredSource) -> Scored:
    """Read qrels: the relevance of each judged passage; relevant is what is greater than 0.

    Args:
        source: A TREC qrels file, by the suffix ``.gz`` compressed; a dictionary by query id and
            passage id; an iterable of ir_measures' ``Qrel``; a ranx ``Qrels``.

    Raises:
        UserError: If a line, an id or a relevance is malformed, a passage occurs twice for a query,
            or no passage is relevant.
    """
    qrels = _read(source, _QRELS)
    if not any(relevance > 0 for passages in qrels.values() for relevance in passages.values()):
        raise UserError(
            f"{name_of(source, 'qrels')}: no query has a relevant passage (relevance > 0); check "
            "that these are the qrels"
        )
    return qrels


def name_of(source: object, default: str) -> str:
    """Return a file's path, or how to call what is not a file."""
    return str(source) if isinstance(source, (str, PathLike)) else default


def _read(source: ScoredSource, form: _Form) -> Scored:
    found: Scored = {}
    unit, entries = _entries(source, form)
    problems = Problems(
        name_of(source, form.name),
        f"Expected {len(form.columns)} columns: {' '.join(form.columns)}"
        if unit == "line"
        else f"Expected string ids and a number as the {form.number}, each passage once per query",
    )
    for number, entry in entries:
        problem = entry if isinstance(entry, str) else _put(found, *entry, form)
        if problem:
            problems.add(f"{unit} {number}: {problem}")
    problems.raise_if_any()
    return found


_Entries = Iterator[tuple[int, str | tuple[Any, Any, Any]]]
"""Position, and the query, passage and number found there or what is wrong with it."""


def _entries(source: ScoredSource, form: _Form) -> tuple[str, _Entries]:
    """Return what the positions count, and the entries."""
    if isinstance(source, (str, PathLike)):
        return "line", _of_file(Path(source), form)
    content: Any = source
    if callable(getattr(content, "to_dict", None)):
        content = content.to_dict()
    elif isinstance(getattr(content, form.name, None), Mapping):
        content = getattr(content, form.name)
    if isinstance(content, Mapping):
        return "entry", _of_mapping(content)
    if isinstance(content, Iterable):
        return "item", _of_records(content, form)
    raise UserError(
        f"{form.name}: is a {type(source).__name__}; expected a path, a dictionary "
        f"{{query id: {{passage id: {form.number}}}}}, ir_measures' tuples or an object of ranx"
    )


def _of_file(path: Path, form: _Form) -> _Entries:
    width, position = len(form.columns), form.columns.index(form.number)
    texts: dict[bytes, str] = {}
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            cells = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).split()
            if len(cells) == width:
                query, passage = (
                    texts.get(cell) or texts.setdefault(cell, cell.decode())
                    for cell in (cells[0], cells[2])
                )
                yield number, (query, passage, cells[position].decode())
            elif cells:
                yield number, f"{len(cells)} columns instead of {width}"


def _of_mapping(content: Mapping[Any, Any]) -> _Entries:
    number = 0
    for query, passages in content.items():
        if not isinstance(passages, Mapping):
            yield number, f"query {query!r} has a {type(passages).__name__}, no dictionary"
            continue
        for passage, value in passages.items():
            number += 1
            yield number, (query, passage, value)


def _of_records(content: Iterable[Any], form: _Form) -> _Entries:
    for number, item in enumerate(content, 1):
        try:
            yield number, (item.query_id, item.doc_id, getattr(item, form.number))
        except AttributeError as error:
            yield number, f"{error}; expected query_id, doc_id and {form.number}"


def _put(found: Scored, query: Any, passage: Any, value: Any, form: _Form) -> str | None:  # noqa: ANN401
    """Add a passage, or return why it cannot be added."""
    if not (isinstance(query, str) and isinstance(passage, str)):
        return f"query {query!r}, passage {passage!r}: an id is not a string"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if number != number:
        return f"query {query!r}, passage {passage!r}: {form.number} {value!r} is not a number"
    passages = found.setdefault(query, {})
    if passage in passages:
        return f"query {query!r}, passage {passage!r}: occurs a second time"
    passages[passage] = number
    return None


def read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells by column of each row of a table of languages."""
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        header = text.readline().rstrip("\r\n")
        delimiter = "\t" if "\t" in header else ","
        names = [name.strip().lower() for name in header.split(delimiter)]
        if not {"id", "language"} <= {*names}:
            raise UserError(
                f"{path}: the first line is {header[:80]!r}; expected the header "
                "id,language[,question][,kind], separated by commas or tabs"
            )
        reader = csv.reader(text, "excel" if delimiter == "," else _Tabs)
        for cells in reader:
            line = reader.line_num + 1
            if len(cells) == len(names):
                yield line, dict(zip(names, (cell.strip() for cell in cells), strict=True))
            elif cells:
                raise UserError(
                    f"{path}: line {line}: {len(cells)} columns; expected {len(names)}, as in the "
                    "header. Fix the line"
                )


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, uncompressed."""
    try:
        with cast("Any", gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 ({error.reason}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); expected a text file, gzip-compressed if and only "
            "if its name ends in .gz"
        ) from error
