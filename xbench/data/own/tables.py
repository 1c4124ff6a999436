"""Rows of a table, from a CSV file, a JSONL file, a Parquet file or a DataFrame."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from xbench._util.errors import UserError, reason

DELIMITERS = ",;\t|"
ROWS = 8192
"""How many rows of a Parquet file are in memory at a time, and of a JSONL file name its fields."""

Row = tuple[str, Sequence[Any]]
"""Place of a row, as messages name it, and its values."""


class Table(NamedTuple):
    """A table that is read once.

    Attributes:
        columns: Names of the columns.
        rows: The rows.
    """

    columns: tuple[str, ...]
    rows: Iterator[Row]


def _csv(path: Path) -> Table:
    rows = _csv_rows(path)
    return Table(tuple(cast("list[str]", next(rows)[1])), rows)


def _csv_rows(path: Path) -> Iterator[Row]:
    """Yield the header, then the rows."""
    csv.field_size_limit(2**31 - 1)
    with _opened(path) as file:
        header = file.readline()
        file.seek(0)
        width = 0
        reader = csv.reader(file, delimiter=_delimiter(header), strict=True)
        try:
            for cells in reader:
                if not width:
                    width = len(cells)
                elif cells and len(cells) != width:
                    raise UserError(
                        f"{path}: line {reader.line_num}: {len(cells)} columns; expected {width}, "
                        "as in the header. Put quotes around a text with the delimiter in it"
                    )
                if cells:
                    yield f"line {reader.line_num}", cells
        except csv.Error as error:
            raise UserError(
                f"{path}: line {reader.line_num}: not CSV ({error}); expected texts with quotes, "
                "delimiters or line ends in double quotes, and quotes in them doubled"
            ) from error


def _delimiter(header: str) -> str:
    """Return the delimiter that divides a header in the most columns."""
    return max(DELIMITERS, key=lambda own: len(next(csv.reader([header], delimiter=own), [])))


def _jsonl(path: Path) -> Table:
    columns: dict[str, None] = {}
    with _opened(path) as file:
        for _, row in islice(_objects(path, file), ROWS):
            columns.update(dict.fromkeys(row))
    return Table(tuple(columns), _jsonl_rows(path, columns))


def _jsonl_rows(path: Path, columns: Mapping[str, None]) -> Iterator[Row]:
    with _opened(path) as file:
        for where, row in _objects(path, file):
            if not row.keys() <= columns.keys():
                new = next(name for name in row if name not in columns)
                raise UserError(
                    f"{path}: {where}: field {new!r} is in none of the first {ROWS:,} rows; put "
                    f'"{new}": null in the first'
                )
            yield where, [row.get(name) for name in columns]


def _objects(path: Path, file: IO[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(
                f"{path}: line {number}: not JSON ({error}); expected one object per line"
            ) from error
        if "\\ud" in line.lower() and not _is_text(row):
            raise UserError(
                f"{path}: line {number}: has half of a surrogate pair, such as \\ud83d alone; "
                "expected characters"
            )
        if not isinstance(row, dict):
            raise UserError(f"{path}: line {number}: {line.strip()[:40]!r}; expected an object")
        yield f"line {number}", row


def _is_text(row: object) -> bool:
    """Return whether all texts of a row can be written as UTF-8."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(path: Path) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise UserError(f"{path}: not a Parquet file ({error})") from error
    return Table(tuple(file.schema_arrow.names), _batches(path, file))


def _batches(path: Path, file: Any) -> Iterator[Row]:  # noqa: ANN401
    import pyarrow

    number = 0
    try:
        for batch in file.iter_batches(batch_size=ROWS):
            for values in zip(*(own.to_pylist() for own in batch.columns), strict=True):
                number += 1
                yield f"row {number}", values
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise UserError(f"{path}: damaged after row {number} ({error})") from error


def frame_table(frame: Any) -> Table:  # noqa: ANN401
    """Return a DataFrame of pandas, or what has its columns and `itertuples`, as a table."""
    rows = frame.itertuples(index=False, name=None)
    return Table(tuple(map(str, frame.columns)), ((f"row {i}", own) for i, own in enumerate(rows)))


READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
"""What reads a file, by its suffix."""


def suffix_of(path: Path) -> str:
    """Return a file's suffix, of a compressed one that before ``.gz``."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def read_table(path: Path) -> Table:
    """Return a file's table; all but Parquet may be compressed, ``.csv.gz``.

    Raises:
        UserError: If it is not of a known kind, empty, not UTF-8 or malformed.
    """
    reader = READERS.get(suffix_of(path))
    if reader is None or path.name.lower().endswith(".parquet.gz"):
        raise UserError(
            f"{path}: unknown kind of file {path.suffix!r}; expected {', '.join(READERS)}, or a "
            "folder with a folder or a JSON file per language"
        )
    if path.stat().st_size == 0:
        raise UserError(f"{path}: is empty; expected a header and rows")
    return reader(path)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Open a file to read its text, uncompressed."""
    opener = cast("Any", gzip.open if path.suffix.lower() == ".gz" else open)
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 ({error.reason}: {error.object[error.start : error.start + 1]!r}"
            f"{_line(path)}); save it as UTF-8, in Excel as 'CSV UTF-8'"
        ) from error
    except (OSError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error


def _line(path: Path) -> str:
    """Return the first line that is not UTF-8, as messages name it."""
    opener = cast("Any", gzip.open if path.suffix.lower() == ".gz" else open)
    with opener(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f" in line {number}"
    return ""
