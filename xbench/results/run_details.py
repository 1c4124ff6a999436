"""What is known of a measured run next to its scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from xbench.data.catalogue import TASKS
from xbench.results.command_line import shown_command
from xbench.results.findings import Finding, TaskCheck
from xbench.results.zero_shot import STEMS, zero_shot

MOST = 0.9
"""Share of its texts that a run must encode itself for its time to be shown."""


def part_of(check: TaskCheck) -> str:
    """Return what the title of a dataset of part of the languages ends in."""
    return f" ({', '.join(check.part)})" if check.part else ""


def run_details(check: TaskCheck, title: str) -> dict[str, Any]:
    """Return the columns of the table of runs that a result adds.

    Args:
        check: The check of the result.
        title: The dataset, as the score table names it.
    """
    meta, settings, result = check.meta or {}, check.settings or {}, check.result or {}
    own, declared = settings.get("xbench", {}), meta.get("training_datasets")
    encoding, prompts = own.get("encoding"), own.get("prompts", {})
    training_data = None if declared is None else tuple(declared)
    return {
        "n_parameters": meta.get("n_parameters"),
        "license": meta.get("license"),
        "url": meta.get("reference"),
        "training_data": training_data,
        "zero_shot": _zero_shot(check.path.stem, training_data, title),
        "command": shown_command(own.get("command")),
        "versions": settings.get("version"),
        "query_prompt": prompts.get("query"),
        "passage_prompt": prompts.get("passage"),
        "maximum_length": own.get("maximum_length"),
        "dtype": own.get("dtype"),
        "device": own.get("device"),
        "truncated": encoding["truncated"] / encoding["texts"]
        if encoding and encoding["texts"]
        else None,
        "seconds_per_1000": seconds_per_1000(encoding),
        "date": _date(result.get("date")),
        "notes": tuple(f"{w.field}: {w.found}: {w.rule}" for w in check.findings),
    }


def seconds_per_1000(encoding: Mapping[str, Any] | None) -> float | None:
    """Return the seconds for 1,000 texts of a run that encoded nearly all of its texts itself."""
    if not encoding or not encoding.get("seconds") or not encoding["encoded"]:
        return None
    if encoding["encoded"] < MOST * encoding["texts"]:
        return None
    return float(1000 * encoding["seconds"] / encoding["encoded"])


def _zero_shot(task: str, training_data: tuple[str, ...] | None, title: str) -> str:
    """Return `zero_shot`, unknown for what no name of training data is known to stand for."""
    known = task in TASKS or title.startswith(tuple(STEMS))
    return zero_shot(training_data, title) if known else "unknown"


def _date(value: object) -> str | None:
    """Return the day of a time in a result: seconds, or as mteb has it in memory and in text."""
    try:
        if isinstance(value, (int, float)):
            value = datetime.fromtimestamp(value, timezone.utc)
        elif isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (OSError, OverflowError, ValueError):
        return None
    return value.date().isoformat() if isinstance(value, datetime) else None


def explanation(check: TaskCheck, file: str) -> str:
    """Return the first errors of a check, as a reader of the list of excluded files sees them.

    Args:
        check: The check.
        file: The file they are listed under; other files are named.
    """
    errors = [finding for finding in check.findings if not finding.warning]
    listed = [_sentence(error, file) for error in errors[:2]]
    more = [f"and {len(errors) - 2} more"] if len(errors) > 2 else []
    return "; ".join([*listed, *more])


def _sentence(finding: Finding, file: str) -> str:
    where = "" if finding.file == file else finding.file.rpartition("/")[2]
    place = " ".join(part for part in (where, finding.field) if part)
    parts = (place, finding.found, finding.rule)
    return ": ".join(part for part in parts if part)
