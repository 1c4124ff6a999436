"""Scores of a model on an evaluation of a study, one value per question, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xbench.analysis.compared_models import Sample, TaskValues, task_values
from xbench.data.datasets import MTOP, PARALLEL_DATASETS, Dataset, Setting
from xbench.data.download import DataLocation
from xbench.metrics import FloatArray, PoolRanks, intervals
from xbench.results.per_query_file import PerQuery
from xbench.search.ranked_lists import RankedLists
from xbench.tasks import TASK_CLASSES, ParallelCorpusRetrieval
from xbench.training.config import PREFERENCE, RANK_DISTANCE
from xbench.training.evaluator import LOWER_IS_BETTER, ModelInTraining
from xbench.training.studies.evaluations import LAREQA, DatasetEvaluation, Evaluation

DIGITS = 6
"""Digits after the point that a value is kept with."""

OVERLAP = "top_10_overlap"
"""Share of the first ten passages of a query that it keeps when it is changed."""

ACROSS = "crosslingual_map"
"""Score whose means by pair of languages are kept."""

Scores = dict[str, Any]


def dataset_of(evaluation: DatasetEvaluation) -> Dataset:
    """Return the dataset of an evaluation."""
    known = (*PARALLEL_DATASETS, MTOP)
    return next(dataset for dataset in known if dataset.title == evaluation.dataset)


def measure(
    model: ModelInTraining,
    evaluation: DatasetEvaluation,
    location: DataLocation,
    batch_size: int = 32,
) -> Scores:
    """Measure a model.

    Args:
        model: The model. Passages that this object encoded for another evaluation are not encoded
            again.
        evaluation: What to measure it on.
        location: Where the data is.
        batch_size: Texts encoded at once.

    Returns:
        ``questions``, the ids, and ``scores`` by name: ``value``, the macro mean over subsets;
        ``questions``, one value per question whose mean it is; ``languages``, the mean of each
        query language; of a mAP also ``by_language``, one value per question for each query
        language, and of the cross-lingual one ``pairs``, the mean of each pair of languages.
        Changed queries also have `OVERLAP`.

    Raises:
        UserError: If the data is missing or the model misbehaves.
    """
    with forward_passes(model, evaluation):
        found = [
            _values(model, evaluation, draw, location, batch_size)
            for draw in range(evaluation.worst_of)
        ]
    scores: dict[str, dict[str, Any]] = {}
    ids: list[str] = sorted({name for own in found[0].values() for name in own.questions})
    for name, (setting, measured) in named_measures(dataset_of(evaluation)).items():
        sample = _worst([own[setting].sample(measured) for own in found], name)
        questions = found[0][setting].questions
        by_language = _by_language(found, setting, measured, name)
        scores[name] = {
            "value": rounded(intervals.macro_mean(sample)),
            "languages": {
                code: rounded(intervals.macro_mean(own)) for code, own in by_language.items()
            },
            "questions": _by_question(ids, questions, intervals.influence(sample)),
        }
        if measured == "map":
            scores[name]["by_language"] = {
                code: _by_question(ids, questions, intervals.influence(own))
                for code, own in by_language.items()
            }
        if name == ACROSS:
            means = np.nanmean(sample, axis=0)
            pairs = zip(found[0][setting].subsets, means, strict=True)
            scores[name]["pairs"] = {pair: rounded(mean) for pair, mean in pairs}
    if evaluation.perturb:
        with forward_passes(model, evaluation):
            scores[OVERLAP] = _overlap(model, evaluation, ids, location, batch_size)
    return {"questions": ids, "scores": scores}


def forward_passes(model: ModelInTraining, evaluation: Evaluation) -> AbstractContextManager[Any]:
    """Return the context of a model's forward passes in the precision of an evaluation."""
    import torch

    device = model.model.device.type
    return torch.autocast(device, torch.bfloat16, enabled=evaluation.precision == "bf16")


def named_measures(dataset: Dataset) -> dict[str, tuple[Setting, str]]:
    """Return the scores that a dataset has, by name: setting and measure.

    Without relevant passages in the query's language there is no preference for it.
    """
    found: dict[str, tuple[Setting, str]] = {
        f"{setting}_map": (setting, "map") for setting in dataset.settings
    }
    if "multilingual" in dataset.settings:
        found[LAREQA] = "multilingual", "map_at_20"
        found[RANK_DISTANCE] = "multilingual", RANK_DISTANCE
    if "monolingual" in dataset.settings and "multilingual" in dataset.settings:
        found[PREFERENCE] = "multilingual", PREFERENCE
    return found


def _values(
    model: ModelInTraining,
    evaluation: DatasetEvaluation,
    draw: int,
    location: DataLocation,
    batch_size: int,
) -> dict[Setting, TaskValues]:
    options = {"batch_size": batch_size, "show_progress_bar": False}
    found = {}
    for setting in dataset_of(evaluation).settings:
        task = _task(evaluation, setting, draw, location)
        found[setting] = task_values(_per_query(task, task.ranks(model, options)))
    return found


def _task(
    evaluation: DatasetEvaluation, setting: Setting, draw: int | None, location: DataLocation
) -> Any:  # noqa: ANN401
    """Return a task, its queries changed by a draw of the perturbation if one is given."""
    name = dataset_of(evaluation).task_name(setting)
    cls = next(cls for cls in TASK_CLASSES if cls.metadata.name == name)
    task = cls(languages=evaluation.languages, location=location)
    if draw is not None:
        task.perturb, task.perturb_seed = evaluation.perturb, draw
    return task


def _per_query(task: ParallelCorpusRetrieval, ranks: dict[str, PoolRanks]) -> PerQuery:
    return PerQuery(
        task=task.task_name,
        dataset_revision=task.metadata.revision,
        passage_form=task.passage_form,
        multilingual=task.setting == "multilingual",
        subsets=ranks,
        groups=task.groups,
    )


def _worst(samples: list[Sample], name: str) -> FloatArray:
    """Return the worst value of each query over the draws."""
    choose = np.max if name.endswith(LOWER_IS_BETTER) else np.min
    return np.asarray(choose(samples, axis=0))


def _by_language(
    found: list[dict[Setting, TaskValues]], setting: Setting, measured: str, name: str
) -> dict[str, FloatArray]:
    """Return the values of each query language's questions, shape (questions, subsets)."""
    return {
        language: _worst([own[setting].sample(measured, language) for own in found], name)
        for language in found[0][setting].languages
    }


def _by_question(
    ids: Sequence[str], questions: Iterable[str], values: FloatArray
) -> list[float | None]:
    """Return a value for each id, None for one that is not among the questions."""
    known = dict(zip(questions, values, strict=True))
    return [rounded(known.get(question, np.nan)) for question in ids]


def _overlap(
    model: ModelInTraining,
    evaluation: DatasetEvaluation,
    ids: Sequence[str],
    location: DataLocation,
    batch_size: int,
) -> dict[str, Any]:
    """Return the share of the first ten passages that a query keeps when it is changed.

    In the pool of all languages; of several draws the one that keeps least.
    """
    clean = _first_ten(model, evaluation, None, location, batch_size)
    kept = np.full((evaluation.worst_of, len(ids), len(clean)), np.nan)
    columns = {code: column for column, code in enumerate(sorted(clean))}
    rows = {question: row for row, question in enumerate(ids)}
    for draw in range(evaluation.worst_of):
        changed = _first_ten(model, evaluation, draw, location, batch_size)
        for code, lists in changed.items():
            for question, first in lists.items():
                before = clean[code][question]
                kept[draw, rows[question], columns[code]] = len(before & first) / len(before)
    worst = kept.min(axis=0)
    languages = {code: rounded(float(np.nanmean(worst[:, i]))) for code, i in columns.items()}
    return {
        "value": rounded(intervals.macro_mean(worst)),
        "languages": languages,
        "questions": [rounded(value) for value in intervals.influence(worst)],
    }


def _first_ten(
    model: ModelInTraining,
    evaluation: DatasetEvaluation,
    draw: int | None,
    location: DataLocation,
    batch_size: int,
) -> dict[str, dict[str, set[str]]]:
    """Return the first ten passages of the multilingual pool, by query language and question."""
    task = _task(evaluation, "multilingual", draw, location)
    found: dict[str, dict[str, set[str]]] = {}

    def keep(_subset: str, lists: RankedLists) -> None:
        own = found.setdefault(lists.query_language, {})
        own.update((question, set(list(ids)[:10])) for question, ids, _ in lists.ranked)

    task.keep_lists = keep
    task.ranks(model, {"batch_size": batch_size, "show_progress_bar": False})
    return found


def rounded(value: float) -> float | None:
    """Return a value as it is kept; None for one that is not known."""
    return None if np.isnan(value) else round(float(value), DIGITS)
