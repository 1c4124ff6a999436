"""The forms that runs and qrels come in, each read as a sequence of entries.

A form is known by its content, not by an option: a file is JSON if it begins like a JSON object, a
table if its first line names the columns, and TREC's format else.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from xbench._util.errors import UserError
from xbench.data.run_json import JsonObject, is_predictions, predictions, read_json
from xbench.data.text_files import opened

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON = re.compile(rb'\s*\{\s*["}]')
_LONGEST_HEADER = 10_000

QUERY = ("query_id", "query-id", "qid", "query", "topic")
PASSAGE = ("doc_id", "corpus-id", "corpus_id", "docid", "docno", "pid", "passage_id", "passage")
"""Names of columns: those of ir_measures, BEIR, PyTerrier and of this project."""


class Form(NamedTuple):
    """Which of the two is read.

    Attributes:
        name: run or qrels.
        columns: Columns of TREC's format.
        number: The one that is read as a number.
        names: What a table may call it.
    """

    name: str
    columns: tuple[str, ...]
    number: str
    names: tuple[str, ...]


RUN = Form("run", ("query", "Q0", "passage", "rank", "score", "tag"), "score", ("score",))
QRELS = Form(
    "qrels",
    ("query", "0", "passage", "relevance"),
    "relevance",
    ("relevance", "rel", "label", "grade", "score"),
)


class ToDict(Protocol):
    """A run or qrels that can be turned into a dictionary, such as ranx's."""

    def to_dict(self) -> Mapping[str, Mapping[str, float]]:
        """Return the score of each passage by query id and passage id."""
        ...


class Columns(Protocol):
    """A table, such as a pandas DataFrame."""

    @property
    def columns(self) -> Iterable[str]:
        """Names of the columns."""
        ...


ScoredSource = (
    str | PathLike[str] | Mapping[str, Mapping[str, float]] | Columns | Iterable[object] | ToDict
)
"""A file, a dictionary, a DataFrame, an iterable of ir_measures' tuples, or an object of ranx."""


class Problem(NamedTuple):
    """What is wrong with an entry, and what to do about it."""

    text: str
    remedy: str


Entry = tuple[str, int, Problem | tuple[Any, Any, Any]]
"""What is counted, the position, and the query, passage and number found there."""


def entries(source: ScoredSource, form: Form, subset: str | None = None) -> Iterator[Entry]:
    """Yield the entries of a run or of qrels, whatever form it is in.

    Args:
        source: The run or the qrels.
        form: Which of the two.
        subset: Of mteb's predictions, the subset to take.

    Raises:
        UserError: If the whole cannot be read; what is wrong with an entry takes its place.
    """
    if isinstance(source, (str, PathLike)):
        yield from _of_file(Path(source), form, subset)
        return
    content: Any = source
    if hasattr(content, "columns"):
        yield from _of_frame(content, form)
        return
    if callable(getattr(content, "to_dict", None)):
        content = content.to_dict()
    elif isinstance(getattr(content, form.name, None), Mapping):
        content = getattr(content, form.name)
    if isinstance(content, Mapping):
        yield from _of_mapping(content, form, form.name, subset)
    elif isinstance(content, Iterable):
        yield from _of_records(content, form)
    else:
        raise UserError(
            f"{form.name}: is a {type(source).__name__}; expected a path, a dictionary "
            f"{{query id: {{passage id: {form.number}}}}}, a DataFrame, ir_measures' tuples or an "
            "object of ranx"
        )


def _of_file(path: Path, form: Form, subset: str | None) -> Iterator[Entry]:
    with opened(path) as file:
        start: bytes = file.peek(256)  # type: ignore[attr-defined]
        if _JSON.match(start.removeprefix(_BYTE_ORDER_MARK)):
            yield from _of_mapping(read_json(path, file.read()), form, str(path), subset)
            return
        first = file.readline().removeprefix(_BYTE_ORDER_MARK)
        delimiter = "\t" if b"\t" in first else ","
        header = [first.decode("utf-8", "replace")] if len(first) < _LONGEST_HEADER else []
        names = next(csv.reader(header, delimiter=delimiter), [])
        if (chosen := _chosen(names, form)) is not None:
            yield from _of_table(file, delimiter, len(names), chosen)
        else:
            yield from _of_trec(chain([first], file), form)


def _chosen(names: Iterable[object], form: Form) -> list[int] | None:
    """Return which columns are the query, the passage and the number, if all are named."""
    found = [str(name).strip().lower() for name in names]
    chosen = [
        next((found.index(name) for name in known if name in found), None)
        for known in (QUERY, PASSAGE, form.names)
    ]
    return None if None in chosen else [i for i in chosen if i is not None]


def _of_trec(lines: Iterable[bytes], form: Form) -> Iterator[Entry]:
    width, position = len(form.columns), form.columns.index(form.number)
    remedy = f"Expected {width} columns: {' '.join(form.columns)}"
    texts: dict[bytes, str] = {}
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if len(cells) == width:
            query, passage = (
                texts.get(cell) or texts.setdefault(cell, cell.decode())
                for cell in (cells[0], cells[2])
            )
            yield "line", number, (query, passage, cells[position].decode())
        elif cells:
            yield "line", number, Problem(f"{len(cells)} columns instead of {width}", remedy)


def _of_table(file: IO[bytes], delimiter: str, width: int, chosen: list[int]) -> Iterator[Entry]:
    """Read what follows a header; cells may be quoted."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter)
    query, passage, value = chosen
    for cells in reader:
        line = reader.line_num + 1
        if len(cells) == width:
            yield "line", line, (cells[query].strip(), cells[passage].strip(), cells[value])
        elif cells:
            problem = f"{len(cells)} columns instead of {width}"
            yield "line", line, Problem(problem, "Expected the columns that the header names")


def _of_mapping(content: Any, form: Form, name: str, subset: str | None) -> Iterator[Entry]:  # noqa: ANN401
    pairs = list(content.items())
    if is_predictions(pairs):
        pairs = predictions(pairs, name, subset)
    elif subset is not None:
        raise UserError(
            f"{name}: is not a file of mteb's predictions, so there is no subset {subset!r}; do "
            "not name a subset"
        )
    remedy = f"Expected {{query id: {{passage id: {form.number}}}}}"
    number = 0
    for query, passages in pairs:
        if not isinstance(passages, (Mapping, JsonObject)):
            problem = f"query {query!r} has a {type(passages).__name__}, not a dictionary"
            yield "entry", number, Problem(problem, remedy)
            continue
        for passage, value in passages.items():
            number += 1
            yield "entry", number, (query, passage, value)


def _of_frame(frame: Any, form: Form) -> Iterator[Entry]:  # noqa: ANN401
    names = list(frame.columns)
    chosen = _chosen(names, form)
    if chosen is None or len(set(names)) < len(names):
        raise UserError(
            f"{form.name}: the columns are {', '.join(map(str, names))}; expected query_id, doc_id "
            f"and {form.number}, each once"
        )
    columns = (frame[names[i]].to_list() for i in chosen)
    for number, row in enumerate(zip(*columns, strict=True), 1):
        yield "row", number, row


def _of_records(content: Iterable[Any], form: Form) -> Iterator[Entry]:
    remedy = f"Expected items with query_id, doc_id and {form.number}"
    for number, item in enumerate(content, 1):
        try:
            yield "item", number, (item.query_id, item.doc_id, getattr(item, form.number))
        except AttributeError as error:
            yield "item", number, Problem(str(error), remedy)
