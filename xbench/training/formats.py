"""The shapes that parallel pairs come in, each brought to one row per question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from datasets import Dataset, Features, LargeList, List, Value
from datasets.exceptions import DatasetGenerationError
from datasets.fingerprint import Hasher
from numpy.typing import NDArray

from xbench.errors import UserError
from xbench.languages import LANGUAGES
from xbench.training.rows import (
    LONG_COLUMNS,
    OTHER_COLUMNS,
    SHOWN,
    SIDES,
    SINGLE_NEGATIVE,
    Row,
    first_row,
    long_rows,
    wide_column,
    wide_rows,
)
from xbench.training.scanning import column_batches

Shape = Literal["wide", "long"]

VERSION = 1
"""Version of the tables that are kept in the cache."""

QUESTIONS = 1000
"""Questions gathered at once."""

TEXT = Value("string")
COLUMN_TYPES = {"query": TEXT, "passage": TEXT, "negatives": List(TEXT)}


@dataclass(frozen=True, eq=False)
class WideTable:
    """A table with one row per question.

    Attributes:
        table: Columns ``query_<code>``, ``passage_<code>`` and ``negatives_<code>``.
        ignored: Columns that were not read.
        notes: What a reader of the data should know about how it was read.
    """

    table: Dataset
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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


def keep(
    generate: Callable[..., Iterator[Row]],
    features: Features,
    folder: Path,
    state: object,
    **arguments: Any,  # noqa: ANN401
) -> Dataset:
    """Write rows to a memory-mapped table, unless a folder has it from the same state.

    Raises:
        UserError: If the rows are not as expected or the disk is full.
    """
    try:
        return Dataset.from_generator(
            generate,
            features=features,
            cache_dir=str(folder),
            gen_kwargs=arguments,
            fingerprint=Hasher.hash((VERSION, generate.__name__, state)),
        )
    except (DatasetGenerationError, OSError) as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, UserError):
            cause = cause.__cause__ or cause.__context__
        raise cause or UserError(
            f"{folder}: the table cannot be kept there ({error.__cause__ or error}); make room or "
            "choose another --cache-dir"
        ) from None


def file_state(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file does."""
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


def columns_of(languages: Sequence[str]) -> Features:
    """Return the columns of a table of some languages."""
    return Features({f"{side}_{a}": COLUMN_TYPES[side] for a in languages for side in SIDES})


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
    table_of_texts = _as_lists(_typed(table.select_columns(list(names)), where))
    ignored = [name for name in table.column_names if name not in names and name != "id"]
    return WideTable(_filled(table_of_texts), tuple(ignored))


def _long(table: Dataset, where: str, folder: Path) -> WideTable:
    """Gather the rows of each question, which have one id."""
    if missing := [name for name in LONG_COLUMNS[:-1] if name not in table.column_names]:
        raise UserError(
            f"{where}: no column {', '.join(missing)}; expected {', '.join(LONG_COLUMNS[:-1])}"
        )
    known = [*SIDES, SINGLE_NEGATIVE]
    texts = [name for name in known if name in table.column_names]
    places, languages = _places(table, where)
    columns = _as_lists(_typed(table.select_columns(texts), where))
    wide = keep(
        _gathered,
        columns_of(languages),
        folder,
        table._fingerprint,
        table=columns,
        places=places,
        languages=languages,
    )
    read = {*LONG_COLUMNS, SINGLE_NEGATIVE, "row"}
    ignored = [name for name in table.column_names if name not in read]
    return WideTable(_filled(wide), tuple(ignored))


def _places(table: Dataset, where: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return the row of each question in each language, -1 for none; shape (questions, languages).

    Raises:
        UserError: If a language is not known or a question is there twice in one.
    """
    keys = table.select_columns(["id", "language"]).with_format("arrow")[:]
    rows = table["row"][:] if "row" in table.column_names else range(1, len(table) + 1)
    numbers = np.asarray(rows, np.int64)
    order = sorted(LANGUAGES)
    language = pc.index_in(keys["language"], pa.array(order))
    wrong = np.asarray(pc.or_(pc.is_null(language), pc.is_null(keys["id"])))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise UserError(
            f"{where}: rows {some_rows(numbers[wrong])}: id {keys['id'][first].as_py()!r} and "
            f"language {keys['language'][first].as_py()!r}; expected an id and one of "
            f"{', '.join(order)}"
        )
    ids = pc.dictionary_encode(pc.cast(keys["id"], pa.large_string()).combine_chunks())
    question, language = np.asarray(ids.indices), np.asarray(language)
    places = np.full((len(ids.dictionary), len(order)), -1, np.int64)
    places[question, language] = np.arange(len(table))
    overwritten = places[question, language] != np.arange(len(table))
    if overwritten.any():
        again = [
            (int(r), int(places[question[r], language[r]])) for r in np.flatnonzero(overwritten)
        ]
        pairs = "; ".join(
            f"rows {numbers[a]} and {numbers[b]} are both id {ids.dictionary[question[a]].as_py()!r} "
            f"in {order[language[a]]}"
            for a, b in again[:SHOWN]
        )
        raise UserError(
            f"{where}: {pairs} ({len(again):,} in all); expected one row per id and language"
        )
    used = np.unique(language)
    return places[:, used], [order[i] for i in used]


def _gathered(table: Dataset, places: NDArray[np.int64], languages: list[str]) -> Iterator[Row]:
    texts = table.with_format("arrow")
    for start in range(0, len(places), QUESTIONS):
        rows: list[Row] = [{} for _ in places[start : start + QUESTIONS]]
        for code, own in zip(languages, places[start : start + QUESTIONS].T, strict=True):
            there = np.flatnonzero(own >= 0)
            if not len(there):
                continue
            found = texts[own[there].tolist()]
            for side in found.column_names:
                for row, text in zip(there, found[side].to_pylist(), strict=True):
                    rows[row][f"{side}_{code}"] = text
        yield from rows


def _typed(table: Dataset, where: str) -> Dataset:
    """Check the types of columns of texts and of lists of texts."""
    for column, feature in table.features.items():
        lists = column.startswith("negatives")
        inner = feature.feature if isinstance(feature, (List, LargeList)) else feature
        is_list = inner is not feature
        if lists != is_list or inner not in (TEXT, Value("large_string")):
            expected = "lists of texts" if lists else "texts"
            raise UserError(f"{where}: column {column} holds {feature}; expected {expected}")
    return table


def _as_lists(table: Dataset) -> Dataset:
    """Return a table whose single negatives are lists of one, without copying them."""
    singles = [n for n in table.column_names if n.partition("_")[0] == SINGLE_NEGATIVE]
    if not singles:
        return table
    arrow = table.flatten_indices().data.table if table._indices else table.data.table
    for name in singles:
        chunks = [pa.FixedSizeListArray.from_arrays(chunk, 1) for chunk in arrow[name].chunks]
        lists = pa.chunked_array(chunks, pa.list_(arrow[name].type, 1))
        plural = name.replace(SINGLE_NEGATIVE, "negatives", 1)
        arrow = arrow.set_column(arrow.column_names.index(name), plural, lists)
    return Dataset(arrow.replace_schema_metadata(), fingerprint=f"{table._fingerprint}-lists")


def _filled(table: Dataset) -> Dataset:
    """Return the columns that hold anything."""
    empty = [n for n in table.column_names if table.data.column(n).null_count == len(table.data)]
    return table.remove_columns(empty) if empty else table


def some_rows(numbers: Sequence[int] | NDArray[Any]) -> str:
    """Return the first few of some row numbers, and how many there are.

    >>> some_rows([3, 5])
    '3, 5'
    >>> some_rows(range(1, 1001))
    '1, 2, 3, 4, 5 … (1,000 in all)'
    """
    shown = ", ".join(str(number) for number in numbers[:SHOWN])
    return shown if len(numbers) <= SHOWN else f"{shown} … ({len(numbers):,} in all)"


SHAPES: Mapping[Shape, Callable[[Dataset, str, Path], WideTable]] = {"wide": _wide, "long": _long}

TEXT_FILES: Mapping[Shape, tuple[Callable[..., Iterator[Row]], Features]] = {
    "wide": (
        wide_rows,
        Features({**columns_of(sorted(LANGUAGES)), OTHER_COLUMNS: List(TEXT)}),
    ),
    "long": (
        long_rows,
        Features(
            {
                "row": Value("int64"),
                "id": TEXT,
                "language": TEXT,
                **COLUMN_TYPES,
                OTHER_COLUMNS: List(TEXT),
            }
        ),
    ),
}
