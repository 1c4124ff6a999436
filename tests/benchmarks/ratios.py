"""Ratios of timings that were taken in turns, as benchmarks record and compare them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

TURNS = 5


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turns(one: Callable[[], Any], other: Callable[[], Any], turns: int = TURNS) -> list[float]:
    """Return the seconds of one over those of the other, which run after each other each turn."""
    return [seconds(one) / seconds(other) for _ in range(turns)]


def record(
    benchmark: Any,
    name: str,
    values: Sequence[float],
    better: Literal["higher", "lower"],
    goal: float | None = None,
) -> None:
    """Keep a ratio with the benchmark, from where the table and the comparison read it."""
    ratios = benchmark.extra_info.setdefault("ratios", {})
    values = [round(float(value), 4) for value in values]
    ratios[name] = {"values": values, "better": better, "goal": goal}


def shown(values: Sequence[float]) -> str:
    """Return the median of some ratios, and their range if there are several.

    >>> shown([1.2, 1.1, 1.5])
    '1.20 (1.10-1.50)'
    """
    middle = f"{np.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f}-{max(values):.2f})"
