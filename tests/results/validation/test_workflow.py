"""The workflow that reads pull requests: it executes nothing of them, and gives away nothing."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata

import pytest
import yaml

from tests.conftest import ROOT

WITH_TOKEN = {"comment": {"pull-requests": "write"}, "notes": {"contents": "write"}}
"""Jobs that have a token, and what it may do: comment on a pull request, write a release."""

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request):
    return yaml.safe_load(request.param.read_text())


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_action_is_pinned_to_a_commit(workflow):
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used)


def test_no_command_is_made_of_an_expression(workflow):
    assert not [step for step in steps(workflow) if "${{" in step.get("run", "")]


def test_rights_are_given_by_job_and_to_write_only_where_nothing_else_runs(workflow):
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        writes = {name for name, level in job["permissions"].items() if level == "write"}
        if writes:
            assert not any("checkout" in step.get("uses", "") for step in job["steps"])
            assert not any("pip" in step.get("run", "") for step in job["steps"])
        assert writes <= {"pull-requests", "pages", "id-token", "contents"}


@pytest.fixture
def results():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "results.yml").read_text())


def test_no_secret_is_used_but_the_token_of_the_comment(workflow):
    assert "secrets" not in str(workflow)
    for name, job in workflow["jobs"].items():
        if "github.token" in str(job):
            assert job["permissions"] == WITH_TOKEN[name]


def test_credentials_are_never_kept(workflow):
    checkouts = [step["with"] for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert all(options["persist-credentials"] is False for options in checkouts)


def test_a_pull_request_is_read_as_plain_files_of_results(results):
    checkouts = [step["with"] for step in steps(results) if "checkout" in step.get("uses", "")]
    (foreign,) = [options for options in checkouts if "pull_request" in str(options)]
    assert foreign["sparse-checkout"] == "/results/"
    assert foreign["sparse-checkout-cone-mode"] is False
    assert foreign["path"] == "submission"
    commands = "\n".join(step.get("run", "") for step in steps(results))
    used = [line.split() for line in commands.splitlines() if "submission" in line]
    assert [words[:2] for words in used] == [["git", "-C"], ["xbench", "validate"]]
    assert used[0][3] == "fetch"


def test_a_job_that_sees_a_pull_request_runs_nothing_of_it(results):
    for job in results["jobs"].values():
        if "pull_request" not in str(job.get("steps")):
            continue
        assert job["permissions"] == {"contents": "read"}
        runs = [step["run"].strip() for step in job["steps"] if "run" in step]
        installs = [line for run in runs for line in run.splitlines() if "pip" in line]
        assert installs == ["pip install -c constraints.txt ."]
        assert all("working-directory" not in step for step in job["steps"])


def test_the_report_is_posted_whatever_happens_to_the_check(results):
    check, comment = results["jobs"]["check"], results["jobs"]["comment"]
    (upload,) = [step for step in check["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    assert comment["if"].startswith("always()")
    assert "did not finish" in comment["steps"][-1]["run"]


def test_zizmor_finds_nothing():
    files = metadata.files("zizmor")
    command = next(file for file in files if file.stem == "zizmor").locate()
    done = subprocess.run(
        [command, "--offline", "--no-progress", "--format=plain", *WORKFLOWS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_zizmor_ignores_has_a_reason():
    text = (ROOT / ".github" / "zizmor.yml").read_text()
    rules = yaml.safe_load(text)["rules"]
    assert rules == {"dangerous-triggers": {"ignore": ["results.yml"]}}
    assert text.count("    # ") >= 3


def test_every_command_of_xbench_exists(workflow):
    from click.testing import CliRunner

    from xbench.cli import main

    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    for line in re.findall(r"^xbench .*", commands, re.MULTILINE):
        words = line.split(" >")[0].split()[1:]
        names = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
        names = names if names[0] == "leaderboard" else names[:1]
        done = CliRunner().invoke(main, [*names, "--help"])
        assert done.exit_code == 0, line
        assert all(word in done.output for word in words if word.startswith("--")), line
