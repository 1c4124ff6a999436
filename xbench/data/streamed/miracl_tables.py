"""MIRACL's tables: topics and qrels, as tab-separated files or as rows from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xbench._util.errors import UserError
from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.text_files import Problems, opened

_TOPICS = ("query id", "question")
_QRELS = ("query id", "Q0", "docid", "relevance")

Rows = Iterator[tuple[int, tuple[str, ...]]]
"""Line, and cells of it."""


def read_topics(path: Path) -> Texts:
    """Read a file of two columns: query id and question.

    Raises:
        UserError: If a line is malformed or a query occurs twice.
    """
    return topics_of(
        str(path), _cells(path, _TOPICS), f"Expected {len(_TOPICS)} columns: {_TOPICS}"
    )


def read_qrels(path: Path) -> Qrels:
    """Read a file of four columns: query id, Q0, docid and relevance.

    Raises:
        UserError: If a line is malformed or a passage is judged twice for a query.
    """
    return qrels_of(str(path), _cells(path, _QRELS), f"Expected {len(_QRELS)} columns: {_QRELS}")


def topics_of(source: str, rows: Rows, remedy: str) -> Texts:
    """Return the queries in the rows of a table.

    Args:
        source: What messages call the table.
        rows: Line, and query id and question.
        remedy: What was expected.

    Raises:
        UserError: If a row is malformed or a query occurs twice.
    """
    problems = Problems(source, f"{remedy}, every query once, and a question that is not blank")
    texts: dict[str, str] = {}
    for line, cells in rows:
        if len(cells) != len(_TOPICS):
            problems.add(f"line {line}: {len(cells)} columns instead of {len(_TOPICS)}")
        elif cells[0] in texts:
            problems.add(f"line {line}: query {cells[0]!r} occurs a second time")
        elif not (cells[0] and cells[1].strip()):
            problems.add(f"line {line}: query {cells[0]!r} has no id or no question")
        else:
            texts[cells[0]] = cells[1].strip()
    problems.raise_if_any()
    if not texts:
        raise UserError(f"{source}: has no query; check the file")
    return Texts(ids=tuple(texts), texts=tuple(texts.values()))


def qrels_of(source: str, rows: Rows, remedy: str) -> Qrels:
    """Return the judgments in the rows of a table.

    Args:
        source: What messages call the table.
        rows: Line, and query id, anything, docid and relevance.
        remedy: What was expected.

    Raises:
        UserError: If a row is malformed or a passage is judged twice for a query.
    """
    problems = Problems(source, f"{remedy}, the relevance an integer, every passage once per query")
    judgments: dict[str, dict[str, int]] = {}
    lines: dict[str, dict[str, int]] = {}
    for line, cells in rows:
        if len(cells) != len(_QRELS):
            problems.add(f"line {line}: {len(cells)} columns instead of {len(_QRELS)}")
            continue
        query, _, docid, relevance = cells
        if docid in judgments.get(query, ()):
            problems.add(f"line {line}: query {query!r}, docid {docid!r}: occurs a second time")
        elif not (query and docid):
            problems.add(f"line {line}: no query id or no docid")
        elif not relevance.removeprefix("-").isdecimal():
            problems.add(f"line {line}: relevance {relevance!r} is not an integer")
        else:
            judgments.setdefault(query, {})[docid] = int(relevance)
            lines.setdefault(query, {})[docid] = line
    problems.raise_if_any()
    if not any(value > 0 for judged in judgments.values() for value in judged.values()):
        raise UserError(
            f"{source}: no query has a relevant passage (relevance > 0); check the file"
        )
    return Qrels(judgments=judgments, file=source, lines=lines)


def _cells(path: Path, columns: tuple[str, ...]) -> Rows:
    """Yield line and cells; what a question holds after its first tab belongs to it."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}: line {number}: is not UTF-8 ({error.reason}); save it as UTF-8"
                ) from error
            if text.strip():
                yield number, tuple(text.split("\t") if "\t" in text else text.split())
