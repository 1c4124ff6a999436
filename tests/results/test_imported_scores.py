"""Rows of the public MTEB results."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from xbench.data.languages import LANGUAGES
from xbench.leaderboard.figures import Key
from xbench.leaderboard.imported import ISO_639_1, dataset_title, read_all_imported
from xbench.leaderboard.rows import read_rows
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation import (
    Finding,
    ImportedRow,
    imported_json,
    read_upstream,
    upstream_files,
)

MIRACL = upstream_tasks()["MIRACLRetrieval"]
MLQA = upstream_tasks()["MLQARetrieval"]
MEAN = Key("monolingual", "ndcg_at_10", None, "macro")


def row(**fields):
    values = {name: 0.5 + i / 100 for i, name in enumerate(MIRACL.subsets)}
    base = ImportedRow(
        model="org/model",
        model_revision="0123abc",
        task="MIRACLRetrieval",
        dataset_revision=MIRACL.dataset_revisions[-1],
        split="dev",
        mteb_version="1.12.0",
        measure="ndcg_at_10",
        values=values,
        training_datasets=("MIRACLReranking",),
        n_parameters=118_000_000,
    )
    return replace(base, **fields)


@pytest.fixture
def read(tmp_path):
    def write_and_read(*rows, left_out=()):
        (tmp_path / "imported").mkdir(exist_ok=True)
        text = imported_json(rows, left_out, "a" * 40)
        (tmp_path / "imported" / "mteb.json").write_text(text)
        return read_all_imported([tmp_path])

    return write_and_read


def test_a_subset_is_a_language_and_all_subsets_have_a_mean(read):
    (own,), left_out = read(row())
    assert left_out == []
    assert (own.origin, own.model, own.revision) == ("imported", "org/model", "0123abc")
    assert own.publication.title == "MTEB results at commit aaaaaaaa"
    assert own.figures[Key("monolingual", "ndcg_at_10", "yo")].value == row().values["yo"]
    assert own.figures[MEAN].value == pytest.approx(0.585)
    assert len(own.figures) == 18 + 1
    assert own.details.zero_shot == "not zero-shot"
    assert own.details.n_parameters == 118_000_000


def test_there_is_no_mean_where_a_subset_is_missing(read):
    values = dict(row().values)
    del values["yo"]
    (own,), _ = read(row(values=values))
    assert MEAN not in own.figures
    assert len(own.figures) == 17


def test_two_dataset_revisions_never_share_a_dataset(read):
    old, new = upstream_tasks()["XQuADRetrieval"].dataset_revisions
    task = {"task": "XQuADRetrieval", "split": "validation", "values": {"el": 0.7}}
    unknown = new[:8] + "0" * 32
    revisions = (old, new, unknown, "main")
    rows, _ = read(*(row(**task, dataset_revision=revision) for revision in revisions))
    assert {own.dataset for own in rows} == {
        f"XQuADRetrieval @ {old[:8]}",
        f"XQuADRetrieval @ {new[:8]}",
        f"XQuADRetrieval @ {unknown}",
        "XQuADRetrieval @ main",
    }


def test_every_known_revision_and_split_has_a_title_of_its_own():
    places = [
        (name, revision, split)
        for name, task in upstream_tasks().items()
        for revision in (*task.dataset_revisions, "main")
        for split in task.splits
    ]
    titles = {
        dataset_title(row(task=name, dataset_revision=revision, split=split))
        for name, revision, split in places
    }
    assert len(titles) == len(places)


def test_every_language_of_the_tasks_has_a_name():
    codes = {code for t in upstream_tasks().values() for own in t.subsets.values() for code in own}
    assert {ISO_639_1[code.partition("-")[0]] for code in codes} <= set(LANGUAGES)


def test_of_two_languages_the_second_asks(read):
    mlqa = {"task": "MLQARetrieval", "dataset_revision": MLQA.dataset_revisions[0]}
    values = {"ara-deu": 0.25, "deu-ara": 0.75, "ara-ara": 0.5}
    (own,), _ = read(row(**mlqa, split="test", values=values))
    assert {key: figure.value for key, figure in own.figures.items()} == {
        Key("crosslingual", "ndcg_at_10", "de", None, "ar"): 0.25,
        Key("crosslingual", "ndcg_at_10", "ar", None, "de"): 0.75,
        Key("monolingual", "ndcg_at_10", "ar"): 0.5,
    }
    assert own.dataset.startswith("MLQARetrieval, test @ ")


def test_all_subsets_of_a_setting_have_a_mean(read):
    mlqa = {"task": "MLQARetrieval", "dataset_revision": MLQA.dataset_revisions[0]}
    values = {name: 0.8 if codes[0] == codes[1] else 0.4 for name, codes in MLQA.subsets.items()}
    del values["vie-zho"]
    (own,), _ = read(row(**mlqa, split="test", values=values))
    assert own.figures[MEAN].value == pytest.approx(0.8)
    assert Key("crosslingual", "ndcg_at_10", None, "macro") not in own.figures


def test_what_the_import_left_out_is_listed(read):
    finding = Finding("org__model/1/MIRACLRetrieval.json", "scores.dev", "nan", "expected a number")
    _, (left_out,) = read(left_out=[finding])
    assert left_out.file == finding.file
    assert left_out.reason == "scores.dev: nan: expected a number"


def test_a_damaged_file_is_named_and_the_others_are_read(read, tmp_path):
    read(row())
    (tmp_path / "imported" / "damaged.json").write_text('{"source": {}}')
    rows, (left_out,) = read_all_imported([tmp_path])
    assert len(rows) == 1
    assert left_out.file == "imported/damaged.json"


def test_the_same_figures_never_stand_twice(read, tmp_path):
    read(row())
    copy = tmp_path / "imported" / "again.json"
    copy.write_text((tmp_path / "imported" / "mteb.json").read_text())
    rows, (left_out,) = read_all_imported([tmp_path])
    assert len(rows) == 1
    assert left_out.file == "imported/mteb.json"


def test_real_files_of_the_public_repository(read, shared_data):
    root = shared_data / "mteb_results"
    files = list(upstream_files(root))
    found = [upstream for path in files for upstream in read_upstream(path, root)[0]]
    rows, _ = read(*found)
    assert len(rows) == len(found) > 200
    path = root / "BAAI__bge-m3"
    raw = next(p for p in files if p.is_relative_to(path) and p.stem == "MIRACLRetrieval")
    document = json.loads(raw.read_text())
    own = next(
        r
        for r in rows
        if r.model == "BAAI/bge-m3"
        and r.revision == raw.parent.name
        and r.dataset == f"MIRACLRetrieval @ {document['dataset_revision'][:8]}"
    )
    for entry in document["scores"]["dev"]:
        key = Key("monolingual", "ndcg_at_10", entry["hf_subset"])
        assert own.figures[key].value == entry["main_score"]


def test_rows_of_all_origins_are_read_together(read, tmp_path):
    read(row())
    rows, left_out = read_rows([tmp_path])
    assert [own.origin for own in rows] == ["imported"]
    assert left_out == []
