"""The bootstrap of the largest table, and the tiers of a table of models."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from xbench.metrics import statistics
from xbench.metrics.statistics import bootstrap, tiers


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_bootstrap_of_all_language_pairs(benchmark, missing):
    generator = np.random.default_rng(0)
    values = generator.random((1190, 132))
    values[generator.random(values.shape) < missing] = np.nan

    def cold():
        statistics._drawn.cache_clear()
        return bootstrap(values)

    benchmark.pedantic(cold, rounds=3, warmup_rounds=1)
    statistics._drawn.cache_clear()
    tracemalloc.start()
    bootstrap(values)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    benchmark.extra_info.update(peak_mib=round(peak))
    print(
        f"\n10,000 resamples of 1,190 questions × 132 subsets, {missing:.0%} missing: "
        f"{benchmark.stats.stats.mean:.2f} s, {peak:.0f} MiB"
    )


@pytest.mark.parametrize("number", [20, 60])
def test_tiers_of_a_table(benchmark, number):
    generator = np.random.default_rng(0)
    base = generator.random((1190, 110))
    models = [base + 0.002 * i + 0.1 * generator.random(base.shape) for i in range(number)]
    found = benchmark.pedantic(lambda: tiers(models), rounds=1)
    print(f"\n{number} models, {max(found)} tiers: {benchmark.stats.stats.mean:.2f} s")
