"""The commands that make pages and show them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from xbench.cli import main
from xbench.cli.leaderboard import NAMED


def run(*words: object):
    return CliRunner().invoke(main, ["leaderboard", *map(str, words)])


@pytest.mark.parametrize("number", [1, NAMED, NAMED + 2])
def test_files_that_are_not_used_are_named_up_to_a_number(results, tmp_path, number):
    (results / "reported").mkdir()
    names = [f"reported/{i:02}.json" for i in range(number)]
    for name in names:
        (results / name).write_text("{")
    done = run("build", "-r", results, "-o", tmp_path / "site")
    assert (done.exit_code, done.stdout) == (0, f"Page: {tmp_path / 'site' / 'index.html'}\n")
    lines = done.stderr.splitlines()
    for line, name in zip(lines, names[:NAMED], strict=False):
        assert re.fullmatch(rf"not used: {name}: .*expected JSON", line)
    assert lines[NAMED:] == (
        ["not used: 2 more files; the page excluded.html lists all"] if number > NAMED else []
    )
    assert len(lines) == min(number, NAMED + 1)


def test_a_folder_without_results_is_named(results, tmp_path):
    done = run("build", "-r", results, "-o", tmp_path / "site")
    assert done.stderr == f"{results}: no results; expected a folder that evaluate wrote\n"


def test_nothing_is_named_where_everything_is_used(tmp_path):
    done = run("build", "-r", ROOT / "results", "-o", tmp_path / "site")
    assert (done.exit_code, done.stderr) == (0, "")


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Start the command that shows the pages of an empty folder of results."""
    command = [sys.executable, "-m", "xbench", "leaderboard", "serve", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def test_serve_shows_the_pages_and_ends_with_ctrl_c(results):
    with serve("--results", str(results), "--port", "0") as process:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert b"There are no results here yet." in urlopen(address).read()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "Stopped\n", "")


def test_a_port_in_use_is_named(results):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve("--results", str(results), "--port", port) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith(f"Error: --port {port}: cannot be used")
