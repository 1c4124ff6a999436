"""The built wheel in an environment without the checkout."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.integration

SOURCES = ("LICENSE", "README.md", "pyproject.toml", "xbench", "tasks", "leaderboard")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources, so that the checkout stays clean."""
    place = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, place / name)
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."]
    subprocess.run([sys.executable, *command], cwd=place, check=True, capture_output=True)
    return next((place / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new environment with the wheel; the dependencies are those of the running one.

    A .pth file names the folder of the dependencies; .pth files inside that folder, through which
    the checkout is installed, are not read there.
    """
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True, capture_output=True)
    (own,) = place.glob("lib/python*/site-packages")
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return place


def test_the_wheel_holds_the_packages_and_their_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "xbench/py.typed",
        "xbench/data/question_groups.json",
        "xbench/tasks/data/mini.jsonl",
        "xbench/leaderboard/templates/overview.html",
        "xbench/leaderboard/assets/style.css",
        "xbench/training/configs/xlm-r.yaml",
        "xbench/training/templates/card.md",
        "xbench/results/upstream_tasks.json",
        "xbench/cli/evaluate.py",
        "xbench/models/lookup.py",
        "xbench/models/baselines/bm25.py",
    ):
        assert name in names
    assert not [name for name in names if name.startswith(("tasks/", "leaderboard/", "tests/"))]


def test_every_module_of_the_checkout_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, package in (
        ("xbench", "xbench"),
        ("tasks", "xbench/tasks"),
        ("leaderboard", "xbench/leaderboard"),
    ):
        for path in (ROOT / folder).rglob("*.py"):
            assert f"{package}/{path.relative_to(ROOT / folder).as_posix()}" in names


@pytest.mark.slow
def test_evaluate_and_build_the_page(environment, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [environment / "bin" / "xbench", *arguments],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "XBENCH_CACHE_DIR": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
        )

    for model in ("xbench/bm25", "xbench/char-ngram"):
        outcome = run("evaluate", "--model", model, "--benchmark", "XBenchMini")
        assert outcome.returncode == 0, outcome.stderr
    outcome = run("leaderboard", "build")
    assert outcome.returncode == 0, outcome.stderr
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "xbench/bm25" in page
    assert "xbench/char-ngram" in page
    where = subprocess.run(
        [environment / "bin" / "python", "-c", "import xbench.tasks; print(xbench.tasks.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(environment)
