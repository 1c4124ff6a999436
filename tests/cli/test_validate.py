"""``xbench validate --base``: what a pull request changes, in a real repository of git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.results.validation.pull_requests import (
    MULTI,
    NEW,
    OLD,
    REVISION,
    PullRequest,
    make_board,
    put,
)
from xbench.cli import main

pytestmark = pytest.mark.integration

ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder, *words):
    command = ["git", "-c", "protocol.file.allow=always", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=ENVIRONMENT)


def commit(folder, message="change"):
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-qm", message)


def validate(pull, *words, base="main"):
    words = ["validate", str(pull.root), "--base", base, *map(str, words)]
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    top = tmp_path_factory.mktemp("template")
    make_board(top / "results")
    git(top, "init", "-q", "-b", "main")
    commit(top)
    return top


@pytest.fixture
def pull(template, tmp_path) -> PullRequest:
    """A checkout of a branch of the board."""
    shutil.copytree(template, tmp_path / "clone")
    git(tmp_path / "clone", "switch", "-qc", "proposal")
    return PullRequest(tmp_path / "clone" / "results")


@pytest.fixture
def top(pull):
    return pull.root.parent


def test_a_sound_one_exits_with_0_and_says_what_it_is(pull, top):
    pull.add()
    commit(top)
    done = validate(pull)
    assert done.exit_code == 0, done.output
    assert f"New model {NEW} at {REVISION}" in done.output


def test_files_that_are_not_committed_yet_are_checked_too(pull):
    pull.add()
    assert f"New model {NEW}" in validate(pull).output
    (pull.folder / "run.sh").write_text("x")
    assert validate(pull).exit_code == 1


def test_what_the_branch_got_meanwhile_is_not_said_to_be_removed(pull, top):
    pull.add()
    commit(top)
    git(top, "switch", "-q", "main")
    pull.add("meanwhile/model", seed=8)
    commit(top)
    git(top, "switch", "-q", "proposal")
    done = validate(pull)
    assert done.exit_code == 0, done.output
    assert "meanwhile" not in done.output


def meanwhile(pull, top, *models, **options):
    """Add models to main, and go back to the branch."""
    git(top, "switch", "-q", "main")
    for model in models:
        pull.add(model, **options)
    commit(top)
    git(top, "switch", "-q", "proposal")


def test_what_the_branch_got_meanwhile_is_not_copied(pull, top):
    meanwhile(pull, top, "victim/model", seed=8)
    pull.add(seed=8)
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "are those of victim/model" in done.output


def test_what_the_branch_got_meanwhile_has_its_name(pull, top):
    meanwhile(pull, top, "acme/new-mode1", seed=8)
    pull.add()
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "reads like acme/new-mode1" in done.output


def test_what_the_branch_got_meanwhile_was_trained_on_what_it_says(pull, top):
    meta = {"training_datasets": ["MLQARetrieval"]}
    meanwhile(pull, top, NEW, revision="4567def", seed=8, meta=meta)
    pull.add(meta={"training_datasets": []})
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "another revision of it was trained on it" in done.output


def test_two_new_revisions_declare_the_same_training_data(pull, top):
    pull.add(meta={"training_datasets": []})
    pull.add(revision="4567def", seed=8, meta={"training_datasets": ["MLQARetrieval"]})
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "expected MLQA, too" in done.output


def test_a_run_that_is_there_is_not_added_in_another_folder(pull, top):
    def add(**options):
        folder = pull.add(OLD, experiment={"max_length": 64}, meta=trained, **options)
        pull.edit("run_settings.jsonl", put("xbench", "maximum_length", 64), folder)
        return folder

    trained = {"training_datasets": ["MLQARetrieval"]}
    git(top, "switch", "-q", "main")
    folder = add(seed=3)
    folder.rename(folder.with_name("max_length_64"))
    commit(top)
    git(top, "switch", "-q", "proposal")
    git(top, "merge", "-q", "main")
    assert validate(pull).exit_code == 0
    add(seed=9, badness=1.3)
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "the same run and task as in" in done.output


def test_a_link_in_place_of_the_results_is_refused(pull, top):
    pull.root.rename(top / "elsewhere")
    pull.root.symlink_to("elsewhere")
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert "results: found a symbolic link" in done.output


def test_replaced_and_removed_results_are_not_new(pull, top):
    pull.add(OLD, seed=1, badness=1.2, meta={"training_datasets": ["MLQARetrieval"]})
    shutil.rmtree(pull.root / "org.dots__second_model")
    commit(top)
    done = validate(pull)
    assert done.exit_code == 1
    assert f"Replaced results of {OLD}" in done.output
    assert "Removed results of org.dots/second_model" in done.output
    assert "New" not in done.output


def test_a_submodule_is_refused(pull, top, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "payload").write_text("x")
    commit(other)
    git(top, "submodule", "add", "-q", str(other), "results/evil__model")
    git(top, "commit", "-qm", "module")
    done = validate(pull)
    assert done.exit_code == 1
    assert "evil__model: found a submodule" in done.output
    assert ".gitmodules" in done.output


def test_executable_bits_and_links_are_refused(pull, top):
    pull.add()
    (pull.folder / f"{MULTI}.json").chmod(0o755)
    (pull.root / "link").symlink_to("/etc")
    commit(top)
    output = validate(pull).output
    assert "an executable file" in output
    assert "link: found a symbolic link" in output


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("README.md", 0),
        ("docs/page.md", 0),
        (".github/workflows/a.yml", 1),
        (".gitattributes", 1),
        ("conftest.py", 1),
        ("xbench/code.py", 1),
        ("results-failures/old__model/1/XQuADRMonolingualRetrieval.json.gz", 1),
        ("Results/reported/paper.json", 1),
    ],
)
def test_changes_outside_the_results_are_named(pull, top, path, code):
    pull.add()
    place = top / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("x")
    commit(top)
    done = validate(pull)
    assert done.exit_code == code
    assert f"{path}: found a change outside the results" in done.output


def test_what_cannot_be_checked_exits_with_2(pull, top, tmp_path):
    assert validate(pull, base="nothing").exit_code == 2
    assert validate(pull, base="--upload-pack=x").exit_code == 2
    git(top, "switch", "-q", "--orphan", "alone")
    pull.add()
    commit(top)
    assert validate(pull).exit_code == 2
    assert validate(PullRequest(tmp_path)).exit_code == 2


def test_a_branch_without_results_removes_all(pull, top):
    shutil.rmtree(pull.root)
    git(top, "commit", "-aqm", "gone")
    done = validate(pull)
    assert done.exit_code == 1
    assert "reported/paper.json: found removed" in done.output


def test_a_long_report_fits_a_comment_and_the_rest_is_in_a_file(pull, top, tmp_path):
    for number in range(700):
        folder = pull.root / f"evil__{'<&@' * 20}{number}" / "1"
        folder.mkdir(parents=True)
        (folder / "a.json").write_text("{}")
    for output_format in ("markdown", "text", "json"):
        report, findings = tmp_path / "report", tmp_path / "findings.json"
        words = ("--format", output_format, "--report", report, "--findings", findings)
        done = validate(pull, *words)
        assert done.exit_code == 1
        assert len(done.output) <= 60_000
        assert report.read_text() == done.output
        assert len(json.loads(findings.read_text())["findings"]) == 700
    assert "more lines; `--findings FILE`" in validate(pull, "--format", "markdown").output


def test_long_names_in_what_changes_leave_room_in_a_comment(pull, top, tmp_path):
    for number in range(60):
        folder = pull.root / f"{'_' * 200}{number}" / ("&" * 200) / ("_" * 200) / ("|" * 200)
        folder.mkdir(parents=True)
        (folder / f"{MULTI}.json").write_text("{}")
    commit(top)
    for output_format in ("markdown", "text", "json"):
        done = validate(pull, "--format", output_format)
        assert done.exit_code == 1
        assert len(done.output) <= 60_000


def test_a_check_that_is_killed_has_said_that_it_did_not_finish(pull, tmp_path):
    pull.add()
    report = tmp_path / "report.md"
    code = (
        "import os, signal, sys\n"
        "from xbench.cli import main\n"
        "from xbench.results.validation import changes\n"
        "changes.check_tasks = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main(sys.argv[1:])\n"
    )
    words = ["validate", str(pull.root), "--base", "main", "--report", str(report)]
    done = subprocess.run([sys.executable, "-c", code, *words], check=False)
    assert done.returncode < 0
    assert "did not finish" in report.read_text()


def test_a_check_that_fails_exits_with_2_and_says_so(pull, tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError("no memory")

    monkeypatch.setattr("xbench.results.validation.changes.check_tasks", fail)
    pull.add()
    report = tmp_path / "report.md"
    done = validate(pull, "--report", report)
    assert done.exit_code == 2
    assert "Could not check: MemoryError: no memory" in done.output
    assert "Could not check" in report.read_text()
