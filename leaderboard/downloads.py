"""The figures as files: CSV and JSON of every table and model, and what the scripts read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xbench.data.catalogue import SETTINGS, Setting, subsets
from xbench.leaderboard.entries import Entry, dataset_order, keys_of, titles_of
from xbench.leaderboard.figures import Key, Row
from xbench.leaderboard.measures import (
    SETTING_ABBREVIATIONS,
    language_name,
    lower_is_better,
    measure_name,
    scale,
    score_order,
)
from xbench.leaderboard.tables import Column, Table

Record = Mapping[str, str | float | int | None]

FORMULA = re.compile(r"\s*[=+\-@]")
"""How text begins that a spreadsheet takes for a formula."""

DECIMALS = 6
"""Decimals of the figures that scripts read, in the units shown."""


def table_records(table: Table) -> list[Record]:
    """Return a table's lines under the headings that readers see, in the units shown."""
    records: list[Record] = []
    for group in table.groups:
        for line in group.lines:
            record = _identity(line.entry)
            for column, cell in zip(table.columns, line.cells, strict=True):
                name = f"{column.dataset} {column.label}"
                record[name] = cell.value
                if cell.ends:
                    record |= {f"{name} low": cell.ends[0], f"{name} high": cell.ends[1]}
            records.append(record)
    return records


def entry_records(entry: Entry) -> list[Record]:
    """Return every figure of an entry, one record each, from 0 to 1 or in ranks."""
    return [
        {
            "dataset": row.dataset,
            **key._asdict(),
            "value": figure.value,
            "low": figure.interval and figure.interval[0],
            "high": figure.interval and figure.interval[1],
            "table": figure.table,
            "note": figure.note,
        }
        for row in entry.rows.values()
        for key, figure in row.figures.items()
    ]


def _identity(entry: Entry) -> dict[str, str | float | int | None]:
    return {
        "model": entry.model,
        "revision": entry.first.revision,
        "origin": entry.origin,
        "source": entry.publication.source if entry.publication else None,
        "passage_form": entry.first.passage_form,
    }


def as_csv(records: Sequence[Record]) -> bytes:
    r"""Return records as CSV; text that a spreadsheet takes for a formula gets an apostrophe.

    >>> as_csv([{"model": "=1+1", "mAP": -0.5}])
    b"model,mAP\n'=1+1,-0.5\n"
    """
    kinds = dict.fromkeys(map(tuple, records))
    names = list(dict.fromkeys(name for kind in kinds for name in kind))
    columns = [_plain([record.get(name) for record in records]) for name in names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_plain(names))
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _plain(values: Sequence[object]) -> Sequence[object]:
    """Return values with an apostrophe before each text that begins like a formula."""
    formulas = {value for value in set(values) if isinstance(value, str) and FORMULA.match(value)}
    if not formulas:
        return values
    return [f"'{value}" if value in formulas else value for value in values]


def as_json(records: Sequence[Record]) -> bytes:
    r"""Return records as a JSON list of objects, one to a line, without what they lack.

    >>> as_json([{"model": "a", "mAP": None}, {"model": "b", "mAP": 1.5}])
    b'[{"model": "a"},\n{"model": "b", "mAP": 1.5}]\n'
    """
    present = [{k: v for k, v in record.items() if v is not None} for record in records]
    text = json.dumps(present, allow_nan=False)
    if text.count("}, {") == len(present) - 1:
        return (text.replace("}, {", "},\n{") + "\n").encode()
    lines = (json.dumps(record, allow_nan=False) for record in present)
    return ("[" + ",\n".join(lines) + "]\n").encode()


def subsets_script(columns: Sequence[Column], entries: Iterable[Entry]) -> bytes:
    """Return the script that holds each entry's figures of single subsets, for other means.

    Args:
        columns: The columns that a mean can be formed for.
        entries: The entries.
    """
    described: list[dict[str, Any]] = []
    for column in columns:
        pairs = column.key.setting == "crosslingual"
        names = list(subsets(column.key.setting, _languages(column, entries)))
        described.append(_described(column) | {"pairs": pairs, "subsets": names})
    rows = {
        entry.slug: [
            _values(entry.rows.get(column.dataset), column.key, own["subsets"])
            for column, own in zip(columns, described, strict=True)
        ]
        for entry in entries
    }
    codes = {name.partition("-")[0] for own in described for name in own["subsets"]}
    names_of = {code: language_name(code) for code in sorted(codes)}
    return _script("subsets", {"languages": names_of, "columns": described, "rows": rows})


def means_script(entries: Sequence[Entry]) -> bytes:
    """Return the script that holds what is compared of each entry: who it is, and all means."""
    keys = [
        (title, key)
        for title in titles_of(entries)
        for key in keys_of(entry.rows[title] for entry in entries if title in entry.rows)
        if key.average
    ]
    columns = [
        Column(_label(key), "", dataset, key)
        for dataset, key in sorted(keys, key=lambda pair: _order(*pair))
    ]
    rows = {}
    for entry in entries:
        size = entry.n_parameters
        figures = [_interval(entry.rows.get(column.dataset), column.key) for column in columns]
        rows[entry.slug] = {**_identity(entry), "parameters": size, "figures": figures}
    return _script("means", {"columns": [_described(c) for c in columns], "rows": rows})


def _order(dataset: str, key: Key) -> tuple[object, ...]:
    order = SETTINGS.index(key.setting), score_order(key.measure), key.average
    return dataset_order(dataset), *order


def _label(key: Key) -> str:
    micro = " micro" if key.average == "micro" else ""
    return f"{SETTING_ABBREVIATIONS[key.setting]} {measure_name(key.measure)}{micro}"


def _described(column: Column) -> dict[str, Any]:
    factor, decimals = scale(column.key.measure)
    return {
        "id": column.id,
        "dataset": column.dataset,
        "label": _label(column.key),
        "lower": lower_is_better(column.key.measure),
        "factor": factor,
        "decimals": decimals,
    }


def _languages(column: Column, entries: Iterable[Entry]) -> tuple[str, ...]:
    rows = (entry.rows.get(column.dataset) for entry in entries)
    wanted: tuple[Setting, str] = column.key[:2]
    found = {key.language for key in keys_of(row for row in rows if row) if key[:2] == wanted}
    return tuple(sorted(code for code in found if code))


def _values(row: Row | None, key: Key, names: Sequence[str]) -> list[float | None] | None:
    """Return a row's figures of single subsets, or None if it has none."""
    factor, _ = scale(key.measure)
    values: list[float | None] = []
    for name in names if row else ():
        query, _, passage = name.partition("-")
        figure = row and row.figures.get(Key(*key[:2], query, None, passage or None))
        values.append(round(factor * figure.value, DECIMALS) if figure else None)
    return values if any(value is not None for value in values) else None


def _interval(row: Row | None, key: Key) -> list[float] | None:
    figure = row.figures.get(key) if row else None
    if figure is None:
        return None
    factor, _ = scale(key.measure)
    return [round(factor * x, DECIMALS) for x in (figure.value, *(figure.interval or ()))]


def _script(name: str, content: object) -> bytes:
    """Return a script that sets a property of ``window.xbench``, safe in any place."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"window.xbench = {{ ...window.xbench, {name}: {text} }};\n".encode("ascii")
