"""What can be tested of Windows and macOS on any system: names, encodings, processes, places."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import PureWindowsPath

import pytest

from tests.commands import XBENCH
from tests.conftest import ROOT
from xbench.models.python_code import IN_FILE, IN_MODULE

POSIX = {"crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{n}{i}" for n in ("COM", "LPT") for i in range(1, 10))}
SOURCES = [
    path for room in ("xbench", "tasks", "leaderboard") for path in ROOT.glob(f"{room}/**/*.py")
]


@pytest.mark.integration
def test_no_module_needs_another_that_windows_does_not_have():
    imported = {
        (path.name, name)
        for path in SOURCES
        for node in ast.parse(path.read_text("utf-8")).body
        for name in names(node)
    }
    assert len(imported) > 500
    assert not [(path, name) for path, name in imported if name in POSIX]


def names(node):
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module.partition(".")[0]]
    return []


def test_text_files_are_opened_with_their_encoding():
    calls = [
        (path.name, node.lineno)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read_text", "write_text")
        and not any(own.arg == "encoding" for own in node.keywords)
        and len(node.args) < (1 if node.func.attr == "read_text" else 2)
    ]
    assert not calls


@pytest.mark.parametrize("path", [r"C:\models\mine.py", r"..\mine.py", r"\\server\share\mine.py"])
def test_a_file_of_windows_names_a_model(path):
    match = IN_FILE.fullmatch(f"{path}:Encoder")
    assert (PureWindowsPath(match[1]), match[2]) == (PureWindowsPath(path), "Encoder")


@pytest.mark.parametrize("folder", [r"C:\models\mine", "C:/models/mine"])
def test_a_folder_of_windows_is_no_code(folder):
    assert not IN_FILE.fullmatch(folder)
    assert not IN_MODULE.fullmatch(folder)


@pytest.mark.integration
def test_names_of_results_are_names_on_every_disk(mini_results, tmp_path):
    words = ["evaluate", "--model", "xbench/char-ngram", "-t", "XBenchMiniMultilingualRetrieval"]
    words += ["-l", "en,de", "--passage-form", "context", "--save-runs", "--variants", "dim=64"]
    done = subprocess.run([XBENCH, *words, "-o", "out"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    made = [path for folder in (mini_results, tmp_path) for path in folder.rglob("*")]
    assert len({path.name for path in made}) > 10
    for name in {path.name for path in made}:
        assert not set(name) & set('<>:"|?*\\') and name == name.rstrip(". ")
        assert name.split(".")[0].upper() not in RESERVED
    places = [str(path).casefold() for path in made]
    assert len(places) == len(set(places))


CONSOLES = {
    "windows": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
    "plain": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    "far": {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
}


def run(words, cwd, console=None):
    return subprocess.run(
        [XBENCH, *words], cwd=cwd, env=os.environ | CONSOLES.get(console, {}), capture_output=True
    )


@pytest.mark.integration
@pytest.mark.parametrize("console", ["windows", pytest.param("plain", marks=pytest.mark.slow)])
def test_every_console_shows_what_a_command_prints(console, mini_results, tmp_path):
    (tmp_path / "faq.csv").write_text(
        "id,query_de,passage_de,query_zh,passage_zh\n1,Wo?,Über hier.,哪里？,这里。\n", "utf-8"
    )
    results = ["-r", str(mini_results)]
    for words in (
        ["measures"],
        ["measures", "own_language_preference"],
        ["tasks"],
        ["data", "check", "faq.csv"],
        ["compare", "xbench/bm25", "xbench/char-ngram", *results],
        ["leaderboard", "build", *results, "-o", "Straße"],
    ):
        done = run(words, tmp_path, console)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        assert done.stdout and b"Traceback" not in done.stderr
    done = run(["data", "check", "哪里.csv"], tmp_path, console)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


@pytest.mark.slow
def test_scores_do_not_depend_on_place_and_language_of_the_machine(tmp_path):
    words = ["evaluate", "--model", "xbench/bm25", "-t", "XBenchMiniMultilingualRetrieval"]
    found = []
    for console in (None, "far"):
        folder = tmp_path / str(console)
        folder.mkdir()
        done = run([*words, "-o", "out"], folder, console)
        assert done.returncode == 0, done.stderr
        (path,) = folder.rglob("XBenchMiniMultilingualRetrieval.json")
        result = json.loads(path.read_text("utf-8"))
        found.append((result["scores"], path.with_suffix(".per_query.json.gz").read_bytes()))
    assert found[0] == found[1]


SPAWNED = """
import multiprocessing
import sys

import xbench


def evaluate(number):
    found = xbench.evaluate("xbench/char-ngram", tasks=sys.argv[1], output="out")
    return len(found.to_dataframe())


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(evaluate, range(2))
    assert first == second > 0
"""


@pytest.mark.slow
def test_two_spawned_processes_evaluate_into_one_folder(tmp_path):
    (tmp_path / "script.py").write_text(SPAWNED, "utf-8")
    words = [sys.executable, "script.py", "XBenchMiniMonolingualRetrieval"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
