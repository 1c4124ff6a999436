"""Files to download, and what the scripts of the pages read."""

from __future__ import annotations

import csv
import io
import json
import re

import pandas as pd
import pytest

from xbench.results.score_table import COLUMNS

from .conftest import Built, built
from .test_site import CROSS, SHOWN, XQUAD

pytestmark = pytest.mark.integration


def script(content: bytes):
    """Return what a script of data sets."""
    text = content.decode("ascii")
    return json.loads(re.fullmatch(r"window\.xbench = \{ .*?, \w+: (.*) \};\n", text)[1])


def test_downloads_hold_what_the_table_shows(whole):
    name = "xquad-r-all"
    files, table = whole.site.files, whole.site.page(XQUAD).tables[name]
    records = json.loads(files[f"data/{name}.json"])
    lines = list(csv.DictReader(io.StringIO(files[f"data/{name}.csv"].decode())))
    assert len(records) == len(lines) == len(table.lines)
    for shown, record, line in zip(table.lines, records, lines, strict=True):
        assert record["model"] == line["model"] == shown.model
        names = [f"XQuAD-R {column}" for column in SHOWN]
        for column, heading in zip(SHOWN, names, strict=True):
            value = record.get(heading)
            assert line[heading] == ("" if value is None else str(value))
            cell = shown.cells[table.columns.index(column) - 1]
            assert cell == ("" if value is None else f"{value:,.1f}")


def test_the_scripts_hold_the_scores_of_single_subsets(results, sound):
    path = sound(CROSS)
    data = script(built(results).site.files["data/subsets.js"])
    (values,) = data["rows"].values()
    number = next(i for i, c in enumerate(data["columns"]) if c["pairs"])
    subsets = json.loads(path.read_text())["scores"]["test"]
    expected = {s["hf_subset"]: round(100 * s["map"], 6) for s in subsets}
    assert dict(zip(data["columns"][number]["subsets"], values[number], strict=True)) == expected


def test_a_models_files_hold_its_rows_of_the_table(whole: Built):
    scores = whole.table.scores.query("provenance == 'measured'")
    (path,) = [p for p in whole.site.files if p.startswith("data/org-model-") and p.endswith("csv")]
    lines = list(csv.DictReader(io.StringIO(whole.site.files[path].decode())))
    records = json.loads(whole.site.files[path.replace(".csv", ".json")])
    assert len(scores) == len(lines) == len(records)
    for row, line, record in zip(scores.itertuples(), lines, records, strict=True):
        expected = {name: getattr(row, name) for name in COLUMNS}
        expected = {n: v for n, v in expected.items() if v is not pd.NA and v == v and v != ""}
        assert record == expected
        assert line == {name: str(expected.get(name, "")) for name in COLUMNS}
