"""The most memory that the process has held when a benchmark ends is kept with its time."""

from __future__ import annotations

import resource

import pytest


@pytest.fixture(autouse=True)
def peak_memory(benchmark):
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    benchmark.extra_info["peak_mib"] = round(peak)
