"""The rows of JSONL and CSV files, checked one by one before anything is built from them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets.fingerprint import Hasher

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError, reason
from xbench.training.corpora.labels import language_labels

Row = dict[str, Any]

LONG_COLUMNS = ("id", "language", "query", "passage", "negatives")
SIDES = ("query", "passage", "negatives")
SINGLE_NEGATIVE = "negative"
LANGUAGE = "language"

ROW_NUMBER = "row_number"
"""Column with the number that a row has in its file."""

SHOWN = 5
"""Problems that an error message shows."""

Names = Mapping[str, str]
"""The side and language, such as ``query_de``, that each column that is read holds; the side alone
where the row's own column of languages says which."""


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


def file_columns(path: Path, folder: Path) -> tuple[str, ...]:
    """Return all columns that the rows of a file have; they are kept in a folder.

    Raises:
        UserError: If the file cannot be read or has no rows.
    """
    return tuple(_overview(path, folder)["columns"])


def file_languages(path: Path, folder: Path) -> tuple[str, ...]:
    """Return all values that the rows of a file have as their language."""
    return tuple(_overview(path, folder)["languages"])


def _overview(path: Path, folder: Path) -> dict[str, list[str]]:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    state = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    kept = folder / "columns" / f"{Hasher.hash(state)}.json"
    if kept.is_file():
        return dict(json.loads(kept.read_bytes()))
    problems = Problems(path)
    columns: dict[str, None] = {}
    languages: dict[str, None] = {}
    for _, row in _rows(path, problems):
        columns.update(dict.fromkeys(row))
        if isinstance(own := row.get(LANGUAGE), str):
            languages[own] = None
    if not columns:
        problems.refuse()
        raise UserError(f"{path}: no rows; expected at least one question")
    found = {"columns": list(columns), "languages": list(languages)}
    write_atomically(kept, json.dumps(found).encode())
    return found


def wide_rows(path: Path, names: Names) -> Iterator[Row]:
    """Yield a row for each question, with the columns of all its languages.

    Args:
        path: The file.
        names: What each column that is read holds.

    Raises:
        UserError: After the last row, if any could not be read.
    """
    problems = Problems(path)
    for number, row in _rows(path, problems):
        try:
            yield wide_row(row, names)
        except ValueError as error:
            problems.add(number, str(error))
    problems.refuse()


def wide_row(row: Row, names: Names) -> Row:
    """Return the texts of a row by side and language.

    Raises:
        ValueError: If a value is not as expected.
    """
    read: Row = {}
    own = row.get(LANGUAGE)
    for column, name in names.items():
        value = _checked(column, name, row.get(column))
        if value is None:
            continue
        if "_" not in name:
            if not isinstance(own, str) or not own.strip():
                raise ValueError(f"language is {own!r}; expected the language of the row")
            name = f"{name}_{language_labels([own])[own]}"
        read[name] = read[name] + value if name in read else value
    if not {name.partition("_")[0] for name in read}.issuperset(("query", "passage")):
        raise ValueError("no query with a passage, in any language")
    return read


def long_rows(path: Path) -> Iterator[Row]:
    """Yield a row for each question in each language, with its number in the file.

    Raises:
        UserError: After the last row, if any could not be read.
    """
    problems = Problems(path)
    for number, row in _rows(path, problems):
        read: Row = {ROW_NUMBER: number}
        try:
            if row.get("id") in (None, ""):
                raise ValueError("no id; rows of one question have the same id")
            own = row.get(LANGUAGE)
            if not isinstance(own, str) or not own.strip():
                raise ValueError(f"language is {own!r}; expected a language")
            read |= {"id": _text("id", str(row["id"])), LANGUAGE: own}
            for side in (*SIDES, SINGLE_NEGATIVE):
                name = "negatives" if side == SINGLE_NEGATIVE else side
                if (checked := _checked(side, name, row.get(side))) is not None:
                    read[name] = checked
        except ValueError as error:
            problems.add(number, str(error))
        yield read
    problems.refuse()


def _checked(column: str, name: str, value: object) -> Any:  # noqa: ANN401
    """Return a value as it is kept, a list of texts for negatives, None for blank text.

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
    return [text] if name.startswith("negatives") else text


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
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: cannot be read ({reason(error)}); expected a file of UTF-8 text")


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
