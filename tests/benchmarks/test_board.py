"""How fast the first page of many models opens, and how fast it shows another choice."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.leaderboard.made_tables import joined, of_models
from xbench.leaderboard.results import read_results
from xbench.leaderboard.site import site_files
from xbench.results.score_table import ScoreTable

pytest.importorskip("tests.leaderboard.test_browser", exc_type=ImportError)

from tests.leaderboard.test_browser import ROOT, Browser

MODELS = tuple(map(int, os.environ.get("XBENCH_BENCH_MODELS", "50,500").split(",")))
CHOICES = ("#q=ar", "#q=ar&a=de", "#d=mlqa-r", "#d=mlqa-r&q=en&a=same", "#size=600", "")


def board_of(number: int) -> ScoreTable:
    """Return as many models as given, with the scores of a real one and some noise."""
    real = of_models(read_results([ROOT / "results"]), ["xbench/bm25"])
    noise = np.random.default_rng(0).uniform(0.5, 1, number)
    copies = []
    for at, factor in enumerate(noise):
        named = {"model": f"org/some-multilingual-model-{at}"}
        scores = real.scores.assign(**named, value=real.scores.value * factor)
        copies.append(replace(real, scores=scores, runs=real.runs.assign(**named)))
    return joined(*copies)


@pytest.mark.parametrize("number", MODELS)
def test_many_models_in_a_browser(benchmark, tmp_path, number):
    start = time.perf_counter()
    for name, content in site_files(board_of(number)):
        if name.startswith(("index", "assets", "views", "data/board", "sums")):
            (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "site" / name).write_bytes(content)
    built = time.perf_counter() - start
    browser = Browser(tmp_path / "site", tmp_path / "profile")
    try:
        opening = []
        for _ in range(5):
            browser.driver.get("about:blank")
            browser.driver.get(f"{browser.root}/index.html")
            browser.settled()
            script = "return performance.getEntriesByName('shown')[0].startTime"
            opening.append(browser.run(script))
        changes = []
        for choice in CHOICES * 2:
            script = """const [address, done] = arguments;
              const start = performance.now();
              history.pushState(null, "", address || location.pathname);
              const drawn = () => document.body.offsetHeight && done(performance.now() - start);
              changed().then(drawn)"""
            changes.append(browser.driver.execute_async_script(script, choice))
        site = tmp_path / "site"
        names = ["index.html", "data/board.js", "views/xquad-r-all-pool.js"]
        first = [site / name for name in names] + [
            *site.glob("assets/*.js"),
            site / "assets/board.css",
        ]
        size = sum(path.stat().st_size for path in first) / 2**20
    finally:
        browser.driver.quit()
    benchmark.pedantic(lambda: None, rounds=1)
    half = len(CHOICES)
    print(
        f"\n{number} models: built in {built:.0f} s; {size:.2f} MiB before anything is asked for; "
        f"opens in {np.median(opening):.0f} ms (median of 5)\n"
        f"a change of choice, its file not loaded yet: {[round(ms) for ms in changes[:half]]} ms; "
        f"loaded: {[round(ms) for ms in changes[half:]]} ms"
    )
