"""The benchmarks of a run as one table, or two runs compared.

python -m tests.benchmarks.report NEW          print a table
python -m tests.benchmarks.report OLD NEW      compare; exit code 1 if something got slower
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from tests.benchmarks.ratios import shown

SLOWER = 0.1
"""By how much a benchmark may be slower than before, as a share."""


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the benchmarks of a run by name."""
    return {own["name"]: own for own in json.loads(path.read_bytes())["benchmarks"]}


def table(run: dict[str, dict[str, Any]]) -> str:
    """Return a line for each ratio, or for a benchmark without one."""
    lines = []
    for name, own in run.items():
        seconds, peak = own["stats"]["mean"], own["extra_info"].get("peak_mib")
        for ratio, found in (own["extra_info"].get("ratios") or {"": {}}).items():
            values, goal = found.get("values"), found.get("goal")
            lines.append([name, f"{seconds:.3g}", peak, ratio, values and shown(values), goal])
    heads = ["benchmark", "seconds", "peak MiB", "ratio of", "median (range)", "goal"]
    return tabulate(lines, heads, disable_numparse=True)


def changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield how many times as slow each benchmark has become; by its ratios if it has any.

    Ratios are of one run each, so that they can be compared where seconds depend on what else the
    machine does.
    """
    for name in old.keys() & new.keys():
        before, after = (own[name]["extra_info"].get("ratios", {}) for own in (old, new))
        for ratio in before.keys() & after.keys():
            change = np.median(after[ratio]["values"]) / np.median(before[ratio]["values"])
            lower = after[ratio]["better"] == "lower"
            yield f"{name}: {ratio}", float(change if lower else 1 / change)
        if not before:
            seconds = [own[name]["stats"]["median"] for own in (old, new)]
            yield f"{name}: seconds", seconds[1] / seconds[0]


def comparison(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, bool]:
    """Return a line for each benchmark that both runs have, and whether one got slower."""
    found = sorted(changes(old, new))
    slow = [change > 1 + SLOWER for _, change in found]
    lines = [
        [name, f"{change:.2f}", "SLOWER" if late else ""]
        for (name, change), late in zip(found, slow, strict=True)
    ]
    return tabulate(lines, ["benchmark", "times as slow", ""], disable_numparse=True), any(slow)


def main() -> int:
    runs = [read(Path(name)) for name in sys.argv[1:]]
    if len(runs) == 1:
        print(table(runs[0]))
        return 0
    text, slower = comparison(*runs)
    print(text)
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
