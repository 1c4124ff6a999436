"""The result store: where results are, how they are written, read and summarised.

A task's results are two files. ``<Task>.json`` is mteb's; ``<Task>.per_query.json.gz`` holds the
rank of every relevant passage of every query, from which every score can be recomputed exactly. The
latter is written first, then the summary that `xbench.results.summaries` makes of it, and
``<Task>.json`` last, so that a task whose ``<Task>.json`` is there is finished.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.atomic_write import locked, write_atomically
from xbench.metrics import per_query
from xbench.metrics.effectiveness import average_precision
from xbench.results.per_query_file import PerQuery

SETTINGS_NAME = "run_settings.jsonl"
META_NAME = "model_meta.json"
EXPERIMENTS = "experiments"
"""Folder, in that of a revision, of results with other settings than the model's own."""

DAMAGED = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What reading a file that is damaged, or that someone else wrote, may raise."""


def write_result(
    folder: Path,
    result: Mapping[str, Any],
    model_meta: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> None:
    """Write mteb's result file of a task, after the model's metadata and the run's settings.

    Args:
        folder: Folder of the model and revision.
        result: mteb's `TaskResult` as a dictionary.
        model_meta: mteb's `ModelMeta` as a dictionary.
        settings: How the task was run; mteb's keys ``task``, ``splits``, ``subsets`` among them.

    Raises:
        UserError: If a file cannot be written.
    """
    write_atomically(folder / META_NAME, _json(model_meta))
    with locked(folder / ".run_settings.lock"):
        path = folder / SETTINGS_NAME
        kept = [line for line in read_settings(folder) if line.get("task") != settings["task"]]
        lines = sorted([*kept, settings], key=lambda line: str(line["task"]))
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
    write_atomically(folder / f"{result['task_name']}.json", result_content(result))


def result_content(result: Mapping[str, Any]) -> bytes:
    """Return the content of a result file."""
    return _json(_rounded(result))


def read_settings(folder: Path) -> list[dict[str, Any]]:
    """Return the settings of each task that was run, skipping lines that are damaged."""
    path = folder / SETTINGS_NAME
    lines = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def subset_scores(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the scores of each subset in a result, whose tasks have one split each.

    Raises:
        LookupError: If there is no split.
    """
    splits: list[list[dict[str, Any]]] = list(result["scores"].values())
    return splits[0]


def agree(result: Mapping[str, Any], content: PerQuery) -> bool:
    """Return whether a result's average precision is what its ranks give."""
    own: dict[str, Any] = {s["hf_subset"]: s.get("map") for s in subset_scores(result)}
    return own.keys() == content.subsets.keys() and all(
        isinstance(own[name], (int, float))
        and abs(own[name] - float(average_precision(ranks.matrix()).mean())) < 1e-5
        for name, ranks in content.subsets.items()
    )


def micro_average(content: PerQuery, measure: str = "map") -> float:
    """Return the mean of a measure over all queries of all subsets, as LAReQA reports it."""
    values = [
        per_query(ranks, multilingual=content.multilingual)[measure]
        for ranks in content.subsets.values()
    ]
    return float(np.concatenate(values).mean())


def macro_average(result: Mapping[str, Any], measure: str) -> float | None:
    """Return the mean of a measure over the subsets, or None if a subset lacks it."""
    values = [subset.get(measure) for subset in subset_scores(result)]
    if not values or any(value is None for value in values):
        return None
    return float(np.mean([float(value) for value in values if value is not None]))


def _rounded(value: Any) -> Any:  # noqa: ANN401
    """Round scores to six decimals, as mteb's result files do."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, default=str) + "\n").encode()
