"""Long tables: a row for each question in each language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.training.corpora.labels import language_labels
from xbench.training.corpora.rows import (
    LONG_COLUMNS,
    ROW_NUMBER,
    SHOWN,
    SIDES,
    SINGLE_NEGATIVE,
    Row,
)
from xbench.training.corpora.tables import (
    WideTable,
    checked_types,
    columns_of,
    keep,
    single_as_lists,
    some_rows,
    without_empty,
)

QUESTIONS = 1000
"""Questions gathered at once."""


def gather(table: Dataset, where: str, folder: Path) -> WideTable:
    """Gather the rows of each question, which have one id, in a table that is kept.

    Args:
        table: Columns ``id``, ``language``, ``query``, ``passage`` and perhaps ``negatives`` or
            ``negative``, and `ROW_NUMBER` where rows are numbered otherwise than from 1.
        where: Where it is from, for messages.
        folder: Folder to keep the table in.

    Raises:
        UserError: If a column is missing or a question is there twice in a language.
    """
    if missing := [name for name in LONG_COLUMNS[:-1] if name not in table.column_names]:
        raise UserError(
            f"{where}: no column {', '.join(missing)}; expected {', '.join(LONG_COLUMNS[:-1])}"
        )
    known = [*SIDES, SINGLE_NEGATIVE]
    texts = [name for name in known if name in table.column_names]
    places, languages = _places(table, where)
    columns = single_as_lists(checked_types(table.select_columns(texts), where))
    wide = keep(
        _gathered,
        columns_of(languages),
        folder,
        table._fingerprint,
        table=columns,
        places=places,
        languages=languages,
    )
    read = {*LONG_COLUMNS, SINGLE_NEGATIVE, ROW_NUMBER}
    ignored = [name for name in table.column_names if name not in read]
    return WideTable(without_empty(wide), tuple(ignored))


def _places(table: Dataset, where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the row of each question in each language, -1 for none; shape (questions, languages).

    Raises:
        UserError: If a language is not known or a question is there twice in one.
    """
    keys = table.select_columns(["id", "language"]).with_format("arrow")[:]
    numbered = ROW_NUMBER in table.column_names
    rows = table[ROW_NUMBER][:] if numbered else range(1, len(table) + 1)
    numbers = np.asarray(rows, np.int64)
    tags = [tag for tag in pc.unique(keys["language"]).to_pylist() if tag and tag.strip()]
    label = language_labels(tags)
    order = sorted(set(label.values()))
    number = pc.index_in(keys["language"], pa.array(tags, pa.string()))
    language = pc.take(pa.array([order.index(label[tag]) for tag in tags], pa.int32()), number)
    wrong = np.asarray(pc.or_(pc.is_null(language), pc.is_null(keys["id"])))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise UserError(
            f"{where}: rows {some_rows(numbers[wrong])}: id {keys['id'][first].as_py()!r} and "
            f"language {keys['language'][first].as_py()!r}; expected an id and a language"
        )
    ids = pc.dictionary_encode(pc.cast(keys["id"], pa.large_string()).combine_chunks())
    question, language = np.asarray(ids.indices), np.asarray(language)
    places = np.full((len(ids.dictionary), len(order)), -1, np.int64)
    places[question, language] = np.arange(len(table))
    overwritten = places[question, language] != np.arange(len(table))
    if overwritten.any():
        again = np.flatnonzero(overwritten)
        twice = "; ".join(
            f"{numbers[row]} and {numbers[places[question[row], language[row]]]} "
            f"({keys['id'][row].as_py()!r}, {order[language[row]]})"
            for row in again[:SHOWN].tolist()
        )
        raise UserError(
            f"{where}: the same id and language are in rows {twice}; {len(again):,} in all; "
            "expected one row for each"
        )
    used = np.unique(language)
    return places[:, used], tuple(order[i] for i in used)


def _gathered(
    table: Dataset, places: NDArray[np.int64], languages: tuple[str, ...]
) -> Iterator[Row]:
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
