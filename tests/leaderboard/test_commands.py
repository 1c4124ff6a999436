"""The commands that make pages and show them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from xbench.cli import main
from xbench.cli.leaderboard import NAMED
from xbench.leaderboard.serving import server

pytestmark = pytest.mark.integration


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
    assert done.exit_code == 0, "a board may begin without any"


def test_nothing_does_not_replace_pages(results, tmp_path):
    assert run("build", "-r", ROOT / "results", "-o", tmp_path / "site").exit_code == 0
    before = (tmp_path / "site" / "index.html").read_bytes()
    done = run("build", "-r", results, "-o", tmp_path / "site")
    assert done.exit_code == 2
    assert f"{results}: no results; expected a folder that evaluate wrote" in done.output
    assert (tmp_path / "site" / "index.html").read_bytes() == before


def test_nothing_is_named_where_everything_is_used(tmp_path):
    done = run("build", "-r", ROOT / "results", "-o", tmp_path / "site")
    assert (done.exit_code, done.stderr) == (0, ""), done.exception


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Start the command that shows the pages of an empty folder of results.

    Ctrl-C reaches it also where the tests run in the background, whose processes ignore it.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "xbench", "leaderboard", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_serve_shows_the_pages_and_ends_with_ctrl_c(results):
    with serve("--results", str(results), "--port", "0") as process:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert b"There are no results here yet." in urlopen(address).read()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "Stopped\n", "")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "", None])
def test_a_foreign_host_is_refused_and_folders_are_not_listed(tmp_path, host):
    (tmp_path / "data").mkdir()
    (tmp_path / "index.html").write_text("ours")
    with server(tmp_path, 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        port = running.server_port

        def answer(path: str, name: str | None) -> tuple[int, bytes]:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.putrequest("GET", path, skip_host=True)
            if name is not None:
                connection.putheader("Host", name)
            connection.endheaders()
            response = connection.getresponse()
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            return response.status, response.read()

        assert answer("/", f"localhost:{port}") == (200, b"ours")
        assert answer("/data/", f"127.0.0.1:{port}")[0] == 404
        status, content = answer("/", host and host.format(port=port))
        assert status == 421
        assert b"ours" not in content
        running.shutdown()


def test_a_private_board_says_so_and_has_no_page_on_submissions(results, sound, tmp_path):
    sound("XQuADRMonolingual")
    done = run("build", "-r", results, "-o", tmp_path / "site", "--private")
    assert done.exit_code == 0
    assert (tmp_path / "site" / "robots.txt").read_text() == "User-agent: *\nDisallow: /\n"
    assert not (tmp_path / "site" / "submit.html").exists()
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text()
        assert '<meta name="robots" content="noindex, nofollow">' in text
        assert "A private board" in text
        assert "submit.html" not in text
    run("build", "-r", results, "-o", tmp_path / "site")
    assert not (tmp_path / "site" / "robots.txt").exists()
    assert "A private board" not in (tmp_path / "site" / "index.html").read_text()


def test_a_port_in_use_is_named(results):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve("--results", str(results), "--port", port) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith(f"Error: --port {port}: cannot be used")
