"""The first page: the default view in words and as a table, and what its scripts load.

What is here is also in ``assets/``, as the reader's choices are shown by scripts; a test compares
the two in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from xbench.leaderboard.article_sums import POOL
from xbench.leaderboard.board import Board
from xbench.leaderboard.choices import ALL, OTHER, SAME, Choice, as_data
from xbench.leaderboard.layout import OPEN_LICENCES, RANKED
from xbench.leaderboard.measures import language_name, measure_name
from xbench.leaderboard.rendering import points, size, visible
from xbench.leaderboard.views import DatasetViews

DASH = "\N{EN DASH}"

STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
"""Distances between the ticks of an axis; there are at most five."""

WEAK = 0.05
"""A leader that is less above guessing finds little, whatever the others do."""

FOLDED = 3
"""More published scores in a row are shown as one."""

FIRST = 50
"""Rows that are shown before the rest is asked for."""


class Axis:
    """An axis from 0 to the next round step above what is shown."""

    def __init__(self, top: float) -> None:
        step = next((step for step in STEPS if top / step <= 5.0001), STEPS[-1])
        self.end = min(1.0, -int(-(top / step - 1e-9) // 1) * step)
        self.ticks = [number * step for number in range(round(self.end / step) + 1)]

    def at(self, value: float) -> str:
        """Return the place of a value."""
        return f"{100 * max(0.0, min(1.0, value / self.end)):.3f}%"

    def label(self, tick: float) -> str:
        """Return a tick as it is written."""
        return f"{100 * tick:.4g}"


def models_data(board: Board) -> list[dict[str, Any]]:
    """Return what the page knows of each model, in the order of the models' numbers."""
    shown = {"slug": "slug", "name": "name", "revision": "revision", "origin": "provenance"}
    shown |= {"source": "source", "url": "url", "parameters": "n_parameters", "licence": "license"}
    models = []
    for row in board.models.to_dict("records"):
        own = {name: visible(row[column]) for name, column in shown.items()}
        own["open"] = str(row["license"] or "").lower() in OPEN_LICENCES or None
        if own["open"] is None and row["license"]:
            own["open"] = False
        if not str(own["url"] or "").startswith("https://") or not own["source"]:
            own["url"] = None
        models.append(
            {
                name: value
                for name, value in own.items()
                if name == "name" or value not in (None, "")
            }
        )
    return models


def dataset_data(
    views: DatasetViews, board: Board, folder: str, page: str, with_sums: Sequence[int]
) -> dict[str, Any]:
    """Return what the page knows of a dataset."""
    runs = board.runs[board.runs.dataset == views.title]
    states = {run: state for run, state in zip(runs.run, runs.zero_shot, strict=True)}
    return {
        "id": folder,
        "title": views.title,
        "page": page,
        "measure": measure_name(views.measure),
        "languages": views.languages,
        "default": ">".join(views.default),
        "choices": [">".join(choice) for choice in views.choices()],
        "trained": {run: state for run, state in states.items() if state != "unknown"},
        "times": _times(runs),
        "measured": len(views.runs),
        "sums": list(with_sums),
        "lifts": bool(views.lifts()),
    }


def _times(runs: pd.DataFrame) -> dict[int, list[Any]]:
    """Return how long 1,000 texts took, and on what, by number of the model."""
    timed = runs[runs.seconds_per_1000.notna()].drop_duplicates("run")
    return {
        int(row.run): [float(f"{row.seconds_per_1000:.3g}"), visible(row.device)]
        for row in timed.itertuples()
    }


def whose(choice: Choice, languages: Sequence[str]) -> str:
    """Return in words which questions a choice has."""
    if choice.query == ALL:
        return f"questions in all {len(languages)} languages"
    return f"{language_name(choice.query)} questions"


def over(choice: Choice, languages: Sequence[str]) -> str:
    """Return in words what a choice's questions are answered from."""
    if choice.passage == POOL and choice.query != ALL:
        return f"over one pool of all {len(languages)} languages"
    fixed = {
        POOL: "over one pool of them all",
        SAME: "over passages in the same language",
        OTHER: "over passages in each other language",
    }
    return fixed.get(choice.passage) or f"over {language_name(choice.passage)} passages"


def default_view(
    views: DatasetViews, models: Sequence[Mapping[str, Any]], title: str
) -> dict[str, Any]:
    """Return the default view as the template takes it."""
    choice = views.choices()[0]
    data = as_data(views.view(choice))
    rows, ordered = data["rows"], [own for own in data["references"] if not own[3]]
    top = max([0.01, *(row[3] or row[1] for row in rows), *(own[1] for own in ordered)])
    axis = Axis(top)
    lines = [_line(row, at, rows, models, axis) for at, row in enumerate(rows)]
    weak = bool(rows) and rows[0][1] - (data["chance"] or 0) < WEAK
    return {
        "title": title,
        "whose": whose(choice, views.languages),
        "over": over(choice, views.languages),
        "measure": measure_name(views.measure),
        "languages": len(views.languages),
        "data": data,
        "axis": axis,
        "rows": lines,
        "weak": weak,
        "alike": lines[1 : rows[0][7]] if rows else [],
        "body": list(_in_order(lines, ordered, models)),
        "references": [_reference(own, models) for own in ordered],
        "others": [
            _reference(own, models) | {"note": own[3]} for own in data["references"] if own[3]
        ],
        "revision": RANKED[title].revision if title in RANKED else "",
    }


def _line(
    row: Sequence[Any],
    at: int,
    rows: Sequence[Sequence[Any]],
    models: Sequence[Mapping[str, Any]],
    axis: Axis,
) -> dict[str, Any]:
    number, value, low, high, best, worst, tier, _, own, own_low, own_high = row
    model = models[number]
    organisation, short = parts_of(model["name"])
    rank = 1 + sum(other[1] > value for other in rows)
    parameters = model.get("parameters")
    known = low is not None
    return {
        "value": value,
        "model": model,
        "short": short,
        "about": " · ".join(filter(None, [organisation, revision(model)])),
        "rank": rank,
        "spread": f"{best}{DASH}{worst}" if best != worst and tier else "",
        "is_best": at < max(rows[0][7], 1),
        "cut": at > 0 and tier != rows[at - 1][6],
        "score": points(value),
        "half": points((high - low) / 2) if known else "",
        "ends": f"{points(low)}{DASH}{points(high)}" if known else "",
        "marks": (axis.at(low), axis.at(high)) if known else None,
        "dot": axis.at(value),
        "behind": points(value - rows[0][1]) if at else DASH,
        "preference": points(own, 0),
        "preference_marks": [
            f"{100 * max(0.0, end):.3f}%" for end in (own, own_low, own_high) if end is not None
        ],
        "size": size(parameters) if parameters else "none" if parameters == 0 else "not declared",
        "licence": model.get("licence", "licence not declared"),
    }


def parts_of(name: str) -> tuple[str, str]:
    """Return a model's organisation and name; a name of another form has no organisation.

    >>> parts_of("org/model"), parts_of("a model / of mine")
    (('org', 'model'), ('', 'a model / of mine'))
    """
    found = re.fullmatch(r"(?:([\w.-]+)/(?=.))?(.*)", name, re.DOTALL | re.ASCII)
    return (found[1] or "", found[2]) if found else ("", name)


def revision(model: Mapping[str, Any]) -> str:
    """Return a revision as it is shown."""
    return f"@{model['revision'][:12]}" if model.get("revision") else ""


def _reference(own: Sequence[Any], models: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    number, value, table, _ = own
    return {
        "model": {"source": "", "url": "", **models[number]},
        "value": value,
        "score": points(value),
        "table": table.replace("-", DASH),
    }


def _in_order(
    lines: Sequence[Mapping[str, Any]],
    references: Sequence[Sequence[Any]],
    models: Sequence[Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table: measured models, and runs of references between them."""
    waiting = [_reference(own, models) for own in references]

    def run(above: float) -> dict[str, Any]:
        own = [reference for reference in waiting if reference["value"] > above]
        del waiting[: len(own)]
        return {"line": None, "references": own, "folded": len(own) > FOLDED}

    for line in lines[:FIRST]:
        yield run(line["value"])
        yield {"line": line}
    yield run(-1)
