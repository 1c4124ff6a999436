"""Changed files: a thousand mutated ones, and every number and name of a sound submission."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.results.validation.fuzz import places
from tests.results.validation.pull_requests import MULTI, NEW, PullRequest, copy_of
from xbench.results.validation.report import as_text


@pytest.mark.slow
@pytest.mark.integration
def test_a_thousand_mutated_files_end_with_findings(tmp_path):
    command = [sys.executable, "-m", "tests.results.validation.fuzz", "1000"]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1000 files checked, 0 wrong" in done.stdout


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    root = tmp_path_factory.mktemp("board") / "results"
    pull = PullRequest(root)
    pull.add(meta={"reference": "https://huggingface.co/acme/new-model", "embed_dim": 384})
    pull.settings("version", "torch", "2.13.0")
    return root


FILES = ("model_meta.json", "run_settings.jsonl", f"{MULTI}.json", f"{MULTI}.per_query.json.gz")
OTHERS = {str: lambda text: f"{text[:-1]}{'x' if text[-1:] != 'x' else 'y'}", bool: lambda b: not b}


def other(value):
    """Return a value that is a little different."""
    change = OTHERS.get(type(value))
    return change(value) if change else value + 1


def set_value(document, path, value):
    *keys, last = path
    for key in keys:
        document = document[key]
    document[last] = value


def get(document, path):
    for key in path:
        document = document[key]
    return document


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("name", FILES)
def test_every_change_of_a_number_or_name_is_refused_or_shown(board, tmp_path, name):
    pull = copy_of(board, tmp_path)
    path = pull.folder / name
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    lines = (
        [json.loads(line) for line in text.splitlines()] if "jsonl" in name else [json.loads(text)]
    )
    shown = 0
    for place in places(lines[-1]):
        value = get(lines[-1], place)
        if not isinstance(value, (str, int, float)):
            continue
        set_value(lines[-1], place, other(value))
        changed = "\n".join(map(json.dumps, lines)).encode() + b"\n"
        path.write_bytes(gzip.compress(changed, 1, mtime=0) if path.suffix == ".gz" else changed)
        found = pull.check(board)
        set_value(lines[-1], place, value)
        report = as_text(found.checks, found.sentences)
        refused = any(not check.accepted for check in found.checks)
        field = next((str(key) for key in reversed(place) if isinstance(key, str)), "")
        named = field in report or f"Replaced results of {NEW}" in report
        assert refused or named, (place, report)
        shown += 1
    assert shown > 5
