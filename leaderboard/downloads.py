"""The scores as files: CSV and JSON of every table and model, and what the scripts read."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xbench.data.catalogue import subsets
from xbench.leaderboard.article_sums import ArticleSums
from xbench.leaderboard.board import Board, Score, pivot
from xbench.leaderboard.layout import Mean
from xbench.leaderboard.measures import (
    SETTING_ABBREVIATIONS,
    language_name,
    lower_is_better,
    measure_name,
    scale,
)
from xbench.leaderboard.tables import Column, Table
from xbench.results.score_table import COLUMNS, RUN

Record = Mapping[str, str | float | int | None]

FORMULA = re.compile(r"(^|[;,|])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where text, or what is behind a character that may separate cells, begins like a formula."""

BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""What ends a line or a cell in some programs."""

DECIMALS = 6
"""Decimals of the scores that scripts read, in the units shown."""


def table_records(table: Table) -> list[Record]:
    """Return a table's lines under the headings that readers see, in the units shown."""
    records: list[Record] = []
    for group in table.groups:
        for line in group.lines:
            record = _identity(line.model)
            for column, cell in zip(table.columns, line.cells, strict=True):
                name = f"{column.dataset} {column.label}"
                record[name] = cell.value
                if cell.ends:
                    record |= {f"{name} low": cell.ends[0], f"{name} high": cell.ends[1]}
            records.append(record)
    return records


def _identity(model: Any) -> dict[str, str | float | int | None]:  # noqa: ANN401
    return {
        "model": model.name,
        "revision": model.revision,
        "origin": model.provenance,
        "source": model.source or None,
        "passage_form": model.passage_form,
    }


def as_csv(records: Sequence[Record]) -> bytes:
    r"""Return records as CSV; what a spreadsheet takes for a formula gets an apostrophe.

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
    """Return values without line breaks in them, and with an apostrophe before each formula."""
    texts = {value for value in set(values) if isinstance(value, str)}
    changed = {text: plain for text in texts if (plain := plain_text(text)) != text}
    if not changed:
        return values
    return [changed.get(value, value) if isinstance(value, str) else value for value in values]


def plain_text(text: str) -> str:
    r"""Return a text that no spreadsheet takes for a formula, wherever it ends a cell.

    >>> plain_text("=1+1"), plain_text("a;\t=1+1"), plain_text("Ar-De")
    ("'=1+1", "a; '=1+1", 'Ar-De')
    """
    return FORMULA.sub(r"\1\2'", BREAKS.sub(" ", text))


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


def score_files(scores: pd.DataFrame) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the rows of the score table of each model, as CSV and as JSON.

    Args:
        scores: The rows, with the number of the model as ``run``.
    """
    values = list(map(repr, scores.value.tolist()))
    before, after = COLUMNS.index("value"), COLUMNS.index("high") + 1
    columns = (RUN, COLUMNS[len(RUN) : before], ("low", "high"), COLUMNS[after:])
    run, what, ends, rest = (_texts(scores, own) for own in columns)
    parts = zip(run.csv, what.csv, values, ends.csv, rest.csv, strict=True)
    lines = [",".join(row) for row in parts]
    values = [f', "value": {value}' for value in values]
    parts = zip(run.json, what.json, values, ends.json, rest.json, strict=True)
    objects = ["".join(row)[2:] for row in parts]
    for number, rows in scores.groupby("run").indices.items():
        table = "\n".join([",".join(COLUMNS), *(lines[row] for row in rows), ""])
        records = "},\n{".join([objects[row] for row in rows])
        yield number, table.encode("utf-8", "backslashreplace"), f"[{{{records}}}]\n".encode()


class _Texts(NamedTuple):
    csv: list[str]
    json: list[str]


def _texts(scores: pd.DataFrame, columns: Sequence[str]) -> _Texts:
    """Return some columns of each row as text; what rows have in common is written once."""
    number = scores.groupby(list(columns), observed=True, sort=False, dropna=False).ngroup()
    first = number.drop_duplicates()
    rows = scores.loc[first.index, list(columns)].astype(object)
    records = rows.where(rows.notna(), None).to_dict("records")
    lines = dict(zip(first, map(_csv_line, records), strict=True))
    fields = dict(zip(first, map(_json_fields, records), strict=True))
    numbers = number.tolist()
    return _Texts([lines[n] for n in numbers], [fields[n] for n in numbers])


def _csv_line(row: Mapping[str, Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(_plain(list(row.values())))
    return text.getvalue()


def _json_fields(row: Mapping[str, Any]) -> str:
    present = {name: value for name, value in row.items() if value not in (None, "")}
    return "".join(f', "{name}": {json.dumps(value)}' for name, value in present.items())


def subsets_script(columns: Sequence[Column], board: Board) -> bytes:
    """Return the script that holds each model's scores of single subsets, for other means.

    Args:
        columns: The columns that a mean can be formed for.
        board: What pages show.
    """
    scores = board.scores[board.scores.query_language != ""]
    described: list[dict[str, Any]] = []
    values: list[dict[int, list[float]]] = []
    for column in columns:
        dataset, setting, measure = column.key[:3]
        same = (scores.dataset == dataset) & (scores.measure == measure)
        own = scores[same & (scores.setting == setting)]
        pairs = setting == "crosslingual"
        names = list(subsets(column.mean.setting, tuple(sorted(own.query_language.unique()))))
        described.append(_described(column) | {"pairs": pairs, "subsets": names})
        single = own[own.average == ""]
        name = single.query_language.astype(object)
        if pairs:
            name += "-" + single.passage_language.astype(object)
        wide = single.assign(name=name).pivot(index="name", columns="run", values="value")
        values.append({run: own.tolist() for run, own in wide.reindex(names).items()})
    rows = {
        slug: [
            _values(of.get(run), column.mean) for of, column in zip(values, columns, strict=True)
        ]
        for run, slug in board.models.slug.items()
    }
    codes = {name.partition("-")[0] for own in described for name in own["subsets"]}
    names_of = {code: language_name(code) for code in sorted(codes)}
    return _script("subsets", {"languages": names_of, "columns": described, "rows": rows})


def means_script(board: Board) -> bytes:
    """Return the script that holds what is compared of each model: who it is, and all means."""
    means = board.cells[board.cells.query_language == ""]
    wide = pivot(means, "run", ["dataset", "setting", "measure", "average"])
    columns = [
        Column(_label(Mean(*mean)), "", dataset, Mean(*mean)) for dataset, *mean in wide.columns
    ]
    cells = wide.reindex(board.models.index).to_numpy()
    rows = {
        model.slug: {
            **_identity(model),
            "parameters": model.n_parameters,
            "figures": [
                _interval(column.mean.measure, score)
                for column, score in zip(columns, own, strict=True)
            ],
        }
        for model, own in zip(board.models.itertuples(), cells, strict=True)
    }
    return _script("means", {"columns": [_described(c) for c in columns], "rows": rows})


def _label(mean: Mean) -> str:
    micro = " micro" if mean.average == "micro" else ""
    return f"{SETTING_ABBREVIATIONS[mean.setting]} {measure_name(mean.measure)}{micro}"


def _described(column: Column) -> dict[str, Any]:
    factor, decimals = scale(column.mean.measure)
    return {
        "id": column.id,
        "dataset": column.dataset,
        "label": _label(column.mean),
        "lower": lower_is_better(column.mean.measure),
        "factor": factor,
        "decimals": decimals,
    }


def _values(values: Sequence[float] | None, mean: Mean) -> list[float | None] | None:
    """Return a model's scores of single subsets, or None if it has none."""
    if values is None:
        return None
    factor, _ = scale(mean.measure)
    return [None if np.isnan(value) else round(factor * value, DECIMALS) for value in values]


def _interval(measure: str, score: Score | float) -> list[float] | None:
    if not isinstance(score, Score):
        return None
    factor, _ = scale(measure)
    return [round(factor * x, DECIMALS) for x in score[:3] if not np.isnan(x)]


def board_script(content: object) -> bytes:
    """Return the script that holds what the first page knows of models and datasets."""
    return _script("board", content)


def failed_script(content: object) -> bytes:
    """Return the script that holds which models have failed questions to show."""
    return _script("failed", content)


def keyed_script(kind: str, name: str, content: object) -> bytes:
    """Return a script that holds one of many things that pages load when they show them.

    Args:
        kind: Its folder, and the property of ``window.xbench`` that it adds to.
        name: Its name there, in letters, digits and dashes.
        content: What it holds.
    """
    return f'((window.xbench ??= {{}}).{kind} ??= {{}})["{name}"] = {_safe(content)};\n'.encode(
        "ascii"
    )


def sums_script(name: str, own: ArticleSums, at: Sequence[int]) -> bytes:
    """Return the script that holds some columns of a model, from which differences follow."""
    content = {
        "pairs": [">".join(own.pairs[column]) for column in at],
        "means": own.means[at].tolist(),
        "numbers": own.numbers[at].tolist(),
        "articles": own.sums.shape[1],
        "sums": b64encode(own.sums[at].astype("<f4").tobytes()).decode(),
    }
    return keyed_script("sums", name, content)


def _script(name: str, content: object) -> bytes:
    """Return a script that sets a property of ``window.xbench``, safe in any place."""
    return f"window.xbench = {{ ...window.xbench, {name}: {_safe(content)} }};\n".encode("ascii")


def _safe(content: object) -> str:
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
