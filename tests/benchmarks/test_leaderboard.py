"""How long the figures of many models take to read, check and rank, for a page of them."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.leaderboard.sound_results import write_sound
from xbench.catalogue import BENCHMARKS
from xbench.leaderboard.figures import Key
from xbench.leaderboard.rows import read_rows
from xbench.leaderboard.standings import standings

STEPS = tuple(map(int, os.environ.get("XBENCH_BENCH_MODELS", "50,50,100").split(",")))
"""How many models are added before each timing."""

COLUMNS = (
    Key("monolingual", "map", None, "macro"),
    Key("crosslingual", "map", None, "macro"),
    Key("multilingual", "map", None, "macro"),
    Key("multilingual", "rank_distance", None, "macro"),
)


def write_model(root: Path, number: int) -> None:
    """Write the results of a model on all tasks of the real sets."""
    for task in BENCHMARKS["XBench"]:
        model, badness = f"org/model-{number}", 1 + number % 97 / 30
        write_sound(root, task, model=model, seed=number, badness=badness)


def times(folders: list[Path], cache: Path) -> tuple[float, float, int]:
    """Return the seconds to read all rows and to rank them, and how many models there are."""
    start = time.perf_counter()
    rows, left_out = read_rows(folders, cache)
    assert left_out == []
    read = time.perf_counter()
    for key in COLUMNS:
        assert len(standings(rows, key, cache)) == len(rows)
    return read - start, time.perf_counter() - read, len(rows) // 2


def test_a_page_of_many_models(benchmark, tmp_path):
    folders, cache, lines = [], tmp_path / "cache", []
    for number, step in enumerate(STEPS):
        folders.append(tmp_path / f"results-{number}")
        first = sum(STEPS[:number])
        with ProcessPoolExecutor() as pool:
            list(pool.map(write_model, [folders[-1]] * step, range(first, first + step)))
        read, ranked, models = times(folders, cache)
        again, reranked, _ = times(folders, cache)
        lines.append(
            f"{models} models, {step} of them new: read in {read:.1f} s, ranked in {ranked:.1f} s; "
            f"nothing new: {again:.1f} s and {reranked:.1f} s"
        )
        assert models == first + step
    benchmark.pedantic(lambda: times(folders, cache), rounds=1)
    size = sum(path.stat().st_size for path in cache.rglob("*")) / 2**20
    print("", *lines, f"{size:.0f} MiB of cache", sep="\n")
