"""Evaluation during training, in xbench's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.model import BaseModel

from xbench.data.datasets import SETTINGS, Dataset
from xbench.data.download import DataLocation
from xbench.tasks import TASK_CLASSES
from xbench.training.config import PREFERENCE, RANK_DISTANCE

LOWER_IS_BETTER = ("loss", RANK_DISTANCE, PREFERENCE)


class ModelInTraining(SentenceTransformerEncoderWrapper):
    """A model whose weights go on changing: its embeddings live no longer than this object."""


class SettingsEvaluator(BaseEvaluator):
    """Measures a model in the monolingual, cross-lingual and multilingual setting of a dataset.

    The trainer can select on any of its metrics, which are means over subsets:
    ``eval_<dataset>_monolingual_map``, ``…_crosslingual_map``, ``…_multilingual_map``, and
    ``…_rank_distance`` and ``…_own_language_preference`` (lower is better), with the dataset's
    folder as its name (``mlqa_r``).

    Args:
        dataset: The dataset.
        languages: ISO 639-1 codes to keep; none keeps all.
        location: Where the data is; by default as the environment says.
        batch_size: Texts to encode at once.
        show_progress: Whether to show a progress bar.
    """

    def __init__(
        self,
        dataset: Dataset,
        languages: Sequence[str] = (),
        location: DataLocation | None = None,
        batch_size: int = 32,
        show_progress: bool = False,
    ) -> None:
        classes = {cls.metadata.name: cls for cls in TASK_CLASSES}
        tasks: dict[str, Any] = {
            setting: classes[dataset.task_name(setting)](languages=languages, location=location)
            for setting in SETTINGS
        }
        self._take(evaluation_name(dataset), tasks, batch_size, show_progress)

    @classmethod
    def of_tasks(cls, name: str, tasks: Iterable[Any], batch_size: int = 32) -> SettingsEvaluator:
        """Return an evaluator of the tasks of a corpus of one's own."""
        made = cls.__new__(cls)
        made._take(name, {task.setting: task for task in tasks}, batch_size, False)
        return made

    def _take(self, name: str, tasks: dict[str, Any], batch_size: int, show_progress: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.name = name
        self.primary_metric = f"{self.name}_multilingual_map"
        self.greater_is_better = True
        self.encode_kwargs = {"batch_size": batch_size, "show_progress_bar": show_progress}
        self.tasks = tasks

    def __call__(
        self,
        model: BaseModel,
        output_path: str | None = None,
        epoch: float = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Return the metrics of a model by name."""
        wrapped = ModelInTraining(model)  # type: ignore[arg-type]
        metrics = {}
        for setting, task in self.tasks.items():
            found = task.evaluate(wrapped, encode_kwargs=self.encode_kwargs)
            metrics[f"{self.name}_{setting}_map"] = _mean(found, "map")
            if setting == "multilingual":
                for measure in (RANK_DISTANCE, PREFERENCE):
                    metrics[f"{self.name}_{measure}"] = _mean(found, measure)
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)  # type: ignore[arg-type]
        return metrics

    @property
    def description(self) -> str:
        """What the model card calls the evaluation."""
        return "Multilingual retrieval"


def evaluation_name(dataset: Dataset) -> str:
    """Return how metrics on a dataset begin.

    >>> from xbench.data.catalogue import MLQA_R
    >>> evaluation_name(MLQA_R)
    'mlqa_r'
    """
    return dataset.folder.replace("-", "_")


def _mean(scores: dict[str, dict[str, float]], measure: str) -> float:
    return float(np.mean([subset[measure] for subset in scores.values()]))
