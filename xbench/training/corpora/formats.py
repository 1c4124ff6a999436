"""The shapes that parallel pairs come in, each brought to one row per question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from datasets import Dataset, Features, Value

from xbench._util.errors import UserError
from xbench.training.corpora.columns import Reading, Shape, find_reading
from xbench.training.corpora.labels import language_labels
from xbench.training.corpora.long_tables import gather
from xbench.training.corpora.rows import (
    LANGUAGE,
    ROW_NUMBER,
    SHOWN,
    Names,
    Row,
    file_columns,
    file_languages,
    long_rows,
    wide_row,
    wide_rows,
)
from xbench.training.corpora.tables import (
    COLUMN_TYPES,
    TEXT,
    WideTable,
    checked_types,
    file_state,
    keep,
    single_as_lists,
    without_empty,
)


def read_text_file(
    path: Path,
    shape: Shape | None,
    folder: Path,
    roles: Mapping[str, str] | None = None,
    language: str | Mapping[str, str] | None = None,
) -> WideTable:
    """Read a JSONL or CSV file, written to a table in a folder once.

    Args:
        path: The file.
        shape: Its shape; None for what its columns are.
        folder: Folder to keep tables in.
        roles: Role of columns with other names than the usual.
        language: Language of all columns, or of each.

    Raises:
        UserError: If rows are not as expected; the first few are named.
    """
    reading = find_reading(file_columns(path, folder), str(path), shape, roles, language)
    if reading.shape == "long":
        table = keep(long_rows, LONG, folder, ("long", *file_state(path)), path=path)
        return WideTable(gather(table, str(path), folder).table, reading.ignored)
    languages = file_languages(path, folder) if _by_row(reading.names) else ()
    state = (sorted(reading.names.items()), *file_state(path))
    features = _features(reading.names, languages)
    table = keep(wide_rows, features, folder, state, path=path, names=dict(reading.names))
    return WideTable(without_empty(table, "negatives"), reading.ignored)


def read_table(
    table: Dataset,
    shape: Shape | None,
    where: str,
    folder: Path,
    roles: Mapping[str, str] | None = None,
    language: str | Mapping[str, str] | None = None,
) -> WideTable:
    """Bring a table with columns of any shape to one row per question.

    Args:
        table: The table, with whatever other columns.
        shape: Its shape; None for what its columns are.
        where: Where it is from, for messages.
        folder: Folder to keep a rearranged table in.
        roles: Role of columns with other names than the usual.
        language: Language of all columns, or of each.

    Raises:
        UserError: If a column or a row is not as expected.
    """
    reading = find_reading(table.column_names, where, shape, roles, language)
    if reading.shape == "long":
        return gather(table, where, folder)
    if reading.shape == "columns":
        return _converted(table, reading, where, folder)
    null = [name for name in reading.names if table.features[name] == Value("null")]
    if null:
        raise UserError(f"{where}: column {', '.join(null)} is empty; fill it or remove it")
    texts = table.select_columns(list(reading.names))
    plural = single_as_lists(checked_types(texts, where))
    renamed = {
        name: held
        for name, held in zip(plural.column_names, reading.names.values(), strict=True)
        if name != held
    }
    named = plural.rename_columns(renamed) if renamed else plural
    return WideTable(without_empty(named, "negatives"), reading.ignored)


def _converted(table: Dataset, reading: Reading, where: str, folder: Path) -> WideTable:
    """Write a table in the library's habit to one with a column for each side and language."""
    by_row = _by_row(reading.names)
    languages = tuple(map(str, table.unique(LANGUAGE))) if by_row else ()
    columns = [*reading.names, *([LANGUAGE] if by_row else [])]
    kept = keep(
        _table_rows,
        _features(reading.names, languages),
        folder,
        (table._fingerprint, sorted(reading.names.items())),
        table=table.select_columns(columns),
        names=dict(reading.names),
        where=where,
    )
    return WideTable(without_empty(kept, "negatives"), reading.ignored)


def _table_rows(table: Dataset, names: Names, where: str) -> Iterator[Row]:
    problems: list[str] = []
    count = 0
    for number, row in enumerate(table, 1):
        try:
            yield wide_row(row, names)
        except ValueError as error:
            count += 1
            problems += [f"row {number}: {error}"] if count <= SHOWN else []
    if count:
        more = f"; and {count - SHOWN:,} more" if count > SHOWN else ""
        raise UserError(f"{where}: {'; '.join(problems)}{more}")


def _by_row(names: Names) -> bool:
    """Return whether the rows themselves say what language they are in."""
    return any("_" not in name for name in names.values())


def _features(names: Names, languages: tuple[str, ...]) -> Features:
    """Return the columns of the table that some columns are brought to."""
    labels = sorted(set(language_labels(languages).values()))
    held = sorted(
        {
            own
            for name in names.values()
            for own in ([name] if "_" in name else [f"{name}_{label}" for label in labels])
        }
    )
    return Features({name: COLUMN_TYPES[name.partition("_")[0]] for name in held})


LONG = Features({ROW_NUMBER: Value("int64"), "id": TEXT, LANGUAGE: TEXT, **COLUMN_TYPES})
"""Columns of the table that a long file is kept in."""
