"""Results in the forms of other tools: CSV, Parquet, mteb's results repository, model cards."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS
from xbench.results.loading import Results
from xbench.results.store import META_NAME, SETTINGS_NAME

CARD_MEASURES = {
    "map": "mAP",
    "ndcg_at_10": "nDCG@10",
    "recall_at_10": "Recall@10",
    "rank_distance": "Rank distance",
}
"""Means that a model card has, by the name of the measure, and how the card calls them."""

DECIMALS = 6
"""Decimals of the scores in a model card, as in mteb's result files."""


def as_csv(results: Results) -> bytes:
    """Return every score as CSV, a row each, with the columns of `Results.to_dataframe`."""
    text: str = results.to_dataframe().to_csv(index=False, lineterminator="\n")
    return text.encode()


def as_parquet(results: Results) -> bytes:
    """Return every score as a Parquet file, a row each."""
    content = io.BytesIO()
    results.to_dataframe().to_parquet(content, index=False)
    return content.getvalue()


def write_mteb(results: Results, output: Path) -> int:
    """Copy result files to where mteb's `ResultCache` and results repository have them.

    Args:
        results: What to export; only measured results are files of their own.
        output: The folder that a `ResultCache` is made of: files are in ``results`` below it.

    Returns:
        How many results were written.

    Raises:
        UserError: If there is no measured result, or a file cannot be written.
    """
    measured = _measured(results)
    runs = dict.fromkeys((results.files[file].parent, Path(file).parent) for file in measured)
    for source, place in runs:
        for name in (META_NAME, SETTINGS_NAME):
            if (source / name).is_file():
                _copy(source / name, output / "results" / place / name)
    for file in measured:
        _copy(results.files[file], output / "results" / file)
    return len(measured)


def _measured(results: Results) -> list[str]:
    scores = results.to_dataframe(["provenance", "file"])
    files = list(dict.fromkeys(scores["file"][scores["provenance"] == "measured"]))
    if not files:
        raise UserError(
            "no measured results there: reported and imported scores have no result files; name a "
            "folder that `xbench evaluate` or mteb wrote"
        )
    return [file for file in files if results.files[file].is_file()]


def _copy(source: Path, target: Path) -> None:
    if not (target.exists() and target.samefile(source)):
        write_atomically(target, source.read_bytes())


def model_index(results: Results) -> str:
    """Return the evaluation block of a model's card on the hub, as YAML.

    It has the means of each task, and the main score of each query language. Values are those of
    the result files, not in per cent.

    Args:
        results: Measured results of one model and revision; what was run with other settings than
            the model's own is skipped.

    Raises:
        UserError: If there are none, or several models.
    """
    from huggingface_hub import EvalResult, ModelCardData

    scores = results.to_dataframe()
    own = scores[
        (scores["provenance"] == "measured")
        & (scores["settings"] == "")
        & (scores["passage_form"] == "sentence")
    ]
    models = own[["model", "revision"]].drop_duplicates()
    if len(models) != 1:
        named = ", ".join(
            f"{model}@{revision}" for model, revision in models.itertuples(index=False)
        )
        raise UserError(
            f"a model card is of one model; there are {named or 'none with its own settings'}. "
            "Name the folder of one model's revision"
        )
    entries = [
        EvalResult(**entry)
        for file, rows in own.groupby("file", observed=True, sort=False)
        for entry in _entries(rows, json.loads(results.files[str(file)].read_bytes()))
    ]
    card = ModelCardData(model_name=models["model"].iloc[0], eval_results=entries)
    return f"{card.to_yaml()}\n"


def _entries(rows: pd.DataFrame, result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entries of a task: its means, then each subset of one query language.

    The hub takes entries of the same dataset, configuration and split as one, so that the
    configuration names the setting.
    """
    task, title, setting = (rows[name].iloc[0] for name in ("task", "dataset", "setting"))
    source = TASKS[task][0] if task in TASKS else None
    main = source.main_score if source else "main_score"
    about = {
        "task_type": "Retrieval",
        "task_name": task,
        "dataset_type": (source.hub or source.folder) if source else title,
        "dataset_split": source.split if source else next(iter(result["scores"])),
        "dataset_revision": result["dataset_revision"],
    }
    means = rows[(rows["average"] == "macro") & (rows["query_language"] == "")]
    values = dict(zip(means["measure"], means["value"], strict=True))
    wanted = CARD_MEASURES if source else {main: main}
    for measure in sorted((m for m in wanted if m in values), key=lambda name: name != main):
        yield {
            **about,
            "dataset_name": f"{title}, {setting}",
            "dataset_config": setting,
            "metric_type": measure,
            "metric_name": f"{wanted[measure]}, mean over subsets",
            "metric_value": round(float(values[measure]), DECIMALS),
        }
    subsets = rows[(rows["average"] == "") & (rows["measure"] == main)]
    for subset, value in zip(subsets["subset"], subsets["value"], strict=True):
        if setting != "crosslingual":
            yield {
                **about,
                "dataset_name": f"{title}, {setting}, {subset}",
                "dataset_config": f"{setting}-{subset}",
                "metric_type": main,
                "metric_name": wanted.get(main, main),
                "metric_value": round(float(value), DECIMALS),
            }
