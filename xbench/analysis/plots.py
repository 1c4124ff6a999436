"""Figures of query languages against passage languages, in any format that matplotlib can write.

The text of SVG stays text, and the same input gives the same SVG, whatever the reader's own
matplotlib settings are. Names are shown literally: neither markup nor mathematical notation in them
is interpreted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.analysis.compared_models import Candidate, common_tasks
from xbench.analysis.plot_files import formats, render
from xbench.analysis.plot_panels import (
    ADVANTAGES,
    Codes,
    differences_panel,
    dots_panel,
    level_limits,
    levels_panel,
    log_ratio,
    ratio_limit,
    shares_panel,
)
from xbench.data.catalogue import TASKS
from xbench.data.datasets import SETTINGS, Dataset, Setting
from xbench.metrics import FloatArray, PoolRanks, language_shares, scores
from xbench.results.summaries import advantage_values


@dataclass(frozen=True)
class ModelPlot:
    """What the figure of a model shows.

    Attributes:
        name: Name to show.
        average_precision: Mean average precision by query and passage language, the monolingual
            figures on the diagonal; `nan` where there is none. Shape (n, n).
        shares: Share of each passage language among the first places, by query language. Shape
            (n, n).
        pool_share: Share of each language among the passages of the pool, shape (n,).
        rank_distance: Mean rank distance by query language; empty where it is not known.
        language_advantage: How much each passage language is favoured, from 0 to 1; likewise.
    """

    name: str
    average_precision: FloatArray
    shares: FloatArray
    pool_share: FloatArray
    rank_distance: Mapping[str, float]
    language_advantage: Mapping[str, float]


def heat_map(
    values: FloatArray,
    query_languages: Codes,
    passage_languages: Codes,
    title: str,
    *,
    difference: bool = False,
) -> bytes:
    """Draw the mean average precision of every pair of languages, times 100.

    A language with itself is framed.

    Args:
        values: From 0 to 1, or differences of such; `nan` leaves the cell blank. Shape (query
            languages, passage languages).
        query_languages: Codes of the rows.
        passage_languages: Codes of the columns.
        title: Title, shown literally.
        difference: Whether the values are those of one model minus those of another.

    Raises:
        UserError: If matplotlib is not installed.
    """
    codes = query_languages, passage_languages
    draw = differences_panel if difference else partial(levels_panel, limits=level_limits([values]))
    return render([[draw(values, *codes, [title])]])


def share_matrix(
    shares: FloatArray,
    pool_share: FloatArray,
    query_languages: Codes,
    passage_languages: Codes,
    title: str,
) -> bytes:
    """Draw how the first places are shared out among the languages, against the pool's own shares.

    Numbers are percentages. The colour is share ÷ share of the pool on a logarithmic scale centred
    on 1, so that favoured and neglected languages differ in hue.

    Args:
        shares: Share of each language among the first places, shape (query languages, passage
            languages).
        pool_share: Share of each language in the pool, shape (passage languages,).
        query_languages: Codes of the rows.
        passage_languages: Codes of the columns.
        title: Title, shown literally.

    Raises:
        UserError: If matplotlib is not installed.
    """
    limit = ratio_limit([log_ratio(shares, pool_share)])
    codes = query_languages, passage_languages
    return render([[shares_panel(shares, pool_share, *codes, title, limit)]])


def rank_distance_by_language(values: Mapping[str, Mapping[str, float]], title: str) -> bytes:
    """Draw the mean rank distance of every query language, the least first, and the mean over all.

    Args:
        values: Mean rank distance by model name and language; up to six can be distinguished.
        title: Title, shown literally.

    Raises:
        UserError: If matplotlib is not installed.
    """
    return render([[dots_panel(list(values), list(values.values()), title)]])


def comparison_figure(
    models: Sequence[ModelPlot], languages: Codes, places: int, form: str = "svg"
) -> bytes:
    """Draw each model in a row on the same colour scales, then the rank distances of all.

    For two models, the difference of the first minus the second is drawn too.

    Args:
        models: One or more.
        languages: Codes of the rows and columns of the models' arrays.
        places: Number of first places that the language shares are of.
        form: Format of the file, as `figure_format` gives it.

    Raises:
        UserError: If matplotlib is not installed or cannot write the format.
    """
    limits = level_limits([model.average_precision for model in models])
    limit = ratio_limit([log_ratio(model.shares, model.pool_share) for model in models])
    codes = languages, languages
    rows = [
        [
            levels_panel(model.average_precision, *codes, [model.name], limits),
            shares_panel(model.shares, model.pool_share, *codes, model.name, limit, places),
        ]
        for model in models
    ]
    title = models[0].name if len(models) == 1 else "All models"
    names, distances = [m.name for m in models], [m.rank_distance for m in models]
    span = sum(panel.width for panel in rows[0][len(models) == 2 :])
    rows.append([dots_panel(names, distances, title, span=span)])
    if len(models) == 2:
        change = models[0].average_precision - models[1].average_precision
        rows[-1].insert(0, differences_panel(change, *codes, [names[0], f"minus {names[1]}"]))
    advantages = [
        {code: 100 * value for code, value in m.language_advantage.items()} for m in models
    ]
    if any(advantages):
        rows.append([dots_panel(names, advantages, title, ADVANTAGES)])
    return render(rows, form)


def figure_format(path: Path) -> str:
    """Return the format that a file's suffix stands for.

    Raises:
        UserError: If matplotlib cannot write it, or is not installed.
    """
    known = formats()
    form = path.suffix.lower().removeprefix(".")
    if form not in known:
        found = f"ends in {path.suffix!r}" if form else "has no suffix"
        raise UserError(f"--plot {path}: {found}; expected one of .{', .'.join(known)}")
    return form


SHARES_AT = 10
"""First places whose languages are shown."""


@dataclass(frozen=True)
class Pictures:
    """Figures of a comparison, one per dataset, as a notebook shows them.

    Attributes:
        svg: The figure of each dataset, by its title.
    """

    svg: Mapping[str, str]

    def _repr_html_(self) -> str:
        return "".join(f"<h4>{title}</h4>{svg}" for title, svg in self.svg.items())


def comparison_pictures(candidates: Sequence[Candidate]) -> Pictures:
    """Draw a figure for each dataset of which all models have the three settings.

    Raises:
        UserError: If there is no such dataset, or matplotlib is missing.
    """
    drawn = _drawn(candidates, _datasets(candidates), "svg")
    return Pictures({dataset.title: content.decode() for dataset, content in drawn})


def write_comparison_plots(candidates: Sequence[Candidate], path: Path) -> list[Path]:
    """Write a figure for each dataset of which all models have the three settings.

    Args:
        candidates: The models.
        path: The file, whose suffix names its format; for several datasets, their names are added
            to its own.

    Returns:
        The files.

    Raises:
        UserError: If there is no such dataset, matplotlib is missing or knows no such format, or a
            file cannot be written.
    """
    form, datasets = figure_format(path), _datasets(candidates)
    written = []
    for dataset, content in _drawn(candidates, datasets, form):
        place = path if len(datasets) == 1 else path.with_stem(f"{path.stem}-{dataset.folder}")
        write_atomically(place, content)
        written.append(place)
    return written


def _datasets(candidates: Sequence[Candidate]) -> list[Dataset]:
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
    return datasets


def _drawn(
    candidates: Sequence[Candidate], datasets: Sequence[Dataset], form: str
) -> Iterator[tuple[Dataset, bytes]]:
    for dataset in datasets:
        models = [_model_plot(candidate, dataset) for candidate in candidates]
        languages = sorted(candidates[0].tasks[dataset.task_name("multilingual")].subsets)
        yield dataset, comparison_figure(models, languages, SHARES_AT, form)


def _model_plot(candidate: Candidate, dataset: Dataset) -> ModelPlot:
    def ranks(setting: Setting) -> dict[str, PoolRanks]:
        return dict(candidate.tasks[dataset.task_name(setting)].subsets)

    task = candidate.tasks[dataset.task_name("multilingual")]
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
        shares=language_shares({a: pooled[a] for a in languages}, SHARES_AT),
        pool_share=sizes / sizes.sum(),
        rank_distance={
            name: values["rank_distance"]
            for name, values in scores(pooled, multilingual=True).items()
            if "rank_distance" in values
        },
        language_advantage={
            language: float(np.mean([np.nanmean(values) for values in own.values()]))
            for language, own in advantage_values(task).items()
        },
    )
