"""A comparison as pictures: one SVG file per dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xbench._util.errors import UserError
from xbench.analysis.compared_models import Candidate, common_tasks
from xbench.analysis.plots import ModelPlot, comparison_figure, write_svg
from xbench.data.catalogue import SETTINGS, TASKS, Dataset, Setting
from xbench.metrics import PoolRanks, language_shares, scores

PLACES = 10
"""First places whose languages are shown."""


def write_comparison_plots(candidates: Sequence[Candidate], path: Path) -> list[Path]:
    """Write a figure for each dataset of which all models have the three settings.

    Args:
        candidates: The models.
        path: The SVG file; for several datasets, their names are added to its own.

    Returns:
        The files.

    Raises:
        UserError: If there is no such dataset, matplotlib is missing or a file cannot be written.
    """
    tasks = common_tasks(candidates)
    datasets = [
        dataset
        for dataset in dict.fromkeys(TASKS[task][0] for task in tasks if task in TASKS)
        if all(dataset.task_name(setting) in tasks for setting in SETTINGS)
    ]
    if not datasets:
        raise UserError(
            "--plot needs the three settings of a dataset; the models have in common only "
            f"{', '.join(tasks)}"
        )
    written = []
    for dataset in datasets:
        place = path if len(datasets) == 1 else path.with_stem(f"{path.stem}-{dataset.folder}")
        models = [_model_plot(candidate, dataset) for candidate in candidates]
        languages = sorted(candidates[0].tasks[dataset.task_name("multilingual")].subsets)
        write_svg(place, comparison_figure(models, languages, PLACES))
        written.append(place)
    return written


def _model_plot(candidate: Candidate, dataset: Dataset) -> ModelPlot:
    def ranks(setting: Setting) -> dict[str, PoolRanks]:
        return dict(candidate.tasks[dataset.task_name(setting)].subsets)

    pooled = ranks("multilingual")
    languages = sorted(pooled)
    pairs = {**ranks("monolingual"), **ranks("crosslingual")}
    precision = np.full((len(languages), len(languages)), np.nan)
    for name, values in scores(pairs, multilingual=False).items():
        (passage_language,) = pairs[name].pool
        row = languages.index(pairs[name].query_language)
        precision[row, languages.index(passage_language)] = values["map"]
    sizes = np.array([next(iter(pooled.values())).pool[a] for a in languages], float)
    return ModelPlot(
        name=candidate.name,
        average_precision=precision,
        shares=language_shares({a: pooled[a] for a in languages}, PLACES),
        pool_share=sizes / sizes.sum(),
        rank_distance={
            name: values["rank_distance"]
            for name, values in scores(pooled, multilingual=True).items()
        },
    )
