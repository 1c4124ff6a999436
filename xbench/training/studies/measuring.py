"""Scores of a model on an evaluation of a study, one value per question, in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xbench.analysis.compared_models import Sample, TaskValues, task_values
from xbench.data.catalogue import MTOP, PARALLEL_DATASETS, Dataset, Setting
from xbench.data.download import DataLocation
from xbench.metrics import FloatArray, PoolRanks, intervals
from xbench.results.store import PerQuery
from xbench.tasks import TASK_CLASSES, ParallelCorpusRetrieval
from xbench.training.config import PREFERENCE, RANK_DISTANCE
from xbench.training.evaluator import LOWER_IS_BETTER, ModelInTraining
from xbench.training.studies.study_file import Evaluation

DIGITS = 6
"""Digits after the point that a value is kept with."""

Scores = dict[str, Any]


def dataset_of(evaluation: Evaluation) -> Dataset:
    """Return the dataset of an evaluation."""
    known = (*PARALLEL_DATASETS, MTOP)
    return next(dataset for dataset in known if dataset.title == evaluation.dataset)


def measure(
    model: ModelInTraining,
    evaluation: Evaluation,
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
        query language.

    Raises:
        UserError: If the data is missing or the model misbehaves.
    """
    with _forward_passes(model, evaluation):
        found = [
            _values(model, evaluation, draw, location, batch_size)
            for draw in range(evaluation.worst_of)
        ]
    scores = {}
    ids: list[str] = sorted({name for own in found[0].values() for name in own.questions})
    for name, (setting, measured) in named_measures(dataset_of(evaluation)).items():
        sample = _worst([own[setting].sample(measured) for own in found], name)
        values = np.full(len(ids), np.nan)
        rows = [ids.index(question) for question in found[0][setting].questions]
        values[rows] = intervals.influence(sample)
        scores[name] = {
            "value": _rounded(intervals.macro_mean(sample)),
            "languages": _by_language(found, setting, measured, name),
            "questions": [_rounded(value) for value in values],
        }
    return {"questions": ids, "scores": scores}


def _forward_passes(model: ModelInTraining, evaluation: Evaluation) -> AbstractContextManager[Any]:
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
        found[RANK_DISTANCE] = "multilingual", RANK_DISTANCE
    if "monolingual" in dataset.settings and "multilingual" in dataset.settings:
        found[PREFERENCE] = "multilingual", PREFERENCE
    return found


def _values(
    model: ModelInTraining,
    evaluation: Evaluation,
    draw: int,
    location: DataLocation,
    batch_size: int,
) -> dict[Setting, TaskValues]:
    classes = {cls.metadata.name: cls for cls in TASK_CLASSES}
    dataset, found = dataset_of(evaluation), {}
    for setting in dataset.settings:
        cls = classes[dataset.task_name(setting)]
        task: Any = cls(languages=evaluation.languages, location=location)
        task.perturb, task.perturb_seed = evaluation.perturb, draw
        options = {"batch_size": batch_size, "show_progress_bar": False}
        found[setting] = task_values(_per_query(task, task.ranks(model, options)))
    return found


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
) -> dict[str, float | None]:
    return {
        language: _rounded(
            intervals.macro_mean(
                _worst([own[setting].sample(measured, language) for own in found], name)
            )
        )
        for language in found[0][setting].languages
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
