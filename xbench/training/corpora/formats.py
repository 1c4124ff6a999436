"""The shapes that parallel pairs come in, each brought to one row per question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pyarrow.compute as pc
from datasets import Dataset, Features, List, Value

from xbench._util.errors import UserError
from xbench.data.languages import LANGUAGES
from xbench.training.corpora.long_tables import gather
from xbench.training.corpora.pair_index import column_batches
from xbench.training.corpora.rows import (
    LONG_COLUMNS,
    OTHER_COLUMNS,
    ROW_NUMBER,
    Row,
    first_row,
    long_rows,
    wide_column,
    wide_rows,
)
from xbench.training.corpora.tables import (
    COLUMN_TYPES,
    TEXT,
    WideTable,
    checked_types,
    columns_of,
    file_state,
    keep,
    single_as_lists,
    without_empty,
)

Shape = Literal["wide", "long"]


def read_text_file(path: Path, shape: Shape | None, folder: Path) -> WideTable:
    """Read a JSONL or CSV file, written to a table in a folder once.

    Raises:
        UserError: If rows are not as expected; the first few are named.
    """
    columns = list(first_row(path))
    shape = shape or detect(columns, str(path))
    generate, features = TEXT_FILES[shape]
    table = keep(generate, features, folder, (shape, *file_state(path)), path=path)
    lists = column_batches(table, OTHER_COLUMNS)
    others = {name for batch in lists for name in pc.unique(pc.list_flatten(batch)).to_pylist()}
    read = SHAPES[shape](table.remove_columns(OTHER_COLUMNS), str(path), folder)
    return WideTable(read.table, tuple(sorted(others)))


def read_table(table: Dataset, shape: Shape | None, where: str, folder: Path) -> WideTable:
    """Bring a table with columns of either shape to one row per question.

    Args:
        table: The table, with whatever other columns.
        shape: Its shape; None for what its columns are.
        where: Where it is from, for messages.
        folder: Folder to keep a rearranged table in.

    Raises:
        UserError: If a column or a row is not as expected.
    """
    return SHAPES[shape or detect(table.column_names, where)](table, where, folder)


def detect(columns: Sequence[str], where: str) -> Shape:
    """Return the shape that some columns are of.

    Raises:
        UserError: If they are of none.
    """
    if {"id", "language"} <= set(columns):
        return "long"
    if any(column.startswith(("query_", "passage_")) for column in columns):
        return "wide"
    raise UserError(
        f"{where}: its columns are {', '.join(columns)}; expected query_<language> and "
        f"passage_<language>, such as query_en, or {', '.join(LONG_COLUMNS[:-1])}"
    )


def _wide(table: Dataset, where: str, folder: Path) -> WideTable:
    """Check a table that has a row per question."""
    names: dict[str, str] = {}
    for column in table.column_names:
        try:
            name = wide_column(column)
        except ValueError as error:
            raise UserError(f"{where}: {error}") from error
        if name is not None and table.features[column] != Value("null"):
            if name in names.values():
                raise UserError(f"{where}: negative_ and {name} are both given; keep one of them")
            names[column] = name
    table_of_texts = single_as_lists(checked_types(table.select_columns(list(names)), where))
    ignored = [name for name in table.column_names if name not in names and name != "id"]
    return WideTable(without_empty(table_of_texts), tuple(ignored))


SHAPES: Mapping[Shape, Callable[[Dataset, str, Path], WideTable]] = {"wide": _wide, "long": gather}

TEXT_FILES: Mapping[Shape, tuple[Callable[..., Iterator[Row]], Features]] = {
    "wide": (
        wide_rows,
        Features({**columns_of(sorted(LANGUAGES)), OTHER_COLUMNS: List(TEXT)}),
    ),
    "long": (
        long_rows,
        Features(
            {
                ROW_NUMBER: Value("int64"),
                "id": TEXT,
                "language": TEXT,
                **COLUMN_TYPES,
                OTHER_COLUMNS: List(TEXT),
            }
        ),
    ),
}
