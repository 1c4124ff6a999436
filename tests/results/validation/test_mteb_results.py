"""Files of the public MTEB results repository: real ones, and made ones with each defect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mteb.get_tasks import get_task

from xbench.results.findings import Finding
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation import check, read_upstream, upstream_files

TASK = "MIRACLRetrieval"
LANGUAGES = upstream_tasks()[TASK].subsets
REVISION = upstream_tasks()[TASK].dataset_revisions[-1]


@pytest.fixture(scope="module")
def real():
    from tests.conftest import SHARED

    root = SHARED / "data" / "mteb_results"
    if not root.is_dir():
        pytest.skip("the real files of the MTEB results repository are not beside the checkout")
    return {path: read_upstream(path, root) for path in upstream_files(root)}


def named(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in findings if rule in finding.rule]


def test_every_real_file_is_read(real):
    assert len(real) == 194
    assert all(rows for rows, _ in real.values())
    assert not [f for _, findings in real.values() for f in findings if not f.warning]


def test_every_nan_in_a_real_file_is_counted(real):
    """In these files NaN stands in diagnostics only, as a search by hand showed."""
    with_nan = 0
    for path, (_, findings) in real.items():
        literals = len(re.findall(r": NaN\b", path.read_text()))
        found = named(findings, "no JSON numbers")
        assert [f.found for f in found] == (
            [f"{literals} values that are NaN or infinite"] if literals else []
        )
        with_nan += literals > 0
    assert with_nan == 60


def test_every_missing_subset_of_a_real_file_is_counted_and_blank(real):
    for path, (rows, findings) in real.items():
        expected = set(get_task(path.stem).hf_subsets)
        scores = json.loads(path.read_text())["scores"]
        missing = {
            f"scores.{split}": f"{len(expected - {e['hf_subset'] for e in entries})} of "
            f"{len(expected)} subsets missing"
            for split, entries in scores.items()
            if expected - {e["hf_subset"] for e in entries}
        }
        assert {f.field: f.found for f in named(findings, "no mean")} == missing
        assert {row.split for row in rows if not row.complete} == {
            field.removeprefix("scores.") for field in missing
        }


def test_every_other_dataset_revision_of_a_real_file_is_named_and_kept_apart(real):
    for path, (rows, findings) in real.items():
        revision = json.loads(path.read_text())["dataset_revision"]
        current = get_task(path.stem).metadata.dataset["revision"]
        known = upstream_tasks()[path.stem].dataset_revisions
        assert current in known
        found = [f for f in findings if f.field == "dataset_revision"]
        assert bool(found) == (revision != known[-1])
        assert {row.dataset_revision for row in rows} == {revision}


def test_every_real_model_without_metadata_is_named(real):
    for path, (rows, findings) in real.items():
        meta = path.with_name("model_meta.json")
        assert bool(named(findings, "size are unknown")) != meta.is_file()
        described = json.loads(meta.read_text()) if meta.is_file() else {}
        declared = described.get("training_datasets")
        expected = None if declared is None else tuple(sorted(declared))
        assert all(row.training_datasets == expected for row in rows)


def test_every_broken_subset_of_a_real_file_is_named(real):
    """Such as ara-deu of MLQARetrieval, near zero for every model at its present revision."""
    for path, (_, findings) in real.items():
        scores = json.loads(path.read_text())["scores"]
        near_zero = {
            f"scores.{split}[{number}].main_score"
            for split, entries in scores.items()
            for number, entry in enumerate(entries)
            if entry["main_score"] < 0.01
        }
        assert {f.field for f in named(findings, "almost no retrieval")} == near_zero
    broken = {
        entry["hf_subset"]
        for path in real
        if path.stem == "MLQARetrieval"
        for entry in json.loads(path.read_text())["scores"]["test"]
        if entry["main_score"] < 0.01
    }
    assert "ara-deu" in broken


def test_the_figures_of_the_real_files_are_unchanged(real):
    for path, (rows, _) in real.items():
        scores = json.loads(path.read_text())["scores"]
        for row in rows:
            given = {e["hf_subset"]: e["ndcg_at_10"] for e in scores[row.split]}
            assert row.values == given
            assert row.measure == "ndcg_at_10"


def made(root: Path, change=lambda document: None, meta=None) -> Path:
    folder = root / "org__model" / "abc"
    folder.mkdir(parents=True)
    entries = [
        {"hf_subset": a, "languages": list(codes), "main_score": v, "ndcg_at_10": v}
        for v, (a, codes) in zip((0.3 + i / 100 for i in range(18)), LANGUAGES.items(), strict=True)
    ]
    document = {
        "task_name": TASK,
        "dataset_revision": REVISION,
        "mteb_version": "2.26.24",
        "evaluation_time": 1.0,
        "kg_co2_emissions": None,
        "scores": {"dev": entries},
    }
    change(document)
    (folder / f"{TASK}.json").write_text(json.dumps(document))
    described = {"name": "org/model", "revision": "abc", "training_datasets": [], "n_parameters": 7}
    (folder / "model_meta.json").write_text(json.dumps(described | (meta or {})))
    return folder / f"{TASK}.json"


def put(*path):
    *keys, last, value = path

    def change(document):
        for key in keys:
            document = document[key]
        document[last] = value

    return change


def test_a_sound_file_has_no_finding(tmp_path):
    rows, findings = read_upstream(made(tmp_path), tmp_path)
    assert not findings
    (row,) = rows
    assert row.complete
    assert row.training_datasets == ()
    assert row.n_parameters == 7
    assert row.values["zh"] == pytest.approx(0.47)


ENTRY = ("scores", "dev", 4)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (put(*ENTRY, "main_score", float("nan")), "scores.dev[4].main_score"),
        (put(*ENTRY, "main_score", None), "scores.dev[4].main_score"),
        (put(*ENTRY, "main_score", 0.9), "scores.dev[4].main_score"),
        (put(*ENTRY, "ndcg_at_10", "0.3"), "scores.dev[4].main_score"),
        (put(*ENTRY, "languages", ["deu-Latn"]), "scores.dev[4].languages"),
        (put(*ENTRY, "hf_subset", "xx"), "scores.dev[4].hf_subset"),
        (put(*ENTRY, "hf_subset", "ar"), "scores.dev[4].hf_subset"),
    ],
    ids=["nan", "null", "another measure", "text", "languages", "unknown", "twice"],
)
def test_a_subset_without_a_sound_figure_is_blank(tmp_path, change, field):
    rows, findings = read_upstream(made(tmp_path, change), tmp_path)
    (row,) = rows
    assert "es" not in row.values
    assert not row.complete
    assert field in {finding.field for finding in findings}
    assert all(finding.warning for finding in findings)


def hundredfold(document):
    for entry in document["scores"]["dev"]:
        entry["main_score"] *= 100
        entry["ndcg_at_10"] *= 100


def all_nan(document):
    for entry in document["scores"]["dev"]:
        entry["main_score"] = float("nan")


@pytest.mark.parametrize(
    ("change", "meta", "field"),
    [
        (hundredfold, {}, "scores.dev[0].main_score"),
        (all_nan, {}, "scores"),
        (put("task_name", "MLQARetrieval"), {}, "task_name"),
        (put("dataset_revision", "../x"), {}, "dataset_revision"),
        (put("scores", {}), {}, "scores"),
        (put("scores", {"dev": [1]}), {}, "scores.dev[0]"),
        (put("scores", "dev", 0, "hf_subset", 7), {}, "scores.dev[0].hf_subset"),
        (lambda document: None, {"name": "org/another"}, "name"),
        (lambda document: None, {"revision": "def"}, "revision"),
        (lambda document: None, {"training_datasets": "x"}, "training_datasets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_whose_figures_are_in_doubt_is_left_out(tmp_path, change, meta, field):
    path = made(tmp_path, change, meta)
    rows, findings = read_upstream(path, tmp_path)
    assert not rows
    assert any(f.field.startswith(field) and not f.warning for f in findings), findings
    assert not any(item.accepted for item in check([tmp_path]))


@pytest.mark.parametrize("version", [None, "new"])
def test_an_unknown_version_is_none(tmp_path, version):
    rows, findings = read_upstream(made(tmp_path, put("mteb_version", version)), tmp_path)
    assert rows[0].mteb_version is None
    assert [finding.field for finding in findings] == ["mteb_version"]
