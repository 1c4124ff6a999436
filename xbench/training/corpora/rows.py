"""The rows of JSONL and CSV files, checked one by one before anything is built from them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.languages import LANGUAGES

Row = dict[str, Any]

LONG_COLUMNS = ("id", "language", "query", "passage", "negatives")
SIDES = ("query", "passage", "negatives")
SINGLE_NEGATIVE = "negative"
OTHER_COLUMNS = "other_columns"
"""Column with the names of a row's columns that are not read."""

ROW_NUMBER = "row_number"
"""Column with the number that a row has in its file."""

SHOWN = 5
"""Problems that an error message shows."""


class Problems:
    """What is wrong with the rows of a file, so that all of it is reported at once.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unit = UNITS[path.suffix]
        self._found: list[str] = []
        self._count = 0

    def add(self, number: int, problem: str) -> None:
        """Note what is wrong with a row."""
        self._count += 1
        if len(self._found) < SHOWN:
            self._found.append(f"{self.unit} {number}: {problem}")

    def refuse(self) -> None:
        """Raise a `UserError` if anything was wrong."""
        if self._count:
            more = f"; and {self._count - SHOWN:,} more" if self._count > SHOWN else ""
            raise UserError(f"{self.path}: {'; '.join(self._found)}{more}")


def first_row(path: Path) -> Row:
    """Return the first row of a file as it stands, for its columns.

    Raises:
        UserError: If the file cannot be read or has no rows.
    """
    problems = Problems(path)
    for _, row in _rows(path, problems):
        return row
    problems.refuse()
    raise UserError(f"{path}: no rows; expected at least one question")


def wide_rows(path: Path) -> Iterator[Row]:
    """Yield a row for each question, with the columns of all its languages.

    Raises:
        UserError: After the last row, if any could not be read.
    """
    problems = Problems(path)
    for number, row in _rows(path, problems):
        read: Row = {OTHER_COLUMNS: []}
        try:
            for column, value in row.items():
                name = wide_column(column)
                if name is None:
                    read[OTHER_COLUMNS] += [column] if column != "id" else []
                elif (checked := _checked(column, value)) is not None:
                    read[name] = checked
            if not {name.partition("_")[0] for name in read}.issuperset(("query", "passage")):
                raise ValueError("no query with a passage, in any language")
        except ValueError as error:
            problems.add(number, str(error))
        yield read
    problems.refuse()


def long_rows(path: Path) -> Iterator[Row]:
    """Yield a row for each question in each language, with its number in the file.

    Raises:
        UserError: After the last row, if any could not be read.
    """
    problems = Problems(path)
    known = {*LONG_COLUMNS, SINGLE_NEGATIVE}
    for number, row in _rows(path, problems):
        read: Row = {ROW_NUMBER: number, OTHER_COLUMNS: sorted(row.keys() - known)}
        try:
            if row.get("id") in (None, ""):
                raise ValueError("no id; rows of one question have the same id")
            read |= {
                "id": _text("id", str(row["id"])),
                "language": known_language(row.get("language")),
            }
            for side in (*SIDES, SINGLE_NEGATIVE):
                if (checked := _checked(side, row.get(side))) is not None:
                    read["negatives" if side == SINGLE_NEGATIVE else side] = checked
        except ValueError as error:
            problems.add(number, str(error))
        yield read
    problems.refuse()


def wide_column(column: str) -> str | None:
    """Return the name under which a column of a wide table is kept; None if it is not read.

    Raises:
        ValueError: If it is of a language that is not known.

    >>> wide_column("negative_de")
    'negatives_de'
    """
    side, found, code = column.partition("_")
    if not found or side not in (*SIDES, SINGLE_NEGATIVE):
        return None
    try:
        known_language(code)
    except ValueError as error:
        raise ValueError(f"column {column}: {error}") from error
    return f"{'negatives' if side == SINGLE_NEGATIVE else side}_{code}"


def known_language(code: object) -> str:
    """Return a language code if it is known.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(code, str) and code in LANGUAGES:
        return code
    raise ValueError(f"language {code!r} is not known; expected one of {', '.join(LANGUAGES)}")


def _checked(column: str, value: object) -> str | list[str] | None:
    """Return a value as it is kept, None for blank text.

    Raises:
        ValueError: If it is not what the column holds.
    """
    if value is None or value == "":
        return None
    if column.startswith("negatives"):
        if not isinstance(value, list):
            raise ValueError(f"{column} is {value!r:.60}; expected a list of texts")
        texts = [_text(column, item) for item in value]
        if not all(map(str.strip, texts)):
            raise ValueError(f"{column} has a blank text")
        return texts or None
    text = _text(column, value)
    if not text.strip():
        return None
    return [text] if column.startswith(SINGLE_NEGATIVE) else text


def _text(column: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{column} is {value!r:.60}; expected a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{column} is {value!a:.60}; that is not Unicode ({error.reason})"
        ) from None
    return value


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int, Row]]:
    try:
        yield from ROWS[path.suffix](path, problems)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error}); expected UTF-8 text") from error


def _json_rows(path: Path, problems: Problems) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, object_pairs_hook=_once)
            except ValueError as error:
                problems.add(number, f"not JSON ({error})")
                continue
            if isinstance(row, dict):
                yield number, row
            else:
                problems.add(number, f"{type(row).__name__} found; expected an object of columns")


def _once(members: list[tuple[str, Any]]) -> Row:
    row = dict(members)
    if len(row) < len(members):
        twice = next(name for i, (name, _) in enumerate(members) if (name in dict(members[:i])))
        raise ValueError(f"{twice!r} is given twice")
    return row


def _csv_rows(path: Path, problems: Problems) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        columns = next(rows, [])
        if twice := {name for name in columns if columns.count(name) > 1}:
            raise UserError(f"{path}: column {', '.join(sorted(twice))} is given twice")
        for number, row in enumerate(rows, 1):
            if len(row) == len(columns):
                yield number, dict(zip(columns, row, strict=True))
            elif row:
                problems.add(
                    number, f"{len(row)} fields; expected {len(columns)}, as in the header"
                )


ROWS = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows}
UNITS = {".jsonl": "line", ".ndjson": "line", ".csv": "row"}
