"""The published figures in results/reported against the tables they were copied from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xbench._util.errors import UserError
from xbench.leaderboard.reported import read_reported

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTED = ROOT / "results" / "reported"
REFERENCE = ROOT.parent / "shared" / "reference"

BATCHES = ("X-X-mono", "X-Y", "hybrid")
SETTINGS = ("monolingual", "crosslingual", "multilingual")
TABLES = {
    ("XLM-R", "XQuAD-R"): "3",
    ("XLM-R", "MLQA-R"): "4",
    ("LaBSE", "XQuAD-R"): "5",
    ("LaBSE", "MLQA-R"): "6",
}


def reference(name: str) -> list[list[str]]:
    if not REFERENCE.is_dir():
        pytest.skip("the reference tables are not beside the checkout")
    lines = (REFERENCE / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def figure(model, dataset, setting, language, measure, value, table, average="macro"):
    mean = language == "Mean"
    return (
        *(model, dataset, setting, None if mean else language, measure),
        *(float(value), table, average if mean else None),
    )


def hybrid_batch():
    for encoder, dataset, metric, language, *values in reference("hybrid_batch_tables.tsv"):
        for i, value in enumerate(values):
            setting = SETTINGS[i // 3]
            recall = "recall_at_10" if setting == "multilingual" else "recall_at_1"
            measure = "map" if metric == "mAP" else recall
            model, table = f"{encoder}, {BATCHES[i % 3]} batches", TABLES[encoder, dataset]
            yield figure(model, dataset, setting, language, measure, value, table)
    for dataset, language, *values in reference("hybrid_batch_rank_distance.tsv"):
        for i, value in enumerate(values):
            model = f"{('XLM-R', 'LaBSE')[i // 3]}, {BATCHES[i % 3]} batches"
            yield figure(
                model,
                dataset,
                "multilingual",
                language,
                "rank_distance",
                value,
                {"XQuAD-R": "7", "MLQA-R": "8"}[dataset],
            )
    for encoder, language, *values in reference("hybrid_batch_miracl.tsv"):
        for i, value in enumerate(values):
            model, measure = f"{encoder}, {BATCHES[i % 3]} batches", "ndcg_at_10 recall_at_100"
            yield figure(
                model, "MIRACL", "monolingual", language, measure.split()[i // 3], value, "12-13"
            )


def lareqa():
    (_, *datasets), *rows = reference("lareqa.tsv")
    for model, *values in rows:
        for dataset, value in zip(datasets, values, strict=True):
            yield figure(model, dataset, "multilingual", "Mean", "map", value, None, "micro")


def miracl_2cr():
    for system, language, *values in reference("miracl_2cr.tsv"):
        for measure, value in zip(("ndcg_at_10", "recall_at_100"), values, strict=True):
            yield figure(system, "MIRACL", "monolingual", language, measure, value, None)


@pytest.mark.parametrize(
    ("name", "expected", "count"),
    [("hybrid-batch", hybrid_batch, 1032), ("lareqa", lareqa, 10), ("miracl-2cr", miracl_2cr, 212)],
)
def test_every_figure_is_there_and_none_is_invented(name, expected, count):
    fields = ("model", "dataset", "setting", "language", "measure", "value", "table")
    entries = json.loads((REPORTED / f"{name}.json").read_text("utf-8"))["entries"]
    found = [(*(entry[name] for name in fields), entry.get("average")) for entry in entries]
    published = list(expected())
    assert len(published) == count
    assert sorted(found, key=str) == sorted(published, key=str)


@pytest.mark.parametrize("path", sorted(REPORTED.glob("*.json")), ids=lambda path: path.stem)
def test_files_are_valid_sorted_and_one_entry_per_line(path):
    rows = read_reported(path)
    entries = json.loads(path.read_text("utf-8"))["entries"]
    assert sum(len(row.figures) for row in rows) == len(entries)
    lines = [line.strip().rstrip(",") for line in path.read_text("utf-8").splitlines()]
    assert [json.loads(line) for line in lines if line.startswith('{"model"')] == entries
    names = [(entry["dataset"], entry["model"]) for entry in entries]
    assert names == sorted(names)


def test_the_one_mean_that_is_not_the_mean_of_its_rows_has_a_note():
    entries = json.loads((REPORTED / "hybrid-batch.json").read_text("utf-8"))["entries"]
    (noted,) = [entry for entry in entries if "note" in entry]
    assert (noted["model"], noted["dataset"]) == ("LaBSE, hybrid batches", "XQuAD-R")
    assert (noted["setting"], noted["measure"], noted["value"]) == ("monolingual", "map", 0.8167)
    assert noted["language"] is None


DOCUMENT = {"source": "S", "title": "T", "url": "https://example.org"}
ENTRY = {
    "model": "m",
    "dataset": "XQuAD-R",
    "setting": "monolingual",
    "language": None,
    "measure": "map",
    "value": 0.5,
    "table": "1",
    "average": "macro",
}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_a_valid_file_is_read(tmp_path):
    (row,) = read_reported(write(tmp_path / "a.json", {**DOCUMENT, "entries": [ENTRY]}))
    assert (row.model, row.dataset, row.publication.source) == ("m", "XQuAD-R", "S")
    assert [figure.value for figure in row.figures.values()] == [0.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 76.2}, "entry 1: map is 76.2; expected a number from 0 to 1"),
        ({"value": float("nan")}, "map is nan"),
        ({"value": float("inf"), "measure": "rank_distance"}, "rank_distance is inf"),
        ({"value": True}, "map is True"),
        ({"value": "0.5"}, "map is '0.5'"),
        ({"measure": "bleu"}, "unknown measure 'bleu'"),
        ({"setting": "bilingual"}, "setting is 'bilingual'"),
        ({"language": "xx"}, "language is 'xx'"),
        ({"language": "ar"}, "average is 'macro'"),
        ({"average": None}, "average is None"),
        ({"model": ""}, "model is ''"),
        ({"note": 3}, "note is 3"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, change, message):
    path = write(tmp_path / "a.json", {**DOCUMENT, "entries": [{**ENTRY, **change}]})
    with pytest.raises(UserError, match=r"a\.json") as caught:
        read_reported(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**DOCUMENT, "url": "javascript:alert(1)", "entries": []}, "https://"),
        ({**DOCUMENT, "passage_form": "page", "entries": []}, "passage_form is 'page'"),
        ({**DOCUMENT, "entries": [1]}, "entries"),
        ({**DOCUMENT, "entries": [ENTRY, ENTRY]}, "entry 2: a second figure"),
        (DOCUMENT, "entries"),
        ([], "no JSON object"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, document, message):
    with pytest.raises(UserError) as caught:
        read_reported(write(tmp_path / "a.json", document))
    assert message in str(caught.value)
