"""Rows of the public MTEB results."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from xbench.data.languages import LANGUAGES
from xbench.leaderboard.results import read_results
from xbench.results.findings import Finding
from xbench.results.imported import ISO_639_1, dataset_title, read_all_imported
from xbench.results.imported_file import ImportedRow, imported_json
from xbench.results.score_table import ScoreTable, read_score_table
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation import read_upstream, upstream_files

MIRACL = upstream_tasks()["MIRACLRetrieval"]
MLQA = upstream_tasks()["MLQARetrieval"]


def values(table: ScoreTable, average: str = ""):
    """Scores by setting, query and passage language."""
    own = table.scores[table.scores["average"] == average]
    keys = zip(own["setting"], own["query_language"], own["passage_language"], strict=True)
    return dict(zip(keys, own["value"], strict=True))


MEAN = ("monolingual", "", "")


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
    def write_and_read(*rows, excluded=()):
        (tmp_path / "imported").mkdir(exist_ok=True)
        text = imported_json(rows, excluded, "a" * 40)
        (tmp_path / "imported" / "mteb.json").write_text(text)
        return table(tmp_path)

    return write_and_read


def table(folder):
    return read_score_table([folder], [read_all_imported])


def test_a_subset_is_a_language_and_all_subsets_have_a_mean(read):
    found = read(row())
    assert found.excluded == ()
    first = found.scores.iloc[0]
    assert (first.provenance, first.model, first.revision) == ("imported", "org/model", "0123abc")
    assert set(found.scores["measure"]) == {"ndcg_at_10"}
    (run,) = found.runs.itertuples()
    assert run.title == "MTEB results at commit aaaaaaaa"
    assert values(found)["monolingual", "yo", "yo"] == row().values["yo"]
    assert values(found, "macro") == {MEAN: pytest.approx(0.585)}
    assert len(found.scores) == 18 + 1
    assert (run.zero_shot, run.n_parameters) == ("not zero-shot", 118_000_000)


def test_there_is_no_mean_where_a_subset_is_missing(read):
    own = dict(row().values)
    del own["yo"]
    found = read(row(values=own))
    assert values(found, "macro") == {}
    assert len(found.scores) == 17


def test_two_dataset_revisions_never_share_a_dataset(read):
    old, new = upstream_tasks()["XQuADRetrieval"].dataset_revisions
    task = {"task": "XQuADRetrieval", "split": "validation", "values": {"el": 0.7}}
    unknown = new[:8] + "0" * 32
    revisions = (old, new, unknown, "main")
    found = read(*(row(**task, dataset_revision=revision) for revision in revisions))
    assert set(found.scores["dataset"]) == {
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
    own = {"ara-deu": 0.25, "deu-ara": 0.75, "ara-ara": 0.5}
    found = read(row(**mlqa, split="test", values=own))
    assert values(found) == {
        ("crosslingual", "de", "ar"): 0.25,
        ("crosslingual", "ar", "de"): 0.75,
        ("monolingual", "ar", "ar"): 0.5,
    }
    assert all(title.startswith("MLQARetrieval, test @ ") for title in found.scores["dataset"])


def test_all_subsets_of_a_setting_have_a_mean(read):
    mlqa = {"task": "MLQARetrieval", "dataset_revision": MLQA.dataset_revisions[0]}
    own = {name: 0.8 if codes[0] == codes[1] else 0.4 for name, codes in MLQA.subsets.items()}
    del own["vie-zho"]
    found = read(row(**mlqa, split="test", values=own))
    assert values(found, "macro") == {MEAN: pytest.approx(0.8)}


def test_what_the_import_excluded_is_listed(read):
    finding = Finding("org__model/1/MIRACLRetrieval.json", "scores.dev", "nan", "expected a number")
    (excluded,) = read(excluded=[finding]).excluded
    assert excluded.file == finding.file
    assert excluded.reason == "scores.dev: nan: expected a number"


def test_a_damaged_file_is_named_and_the_others_are_read(read, tmp_path):
    read(row())
    (tmp_path / "imported" / "damaged.json").write_text('{"source": {}}')
    found = table(tmp_path)
    assert len(found.runs) == 1
    assert [own.file for own in found.excluded] == ["imported/damaged.json"]


def test_the_same_scores_are_never_there_twice(read, tmp_path):
    read(row())
    copy = tmp_path / "imported" / "again.json"
    copy.write_text((tmp_path / "imported" / "mteb.json").read_text())
    found = table(tmp_path)
    assert len(found.runs) == 1
    assert [own.file for own in found.excluded] == ["imported/mteb.json"]


def test_real_files_of_the_public_repository(read, shared_data):
    root = shared_data / "mteb_results"
    files = list(upstream_files(root))
    rows = [upstream for path in files for upstream in read_upstream(path, root)[0]]
    found = read(*rows)
    assert len(found.runs[["model", "revision", "dataset"]].drop_duplicates()) == len(rows) > 200
    raw = next(
        path
        for path in files
        if path.is_relative_to(root / "BAAI__bge-m3") and path.stem == "MIRACLRetrieval"
    )
    document = json.loads(raw.read_text())
    title = f"MIRACLRetrieval @ {document['dataset_revision'][:8]}"
    own = found.scores[(found.scores["dataset"] == title) & (found.scores["average"] == "")]
    own = own[(own["model"] == "BAAI/bge-m3") & (own["revision"] == raw.parent.name)]
    expected = {entry["hf_subset"]: entry["main_score"] for entry in document["scores"]["dev"]}
    assert dict(zip(own["query_language"], own["value"], strict=True)) == expected


def test_they_are_read_with_all_other_results(read, tmp_path):
    read(row())
    found = read_results([tmp_path])
    assert set(found.scores["provenance"]) == {"imported"}
    assert found.excluded == ()
