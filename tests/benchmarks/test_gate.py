"""How long the check of a pull request takes, look-alikes included (`XBENCH_BENCH_MODELS`)."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.leaderboard.sound_results import ROOT, write_sound
from xbench.data.catalogue import BENCHMARKS

STEPS = tuple(map(int, os.environ.get("XBENCH_BENCH_MODELS", "1,100").split(",")))
"""How many models a pull request adds."""


def write_model(root: Path, number: int) -> None:
    """Write the results of a model on all tasks of the real sets."""
    for task in BENCHMARKS["XBench"]:
        model, badness = f"org/model-{number}", 1 + number % 97 / 30
        write_sound(root, task, model=model, seed=number, badness=badness, summary=True)


def git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)


@pytest.mark.parametrize("models", STEPS)
def test_a_pull_request(benchmark, tmp_path, models):
    """From `xbench validate results --base main` to its exit, in a clone of the real board."""
    shutil.copytree(ROOT / "results", tmp_path / "results")
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "The board")
    git(tmp_path, "checkout", "-b", "submission")
    with ProcessPoolExecutor() as pool:
        list(pool.map(write_model, [tmp_path / "results"] * models, range(models)))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "New models")

    def run():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        command = [sys.executable, "-m", "xbench", "validate", "results", "--base", "main"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return time.perf_counter() - start, processor, after.ru_maxrss / 1024

    seconds, processor, memory = benchmark.pedantic(run, rounds=1)
    print(
        f"\n{models} models: {seconds:.1f} s, {processor:.1f} s of processor time, {memory:.0f} MiB"
    )
