"""A benchmark that got slower by a tenth says so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def run(path, ratio, seconds, better="higher"):
    ratios = {"ours over theirs": {"values": [ratio, ratio, 9], "better": better, "goal": None}}
    benchmarks = [
        {"name": "test_one", "stats": {"mean": 1, "median": 1}, "extra_info": {"ratios": ratios}},
        {"name": "test_two", "stats": {"mean": 1, "median": seconds}, "extra_info": {}},
    ]
    path.write_text(json.dumps({"benchmarks": benchmarks}))
    return str(path)


@pytest.mark.parametrize(
    ("ratio", "seconds", "better", "slower"),
    [
        (2.0, 1.0, "higher", []),
        (1.9, 1.05, "higher", []),
        (1.7, 1.0, "higher", ["test_one: ours over theirs"]),
        (2.3, 1.0, "lower", ["test_one: ours over theirs"]),
        (1.7, 1.0, "lower", []),
        (3.0, 1.2, "higher", ["test_two: seconds"]),
    ],
)
def test_a_tenth_slower(tmp_path, ratio, seconds, better, slower):
    files = run(tmp_path / "old", 2.0, 1.0, better), run(tmp_path / "new", ratio, seconds, better)
    command = [sys.executable, "-m", "tests.benchmarks.report", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == bool(slower), done.stderr
    found = [
        line.rsplit("  ", 2)[0].strip() for line in done.stdout.splitlines() if "SLOWER" in line
    ]
    assert [name.split("  ")[0] for name in found] == slower
