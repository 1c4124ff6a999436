"""The comparison of many systems on all language pairs: time and memory."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from xbench.data.groups import question_groups
from xbench.metrics import comparisons
from xbench.metrics.intervals import group_values


@pytest.mark.parametrize(("number", "rows"), [(10, 132), (30, 132)])
def test_all_pairs_of_systems_on_all_language_pairs(benchmark, number, rows):
    generator = np.random.default_rng(0)
    groups = question_groups("XQuAD-R")
    base = generator.random((rows, 1190))
    cases = [
        np.stack(
            [
                group_values(own + 0.002 * i + 0.1 * generator.random(1190), groups)
                for i in range(number)
            ],
            axis=1,
        )
        for own in base
    ]

    def every_row():
        comparisons._all_drawn.cache_clear()
        comparisons._all_drawn(48, comparisons.RESAMPLES, 0)
        with threadpool_limits(1), ThreadPoolExecutor(2) as threads:
            return list(threads.map(comparisons.pairwise_tests, cases))

    benchmark.pedantic(every_row, rounds=3, warmup_rounds=1)
    tracemalloc.start()
    every_row()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    benchmark.extra_info.update(peak_mib=round(peak))
    print(
        f"\n{number} systems × {rows} rows × 10,000 resamples of 48 articles: "
        f"{benchmark.stats.stats.mean:.2f} s, {peak:.0f} MiB"
    )
