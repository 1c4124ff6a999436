"""The file of imported figures: written deterministically, read strictly."""

from __future__ import annotations

import json

import pytest

from xbench._util.errors import UserError
from xbench.results.validation import Finding, ImportedRow, imported_json, read_imported

ROWS = (
    ImportedRow(
        model="b/model",
        model_revision="1",
        task="XQuADRetrieval",
        dataset_revision="51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
        split="validation",
        mteb_version="2.10.0",
        measure="ndcg_at_10",
        values={"ar": 0.5, "en": 1.0},
        training_datasets=("XQuADRetrieval",),
        n_parameters=10,
        notes=("a note — with \u00fc",),
    ),
    ImportedRow(
        model="a/model",
        model_revision="main",
        task="MIRACLRetrieval",
        dataset_revision="main",
        split="dev",
        mteb_version=None,
        measure="ndcg_at_10",
        values={"zh": 0.0},
        training_datasets=None,
        n_parameters=None,
    ),
)
LEFT_OUT = (Finding("a/b.json", "scores", "'x'", "expected more"),)


def test_what_is_written_is_read_in_a_fixed_order(tmp_path):
    path = tmp_path / "mteb.json"
    path.write_text(imported_json(ROWS, LEFT_OUT, "0" * 40))
    imported = read_imported(path)
    assert imported.rows == (ROWS[1], ROWS[0])
    assert imported.left_out == LEFT_OUT
    assert (imported.commit, imported.url[:8]) == ("0" * 40, "https://")
    assert imported_json(imported.rows, imported.left_out, imported.commit) == path.read_text()


def change(*path):
    *keys, last, value = path

    def apply(document):
        for key in keys:
            document = document[key]
        document[last] = value

    return apply


def repeat(document):
    document["rows"].append(document["rows"][0])


@pytest.mark.parametrize(
    ("apply", "field"),
    [
        (change("source", "url", "http://a"), "source.url"),
        (change("source", "commit", "HEAD"), "source.commit"),
        (change("rows", 0, "task", "Other"), r"rows\[0\].task"),
        (change("rows", 0, "split", "train"), r"rows\[0\].split"),
        (change("rows", 0, "measure", "map"), r"rows\[0\].measure"),
        (change("rows", 0, "values", "xx", 0.1), r"rows\[0\].values"),
        (change("rows", 0, "values", "zh", 40.1), r"rows\[0\].values.zh"),
        (change("rows", 0, "values", "zh", float("nan")), r"rows\[0\].values.zh"),
        (change("rows", 0, "values", {}), r"rows\[0\].values"),
        (change("rows", 0, "model", "<b>/x"), r"rows\[0\].model"),
        (change("rows", 0, "notes", ["\u202e"]), r"rows\[0\].notes\[0\]"),
        (change("rows", 0, "extra", 1), r"rows\[0\].extra"),
        (change("left_out", 0, "warning", True), r"left_out\[0\].warning"),
        (repeat, r"rows\[2\]"),
    ],
)
def test_a_changed_file_is_an_error_that_names_the_field(tmp_path, apply, field):
    document = json.loads(imported_json(ROWS, LEFT_OUT, None))
    apply(document)
    path = tmp_path / "mteb.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match=rf"mteb\.json: {field}: .*import-mteb"):
        read_imported(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="missing"):
        read_imported(tmp_path / "mteb.json")
