"""Tables of parallel pairs with one row per question, written once and memory-mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset, Features, LargeList, List, Value
from datasets.exceptions import DatasetGenerationError
from datasets.fingerprint import Hasher
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.corpora.rows import SHOWN, SIDES, SINGLE_NEGATIVE, Row

VERSION = 2
"""Version of the tables that are kept in the cache."""

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


def keep(
    generate: Callable[..., Iterator[Row]],
    features: Features,
    folder: Path,
    state: object,
    **arguments: Any,  # noqa: ANN401
) -> Dataset:
    """Write rows to a memory-mapped table, unless a folder has it from the same state.

    Args:
        generate: Yields the rows.
        features: Columns of the table.
        folder: Folder to keep tables in.
        state: What the rows are a function of.
        **arguments: Those of `generate`; no lists, which the library would take for shards.

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
        raise _cause(error, folder) from error


def _cause(error: BaseException, folder: Path) -> BaseException:
    """Return what is to be said of an error of the datasets library, which wraps others."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError):
        return UserError(
            f"{folder}: the table cannot be kept there ({error}); make room or choose another "
            "--cache-dir"
        )
    cause = error.__cause__ or error.__context__
    return _cause(cause, folder) if cause else error


def file_state(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file does."""
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


def columns_of(languages: Sequence[str]) -> Features:
    """Return the columns of a table of some languages."""
    return Features({f"{side}_{a}": COLUMN_TYPES[side] for a in languages for side in SIDES})


def checked_types(table: Dataset, where: str) -> Dataset:
    """Return a table whose columns are of texts, and those of negatives of lists of texts.

    Raises:
        UserError: If one is not.
    """
    for column, feature in table.features.items():
        lists = column.startswith("negatives")
        inner = feature.feature if isinstance(feature, (List, LargeList)) else feature
        is_list = inner is not feature
        if lists != is_list or inner not in (TEXT, Value("large_string")):
            expected = "lists of texts" if lists else "texts"
            raise UserError(f"{where}: column {column} holds {feature}; expected {expected}")
    return table


def single_as_lists(table: Dataset) -> Dataset:
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


def without_empty(table: Dataset, side: str = "") -> Dataset:
    """Return the columns that hold anything; only those of a side, if one is given, may go."""
    empty = [
        name
        for name in table.column_names
        if name.startswith(side) and table.data.column(name).null_count == len(table.data)
    ]
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
