"""``xbench validate``, ``xbench submit`` and ``xbench import-mteb``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from xbench.cli import main
from xbench.results.validation import check, read_imported

pytestmark = pytest.mark.integration

RESULTS = ROOT / "results"
FILE = Path("xbench__bm25") / "1" / "MLQARMonolingualRetrieval.json"


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def results(tmp_path):
    """One model's results on MLQA-R's smaller tasks."""
    folder = tmp_path / "results" / FILE.parent
    folder.mkdir(parents=True)
    for name in ("MLQARMono*", "MLQARCross*", "model_meta.json", "run_settings.jsonl"):
        for path in (RESULTS / FILE.parent).glob(name):
            shutil.copy(path, folder / path.name)
    return tmp_path / "results"


def spoil(results):
    path = results / FILE
    path.write_text(path.read_text().replace('"map": 0', '"map": 100', 1))


def test_validate_accepts_sound_results(results):
    done = run("validate", results)
    assert done.exit_code == 0
    assert done.output == "2 files checked: all accepted; 0 errors, 0 warnings.\n"


def test_validate_names_what_is_wrong_and_exits_with_1(results):
    spoil(results)
    done = run("validate", results)
    assert done.exit_code == 1
    assert f"error: {FILE.as_posix()}: scores.test[0].map: found 100" in done.output


def test_validate_writes_json(results):
    spoil(results)
    done = run("validate", results, "--format", "json")
    document = json.loads(done.output)
    assert document["accepted"] is False
    assert document["findings"][0]["field"] == "scores.test[0].map"


def test_validate_of_nothing_is_an_error_of_the_user(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        done = run("validate", path)
        assert done.exit_code == 2
        assert str(path) in done.output


@pytest.mark.parametrize("part", ["", "xbench__bm25", "xbench__bm25/1", FILE])
def test_validate_takes_a_file_or_any_folder_above_it(results, part):
    done = run("validate", results / part)
    assert done.exit_code == 0
    assert re.match(r"[12] files checked: all accepted", done.output)


HOSTILE = "x`|\n@team <img src=x> [a](https://evil.example) www.evil.example #1 *b* &amp;"


def test_markdown_shows_hostile_text_as_text(results):
    path = results / FILE.parent / "model_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"reference": HOSTILE, HOSTILE: 1}))
    (results / f"{HOSTILE.replace('/', '')}.json").write_text("{}")
    done = run("validate", results, "--format", "markdown")
    assert done.exit_code == 1
    rows = [line for line in done.output.splitlines() if line.startswith("| **error**")]
    assert len(rows) >= 3
    for row in rows:
        assert re.sub(r"<code>[A-Za-z0-9 \-/=+,()&#;]*</code>", "", row) in (
            "| **error** |  |  |  |  |",
            "| **error** |  | | | |",
        )
    assert not any(mark in done.output for mark in ("@", "`", "<img", "](", "www.", "://", "*b"))


def test_validate_against_other_results_checks_and_compares_what_differs(results, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(results, base)
    shutil.copytree(RESULTS / "xbench__char-ngram", results / "xbench__char-ngram")
    (results / FILE).with_name("MLQARCrosslingualRetrieval.json").unlink()
    done = run("validate", results, "--against", base, "--format", "markdown")
    assert done.exit_code == 1  # the ranks that stay behind are a stray
    assert "removed" in done.output
    table = done.output.partition("### MLQA-R")[2]
    assert "**<code>xbench/char-ngram</code>** | 43.0 |" in table
    same = run("validate", base, "--against", base)
    assert same.exit_code == 0
    assert same.output.startswith("0 files checked")


def test_submit_writes_what_a_pull_request_needs(results, tmp_path):
    output = tmp_path / "submission"
    done = run("submit", "xbench/bm25", "--results", results, "--output", output)
    assert done.exit_code == 0
    assert "git add results/xbench__bm25/1" in done.output
    assert "No results of XQuADRMonolingualRetrieval" in done.output
    copied = {path.relative_to(output / "results") for path in output.rglob("*.json*")}
    assert copied == {path.relative_to(results) for path in results.rglob("*.json*")}
    assert all(item.accepted for item in check([output / "results"]))
    text = (output / "PULL_REQUEST.md").read_text()
    assert "| MLQA-R (mAP) | 55.3 | 9.2 |  |  |" in text
    assert "training data: none" in text
    assert "xbench evaluate --model xbench/bm25" in text.replace("&#45;", "-")


def test_the_printed_commands_work(results, tmp_path):
    output, checkout = tmp_path / "submission", tmp_path / "checkout"
    done = run("submit", results / FILE.parent, "--output", output)
    checkout.mkdir()
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)
    commands = re.findall(r"^     (.*)$", done.output, re.MULTILINE)
    assert [command.split()[:2] for command in commands][-1] == ["git", "push"]
    for command in commands[:-1]:
        command = command.replace("git commit", f"git {' '.join(identity)} commit")
        subprocess.run(command, shell=True, cwd=checkout, check=True, capture_output=True)
    listed = ["git", "ls-tree", "-r", "--name-only", "HEAD"]
    names = subprocess.run(listed, cwd=checkout, check=True, capture_output=True, text=True).stdout
    assert f"results/{FILE.as_posix()}" in names


def test_submit_into_a_checkout_asks_for_no_copy(results, tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    done = run("submit", "xbench/bm25", "--results", results, "--output", checkout)
    assert done.exit_code == 0
    assert "cp -r" not in done.output
    assert (checkout / "results" / FILE).is_file()


def test_submit_refuses_what_the_check_refuses(results, tmp_path):
    spoil(results)
    done = run("submit", "xbench/bm25", "--results", results, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "scores.test[0].map" in done.output
    assert not (tmp_path / "out").exists()


def copied(results, name):
    """Write the ranks of a model under another name."""
    folder = results / name.replace("/", "__") / "1"
    shutil.copytree(results / FILE.parent, folder, ignore=shutil.ignore_patterns("*.summary*"))
    for path in (folder / "model_meta.json", folder / "run_settings.jsonl"):
        path.write_text(path.read_text().replace("xbench/bm25", name))
    return folder


def test_submit_says_what_the_project_would_say_of_the_pull_request(results, tmp_path):
    """Of ranks of another model, say, which are found next to that model alone."""
    checkout = tmp_path / "checkout"
    shutil.copytree(RESULTS, checkout / "results")
    shutil.copytree(checkout, tmp_path / "base")
    copied(results, "acme/copy")
    done = run("submit", "acme/copy", "--results", results, "--output", checkout)
    assert done.exit_code == 1
    assert not (checkout / "results" / "acme__copy").exists()
    shutil.copytree(results / "acme__copy", checkout / "results" / "acme__copy")
    gate = run("validate", checkout / "results", "--against", tmp_path / "base" / "results")
    words = [line for line in gate.output.splitlines() if line.startswith("error")]
    assert len(words) == 2
    assert set(words) <= set(done.output.splitlines())


def test_submit_says_what_replaces_what(results, tmp_path):
    shutil.copytree(RESULTS, tmp_path / "out" / "results")
    path = results / FILE
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"evaluation_time": 1.0}))
    path.with_name("MLQARMonolingualRetrieval.summary.json.gz").unlink()
    done = run("submit", "xbench/bm25", "--results", results, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Replaced results of xbench/bm25 at 1: MLQARMonolingualRetrieval" in done.output
    assert not (tmp_path / "out/results" / FILE).with_name(f"{FILE.stem}.summary.json.gz").exists()


def test_submit_says_that_others_cannot_load_a_local_model(tmp_path):
    done = run(
        "submit", "local/all-MiniLM-L6-v2", "--results", RESULTS, "--output", tmp_path / "out"
    )
    assert done.exit_code == 0
    assert "others cannot load a model of this machine" in done.output


@pytest.mark.parametrize("name", ["none/such", "..", "xbench/bm25@2"])
def test_submit_of_an_unknown_model_is_an_error_of_the_user(results, tmp_path, name):
    (tmp_path / "empty").mkdir()
    done = run("submit", name, "--results", results, "--output", tmp_path / "out")
    assert done.exit_code == (1 if name == ".." else 2)  # a folder, of other files
    assert not (tmp_path / "out").exists()


def test_import_mteb_writes_what_the_page_reads(shared_data, tmp_path):
    output = tmp_path / "imported" / "mteb.json"
    done = run("import-mteb", shared_data / "mteb_results", "--output", output)
    assert done.exit_code == 0
    assert "202 rows from 194 of 194 files, 56 of them with every subset" in done.output
    imported = read_imported(output)
    assert len(imported.rows) == 202
    first = output.read_bytes()
    run("import-mteb", shared_data / "mteb_results", "--output", output)
    assert output.read_bytes() == first


def test_import_mteb_of_another_folder_is_an_error_of_the_user(tmp_path):
    done = run("import-mteb", tmp_path, "--output", tmp_path / "mteb.json")
    assert done.exit_code == 2
    assert "expected a clone" in done.output
    wrong = run("import-mteb", tmp_path, "--commit", "HEAD")
    assert "40 hexadecimal digits" in wrong.output
