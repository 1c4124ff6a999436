"""The published scores in results/reported against the tables they were copied from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xbench._util.errors import UserError
from xbench.results.reported import read_publication, read_reported
from xbench.results.score_table import ScoreTable, read_score_table

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
        pytest.skip("the reference tables are not next to the checkout")
    lines = (REFERENCE / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def published(model, dataset, setting, language, measure, value, table, average="macro"):
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
            yield published(model, dataset, setting, language, measure, value, table)
    for dataset, language, *values in reference("hybrid_batch_rank_distance.tsv"):
        for i, value in enumerate(values):
            model = f"{('XLM-R', 'LaBSE')[i // 3]}, {BATCHES[i % 3]} batches"
            yield published(
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
            yield published(
                model, "MIRACL", "monolingual", language, measure.split()[i // 3], value, "12-13"
            )


def lareqa():
    (_, *datasets), *rows = reference("lareqa.tsv")
    for model, *values in rows:
        for dataset, value in zip(datasets, values, strict=True):
            yield published(model, dataset, "multilingual", "Mean", "map", value, None, "micro")


def miracl_2cr():
    for system, language, *values in reference("miracl_2cr.tsv"):
        for measure, value in zip(("ndcg_at_10", "recall_at_100"), values, strict=True):
            yield published(system, "MIRACL", "monolingual", language, measure, value, None)


@pytest.mark.parametrize(
    ("name", "expected", "count"),
    [("hybrid-batch", hybrid_batch, 1032), ("lareqa", lareqa, 10), ("miracl-2cr", miracl_2cr, 212)],
)
def test_every_score_is_there_and_none_is_invented(name, expected, count):
    fields = ("model", "dataset", "setting", "language", "measure", "value", "table")
    entries = json.loads((REPORTED / f"{name}.json").read_text("utf-8"))["entries"]
    found = [(*(entry[name] for name in fields), entry.get("average")) for entry in entries]
    printed = list(expected())
    assert len(printed) == count
    assert sorted(found, key=str) == sorted(printed, key=str)


@pytest.mark.parametrize("path", sorted(REPORTED.glob("*.json")), ids=lambda path: path.stem)
def test_files_are_valid_sorted_and_one_entry_per_line(path):
    entries = json.loads(path.read_text("utf-8"))["entries"]
    assert read_publication(path)["entries"] == entries
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


def read(folder: Path, *documents: object) -> ScoreTable:
    """Return the table of some files of published scores."""
    (folder / "reported").mkdir()
    for number, document in enumerate(documents):
        write(folder / "reported" / f"{number}.json", document)
    return read_score_table([folder], [read_reported])


def test_a_valid_file_is_read(tmp_path):
    table = read(tmp_path, {**DOCUMENT, "note": "N", "entries": [ENTRY]})
    (row,), (run,) = table.scores.itertuples(), table.runs.itertuples()
    assert (row.provenance, row.source, row.model, row.dataset) == ("reported", "S", "m", "XQuAD-R")
    assert (row.value, row.table, row.file) == (0.5, "1", "reported/0.json")
    assert (run.title, run.url, run.notes) == ("T", "https://example.org", ("N",))
    assert table.excluded == ()


def test_every_published_score_is_a_row_of_the_table():
    scores = read_score_table([REPORTED.parent], [read_reported]).scores
    for path in REPORTED.glob("*.json"):
        entries = json.loads(path.read_text("utf-8"))["entries"]
        own = scores[scores.file == f"reported/{path.name}"]
        fields = ("model", "dataset", "setting", "measure", "table", "note")
        assert [
            (*(getattr(row, name) for name in fields), row.query_language, row.value)
            for row in own.itertuples()
        ] == [
            (*(e.get(name) or "" for name in fields), e.get("language") or "", e["value"])
            for e in entries
        ]


def test_a_damaged_file_is_named_and_of_two_of_a_publication_the_first_counts(tmp_path):
    table = read(tmp_path, {**DOCUMENT, "entries": [ENTRY]}, [], {**DOCUMENT, "entries": [ENTRY]})
    assert list(table.scores.file) == ["reported/0.json"]
    assert [own.file for own in table.excluded] == ["reported/1.json", "reported/2.json"]
    assert "there already" in table.excluded[1].reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 76.2}, "entries[0].value: 76.2; expected 0 to 1"),
        ({"value": float("nan")}, "entries[0].value: nan"),
        ({"value": float("inf"), "measure": "rank_distance"}, "entries[0].value: inf"),
        ({"value": True}, "entries[0].value: True"),
        ({"value": "0.5"}, "entries[0].value: '0.5'"),
        ({"measure": "bleu"}, "entries[0].measure: 'bleu'"),
        ({"setting": "bilingual"}, "entries[0].setting: 'bilingual'"),
        ({"language": "xx"}, "entries[0].language: 'xx'"),
        ({"language": "ar"}, "entries[0].average: 'macro'"),
        ({"average": None}, "entries[0].average: null"),
        ({"model": ""}, "entries[0].model: ''"),
        ({"note": 3}, "entries[0].note: 3"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, change, message):
    path = write(tmp_path / "a.json", {**DOCUMENT, "entries": [{**ENTRY, **change}]})
    with pytest.raises(UserError, match=r"a\.json") as caught:
        read_publication(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**DOCUMENT, "url": "javascript:alert(1)", "entries": []}, "https://"),
        ({**DOCUMENT, "passage_form": "page", "entries": []}, "passage_form: 'page'"),
        ({**DOCUMENT, "entries": [1]}, "entries"),
        ({**DOCUMENT, "entries": [ENTRY, ENTRY]}, "entries[1]: 'm'; expected one score"),
        (DOCUMENT, "entries"),
        ([], "a list of 0; expected a JSON object"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, document, message):
    with pytest.raises(UserError) as caught:
        read_publication(write(tmp_path / "a.json", document))
    assert message in str(caught.value)
