"""``index.json``: the whole board in one file, for other programs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xbench import __version__
from xbench.leaderboard.board import Board, Standings
from xbench.leaderboard.layout import RANKED
from xbench.leaderboard.model_pages import per_query_file
from xbench.leaderboard.pages import dataset_path

FORMAT = 1
"""Version of the fields."""

MODEL = ("provenance", "source", "model", "revision", "passage_form", "settings")
ABOUT = ("n_parameters", "license", "url", "training_data")
MEAN = (
    "dataset",
    "setting",
    "measure",
    "average",
    "value",
    "low",
    "high",
    "n_questions",
    "table",
    "note",
)
HOW = (
    *("dataset", "setting", "task", "zero_shot", "command", "versions", "query_prompt"),
    *("passage_prompt", "maximum_length", "dtype", "device", "truncated"),
    *("seconds_per_1000", "date", "file"),
)


def index_json(
    board: Board, standings: Standings, datasets: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """Return all models with their means, ranks and runs, and where everything else is.

    Args:
        board: What pages show.
        standings: Standings of the means.
        datasets: What the first page knows of each dataset, by title.
    """
    scores = board.scores[(board.scores.query_language == "") & (board.scores.average != "")]
    scores = scores[scores.passage_language == ""]
    means, runs = defaultdict(list), defaultdict(list)
    for row in scores.to_dict("records"):
        own = _present(row, MEAN)
        standing = standings.get((row["dataset"], row["setting"], row["measure"]), {})
        if row["average"] == "macro" and row["run"] in standing:
            place = standing[row["run"]]
            own |= {"rank": place.rank, "rank_low": place.low, "rank_high": place.high}
            own |= {"tier": place.tier} if place.tier else {}
        means[row["run"]].append(own)
    for row in board.runs.to_dict("records"):
        own = _present(row, HOW)
        if row["provenance"] == "measured":
            own["per_query_file"] = per_query_file(str(row["file"]))
            if row["dataset"] in RANKED:
                own["dataset_revision"] = RANKED[row["dataset"]].revision
        runs[row["run"]].append(own)
    models = [
        _present(row, (*MODEL, *ABOUT))
        | {
            "page": f"models/{row['slug']}.html",
            "scores": {kind: f"data/{row['slug']}.{kind}" for kind in ("csv", "json")},
            "means": means[number],
            "runs": runs[number],
        }
        for number, row in zip(board.models.index, board.models.to_dict("records"), strict=True)
    ]
    listed = [
        {"title": title, "page": dataset_path(title)} | _views(datasets.get(title))
        for title in board.titles
    ]
    document = {"format": FORMAT, "xbench": __version__, "datasets": listed, "models": models}
    return (json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _views(about: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the first page shows of a dataset: its choices, and the file of each."""
    if about is None:
        return {}
    known = {name: about[name] for name in ("measure", "languages", "default")}
    names = {choice: choice.replace(">", "-") for choice in about["choices"]}
    return known | {"views": {c: f"views/{about['id']}-{n}.js" for c, n in names.items()}}


def _present(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some fields of a row that are known."""
    values = {name: row[name] for name in names}
    return {
        n: v for n, v in values.items() if v is not None and v is not pd.NA and v == v and v != ""
    }
