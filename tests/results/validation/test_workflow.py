"""The workflow that reads pull requests: it executes nothing of them, and gives away nothing."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.conftest import ROOT

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
        assert writes <= {"pull-requests", "pages", "id-token"}


def test_a_pull_request_is_read_as_plain_files_of_results(workflow):
    checkouts = [step["with"] for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert all(options["persist-credentials"] is False for options in checkouts)
    foreign = [options for options in checkouts if "pull_request" in str(options)]
    assert foreign
    for options in foreign:
        assert options["sparse-checkout"] == "/results/"
        assert options["sparse-checkout-cone-mode"] is False
        assert options["path"] == "submission"
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    used = [line for line in commands.splitlines() if "submission" in line]
    assert [line.split()[:2] for line in used] == [["xbench", "validate"]]


def test_every_command_of_xbench_exists(workflow):
    from click.testing import CliRunner

    from xbench.cli import main

    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    for line in re.findall(r"^xbench .*", commands, re.MULTILINE):
        words = line.split(" >")[0].split()[1:]
        names = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
        done = CliRunner().invoke(main, [*names[:1], "--help"])
        assert done.exit_code == 0, line
        assert all(word in done.output for word in words if word.startswith("--format")), line
