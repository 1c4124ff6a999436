"""How long the pages of many models take to build, and again over the same folder."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.leaderboard.sound_results import write_sound
from xbench.data.catalogue import BENCHMARKS
from xbench.leaderboard import build_site

STEPS = tuple(map(int, os.environ.get("XBENCH_BENCH_MODELS", "50,50,100").split(",")))
"""How many models are added before each timing."""


def write_model(root: Path, number: int) -> None:
    """Write the results of a model on all tasks of the real sets."""
    for task in BENCHMARKS["XBench"]:
        model, badness = f"org/model-{number}", 1 + number % 97 / 30
        write_sound(root, task, model=model, seed=number, badness=badness, summary=True)


def seconds(folders: list[Path], output: Path) -> float:
    start = time.perf_counter()
    build_site(folders, output)
    return time.perf_counter() - start


def test_a_board_of_many_models(benchmark, tmp_path):
    folders, lines = [], []
    for number, step in enumerate(STEPS):
        folders.append(tmp_path / f"results-{number}")
        first, output = sum(STEPS[:number]), tmp_path / f"site-{number}"
        with ProcessPoolExecutor() as pool:
            list(pool.map(write_model, [folders[-1]] * step, range(first, first + step)))
        new = seconds(folders, output)
        again = seconds(folders, output)
        pages = len(list((output / "models").iterdir()))
        lines.append(
            f"{first + step} models: {new:.1f} s; again: {again:.1f} s; {pages} model pages"
        )
        assert pages >= first + step
    benchmark.pedantic(lambda: seconds(folders, output), rounds=1)
    overview = (output / "index.html").stat().st_size / 1e6
    print("", *lines, f"overview {overview:.2f} MB", sep="\n")
