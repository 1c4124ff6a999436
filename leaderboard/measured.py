"""Measured figures: the result files of every model, each checked before a figure is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xbench.catalogue import (
    PASSAGE_FORMS,
    TASK_VERSION,
    TASKS,
    Dataset,
    PassageForm,
    Setting,
    subsets,
)
from xbench.errors import UserError
from xbench.leaderboard.checks import choice, read_object, score, shown, text
from xbench.leaderboard.figures import Figure, Key, LeftOut, Row
from xbench.metrics import scores
from xbench.results import (
    DAMAGED,
    PER_QUERY_SUFFIX,
    PerQuery,
    macro_average,
    micro_average,
    read_per_query,
)

META = "model_meta.json"
EXPERIMENTS = "experiments"
TOLERANCE = 1e-5
"""How far a score may be from the ranks it rests on; result files round to six decimals."""

_UNREADABLE = (*DAMAGED, ArithmeticError, UserError)


@dataclass(frozen=True)
class Run:
    """A model and how it was run.

    Attributes:
        model: Name of the model.
        revision: Its revision.
        options: The settings that are not the model's own, for display.
        passage_form: What a passage's text was.
    """

    model: str
    revision: str
    options: str
    passage_form: PassageForm


def read_measured(folders: Sequence[Path]) -> tuple[list[Row], list[LeftOut]]:
    """Read the results of all models: a row per run and dataset, and the files left out.

    A file counts only if it is whole: of the pinned dataset revision, with every subset and every
    score possible and in agreement with the ranks beside it. Of two results of the same run and
    task the first counts.
    """
    rows: dict[tuple[Run, str], dict[Key, Figure]] = {}
    seen: set[tuple[Run, str]] = set()
    left_out = []
    for folder in folders:
        for path in _result_files(folder):
            dataset, _ = TASKS[path.stem]
            try:
                run = _run(path.parent)
                figures = _figures(path, run)
                if (run, path.stem) in seen:
                    raise UserError("the same run's result is there already")
            except UserError as error:
                left_out.append(LeftOut(path.relative_to(folder).as_posix(), str(error)))
                continue
            seen.add((run, path.stem))
            rows.setdefault((run, dataset.title), {}).update(figures)
    return [_row(run, dataset, figures) for (run, dataset), figures in rows.items()], left_out


def _result_files(folder: Path) -> Iterator[Path]:
    for pattern in ("*/*/*.json", f"*/*/{EXPERIMENTS}/*/*.json"):
        yield from sorted(path for path in folder.glob(pattern) if path.stem in TASKS)


def _row(run: Run, dataset: str, figures: Mapping[Key, Figure]) -> Row:
    model = f"{run.model} ({run.options})" if run.options else run.model
    return Row(model, dataset, run.passage_form, figures, revision=run.revision)


def _run(folder: Path) -> Run:
    """Read whose results a folder holds, and check that they lie where they belong."""
    meta = read_object(folder / META)
    model, revision = text(meta, "name", META), text(meta, "revision", META)
    settings = meta.get("experiment_kwargs") or {}
    if not isinstance(settings, dict):
        raise UserError(f"{META}: experiment_kwargs is no object")
    experiment = folder.parent.name == EXPERIMENTS
    home = folder.parent.parent if experiment else folder
    place = (home.parent.name, home.name)
    if (model.replace("/", "__").replace(" ", "_"), revision) != place:
        raise UserError(
            f"{META} is of {shown(model)}, revision {shown(revision)}: another folder's"
        )
    if experiment != bool(settings):
        raise UserError(f"{META} {'lacks' if experiment else 'has'} experiment_kwargs")
    if "languages" in settings:
        raise UserError(f"run on part of the languages: {shown(settings['languages'])}")
    form = choice(settings.get("passage_form", "sentence"), PASSAGE_FORMS, "passage_form", META)
    options = [f"{name}={settings[name]}" for name in sorted(settings) if name != "passage_form"]
    return Run(model, revision, ", ".join(options), form)


def _figures(path: Path, run: Run) -> dict[Key, Figure]:
    """Read the figures of one result file."""
    dataset, setting = TASKS[path.stem]
    result = read_object(path)
    if result.get("task_name") != path.stem:
        raise UserError(f"task_name is {shown(result.get('task_name'))}")
    revision = result.get("dataset_revision")
    if revision != dataset.revision:
        raise UserError(f"dataset revision {shown(revision)}; expected {dataset.revision!r}")
    entries = _entries(result, tuple(subsets(setting, dataset.languages)))
    ranks = _ranks(path, dataset, setting, run.passage_form)
    _check_scores(entries, ranks)
    figures = {}
    for measure in _measures(setting):
        for language in dataset.languages:
            own = [
                float(entries[name][measure])
                for name, subset in subsets(setting, dataset.languages).items()
                if subset.query_language == language
            ]
            figures[Key(setting, measure, language)] = Figure(float(np.mean(own)))
        mean = macro_average(result, measure)
        if mean is not None:
            figures[Key(setting, measure, None, "macro")] = Figure(mean)
    if setting == "multilingual":
        figures[Key(setting, "map", None, "micro")] = Figure(micro_average(ranks))
    return figures


def _measures(setting: Setting) -> tuple[str, ...]:
    return ("map", "rank_distance") if setting == "multilingual" else ("map",)


def _entries(result: Mapping[str, Any], expected: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the scores of each subset, of which there must be exactly the expected ones."""
    try:
        entries = result["scores"]["test"]
        names = Counter(str(entry["hf_subset"]) for entry in entries)
    except (LookupError, TypeError) as error:
        raise UserError("there are no scores of the subsets of the test split") from error
    if missing := [name for name in expected if name not in names]:
        raise UserError(f"{len(missing)} of {len(expected)} subsets missing: {_some(missing)}")
    if surplus := [name for name, n in names.items() if n > 1 or name not in expected]:
        raise UserError(f"subsets that are unknown or there twice: {_some(surplus)}")
    return {entry["hf_subset"]: entry for entry in entries}


def _ranks(path: Path, dataset: Dataset, setting: Setting, passage_form: PassageForm) -> PerQuery:
    """Read the ranks beside a result file, which must be of the same task and settings."""
    name = f"{path.stem}{PER_QUERY_SUFFIX}"
    if not path.with_name(name).is_file():
        raise UserError(f"{name} is missing")
    try:
        ranks = read_per_query(path.with_name(name))
    except _UNREADABLE as error:
        raise UserError(f"{name} is damaged") from error
    expected = {
        "task": path.stem,
        "task_version": TASK_VERSION,
        "dataset_revision": dataset.revision,
        "passage_form": passage_form,
        "multilingual": setting == "multilingual",
    }
    for field, value in expected.items():
        if getattr(ranks, field) != value:
            raise UserError(
                f"{name}: {field} is {shown(getattr(ranks, field))}; expected {value!r}"
            )
    return ranks


def _check_scores(entries: Mapping[str, Mapping[str, Any]], ranks: PerQuery) -> None:
    """Raise an error if a score is impossible or not what the ranks give."""
    if set(ranks.subsets) != set(entries):
        raise UserError(f"{ranks.task}{PER_QUERY_SUFFIX}: the subsets are not the result's")
    try:
        recomputed = scores(ranks.subsets, multilingual=ranks.multilingual)
    except _UNREADABLE as error:
        raise UserError(f"{ranks.task}{PER_QUERY_SUFFIX} is damaged") from error
    for name, values in recomputed.items():
        for measure, value in values.items():
            if measure in entries[name] or measure in ("map", "rank_distance"):
                given = score(measure, entries[name].get(measure), f"subset {name}")
                if not abs(given - value) <= TOLERANCE:
                    raise UserError(
                        f"subset {name}: {measure} is {given}, but {value:.6f} by its ranks"
                    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
