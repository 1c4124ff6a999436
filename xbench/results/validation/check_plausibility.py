"""Suspicious scores: possible, but worth a look before they are published."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xbench.results.command_line import shown_command
from xbench.results.findings import Notes, Plain
from xbench.results.safe_json import RESULT_LIMIT, read_object
from xbench.results.store import subset_scores

PERFECT = 0.99
"""A main score above this is suspicious."""

CHANCE = 1.5
"""A mean of the main score below this many times that of random rankings is suspicious."""

FAR = 0.1
"""A difference between the main scores of two revisions of a model from which it is suspicious."""

_HUB_PAGE = re.compile(
    r"https://huggingface\.co/(?!(?:datasets|papers|spaces|blog|collections)/)([^/]+/[^/]+)(?:/.*)?"
)

_PATH = re.compile(r"(^|[\s=\"'])(~?/|\.\.?/|[A-Za-z]:\\|file:)")


def suspect_scores(result: Mapping[str, Any], chance: float, notes: Notes) -> None:
    """Warn of main scores that are too equal, too good, or those of a random ranking.

    Args:
        result: The result file.
        chance: Mean average precision of random rankings.
        notes: Where to note.
    """
    ((split, entries),) = result["scores"].items()
    values = [entry["main_score"] for entry in entries]
    where = f"scores.{split}"
    if len(values) > 1 and len(set(values)) == 1:
        notes.warn(where, values[0], "all subsets have the same main score; check the run")
    if best := sum(value > PERFECT for value in values):
        found = Plain(f"{best} of {len(values)} main scores above {PERFECT:g}")
        notes.warn(where, found, "almost perfect retrieval; check that no test data leaked in")
    mean = float(np.mean([entry["map"] for entry in entries]))
    if mean < CHANCE * chance:
        found = Plain(f"mean map {mean:.4f}")
        notes.warn(where, found, f"random rankings give {chance:.4f}; check prompts and pooling")


def suspect_revisions(path: Path, result: Mapping[str, Any], notes: Notes) -> None:
    """Warn if another revision of the same model has far other scores on the same task."""
    home = path.parent
    others = sorted({*os.listdir(home.parent)} - {home.name})  # noqa: PTH208 - names only
    mean = _mean(result) if others else None
    for sibling in (home.parent / name / path.name for name in others):
        if not sibling.exists() or sibling.is_symlink():
            continue
        other = _mean(read_object(sibling, RESULT_LIMIT, Notes("")))
        if mean is not None and other is not None and abs(mean - other) >= FAR:
            found = Plain(f"mean main score {mean:.3f}")
            rule = (
                f"revision {sibling.parent.name[:40]} has {other:.3f}, {abs(mean - other):.3f} off"
            )
            notes.warn("scores", found, f"{rule}; check that both are the same model")


def _mean(result: Mapping[str, Any] | None) -> float | None:
    try:
        return float(np.mean([float(e["main_score"]) for e in subset_scores(result or {})]))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def suspect_meta(meta: Mapping[str, Any], notes: Notes) -> None:
    """Warn of a model that others cannot load or whose training data are not declared."""
    if meta["training_datasets"] is None:
        rule = "declare what it was trained on, [] for nothing; else its contamination is unknown"
        notes.warn("training_datasets", None, rule)
    page = _HUB_PAGE.fullmatch(meta.get("reference") or "")
    if page and page[1].casefold() not in (meta["name"].casefold(), _name(meta, "adapted_from")):
        rule = "the page of another model; check that it belongs to this one"
        notes.warn("reference", meta["reference"], rule)
    if meta["name"].startswith("local/"):
        rule = "others cannot load a model of this machine; publish it and evaluate it by its name"
        notes.warn("name", meta["name"], rule)


def _name(meta: Mapping[str, Any], field: str) -> str:
    return (meta.get(field) or "").casefold()


def suspect_settings(settings: Mapping[str, Any], notes: Notes, prefix: str) -> None:
    """Warn of paths on the submitter's machine."""
    own = settings["xbench"]
    for field, text in (
        ("command", shown_command(own["command"]) or ""),
        ("model.model", own["model"]["model"]),
    ):
        if _PATH.search(text):
            rule = "others have no such path; run the model by its public name"
            notes.warn(f"{prefix}xbench.{field}", text, rule)
