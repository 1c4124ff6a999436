"""Check result files of the public MTEB results repository, and take what scores are sound."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xbench.results.field_types import DatasetRevision, is_version
from xbench.results.findings import ABSENT, Finding, Notes, Plain
from xbench.results.imported_file import ImportedRow
from xbench.results.safe_json import META_LIMIT, RESULT_LIMIT, read_object
from xbench.results.schema import AnyModelMeta, AnyTaskResult, conforms
from xbench.results.store import META_NAME
from xbench.results.upstream_tasks import UpstreamTask, upstream_tasks
from xbench.results.validation.check_plausibility import PERFECT
from xbench.results.validation.locations import check_home, check_links

NEAR_ZERO = 0.01
"""A main score below this is suspicious."""

SAME = 1e-4
"""How far the main score may be from the measure it repeats; some files round one of them."""


class _Result(AnyTaskResult):
    dataset_revision: DatasetRevision


def upstream_files(root: Path) -> Iterator[Path]:
    """Yield the result files of mteb's multilingual retrieval tasks below a folder, in order."""
    paths = {path for task in upstream_tasks() for path in root.glob(f"*/*/{task}.json")}
    yield from sorted(paths)


def read_upstream(path: Path, root: Path) -> tuple[list[ImportedRow], tuple[Finding, ...]]:
    """Return the sound scores of a result file, a row for each split, and all of its defects.

    An error leaves the whole file out; a warning says which scores are left blank, or what a
    reader should know of those that are shown.

    Args:
        path: The ``<Task>.json``.
        root: The folder with a folder for each model.
    """
    notes = Notes(path.relative_to(root).as_posix())
    meta_notes = Notes(path.with_name(META_NAME).relative_to(root).as_posix())
    task = upstream_tasks()[path.stem]
    check_links(path, root, notes)
    result = read_object(path, RESULT_LIMIT, notes) if notes.sound else None
    meta = _meta(path, root, meta_notes)
    rows = []
    if result is not None and conforms(result, _Result, notes):
        version = _check_head(result, path.stem, task, notes)
        figures = {split: _figures(result, split, task, notes) for split in task.splits}
        if notes.sound and not any(figures.values()):
            notes.error("scores", Plain("no sound score"), "expected one subset at least")
        rows = [
            ImportedRow(
                model=meta["name"],
                model_revision=meta["revision"],
                task=path.stem,
                dataset_revision=result["dataset_revision"],
                split=split,
                mteb_version=version,
                measure=task.measure,
                values=values,
                training_datasets=_training_datasets(meta),
                n_parameters=meta.get("n_parameters"),
                notes=_remarks(notes, split),
            )
            for split, values in figures.items()
            if values
        ]
        _warn_of_undefined_diagnostics(result, notes)
    sound = notes.sound and meta_notes.sound
    return rows if sound else [], (*notes.listed(), *meta_notes.listed())


def _remarks(notes: Notes, split: str) -> tuple[str, ...]:
    """Return what a reader should know about the scores of a split."""
    return tuple(
        f"{finding.field}: {finding.found}; {finding.rule}"
        for finding in notes.findings
        if not finding.field.startswith("scores.") or finding.field.startswith(f"scores.{split}")
    )


def _meta(path: Path, root: Path, notes: Notes) -> dict[str, Any]:
    """Return the model's metadata, or what the names of the folders say if there are none."""
    folder = path.parent
    fallback = {"name": folder.parent.name.replace("__", "/", 1), "revision": folder.name}
    if not (folder / META_NAME).is_file():
        rule = "training data and size are unknown"
        notes.warn("", ABSENT, rule)
        conforms(fallback, AnyModelMeta, notes)
        return fallback
    check_links(folder / META_NAME, root, notes)
    meta = read_object(folder / META_NAME, META_LIMIT, notes) if notes.sound else None
    if meta is None or not conforms(meta, AnyModelMeta, notes):
        return fallback
    check_home(folder, {**meta, "experiment_kwargs": None}, notes)
    return meta


def _training_datasets(meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    declared = meta.get("training_datasets")
    return None if declared is None else tuple(sorted(declared))


def _check_head(
    result: Mapping[str, Any], name: str, task: UpstreamTask, notes: Notes
) -> str | None:
    """Note what is wrong outside the scores, and return mteb's version if it is one."""
    if result["task_name"] != name:
        notes.error("task_name", result["task_name"], f"expected {name!r}, as the file's name")
    revision = result["dataset_revision"]
    if revision == "main":
        notes.warn("dataset_revision", revision, "no fixed state of the data; shown apart")
    elif revision != task.dataset_revisions[-1]:
        rule = f"mteb now reads {task.dataset_revisions[-1]}; shown apart"
        notes.warn("dataset_revision", revision, rule)
    for split in result["scores"]:
        if split not in task.splits:
            notes.warn(f"scores.{split}", split, "no split of the task; skipped")
    version: str | None = result.get("mteb_version")
    if version is None or not is_version(version):
        found = ABSENT if version is None else version
        notes.warn("mteb_version", found, "expected a version number; shown as unknown")
        return None
    return version


def _warn_of_undefined_diagnostics(result: Mapping[str, Any], notes: Notes) -> None:
    undefined = [
        f"scores.{split}[{number}].{name}"
        for split, entries in result["scores"].items()
        for number, entry in enumerate(entries)
        for name, value in entry.items()
        if name != "main_score" and isinstance(value, float) and not math.isfinite(value)
    ]
    if undefined:
        found = Plain(f"{len(undefined)} values that are NaN or infinite")
        notes.warn(undefined[0], found, "no JSON numbers; these measures are not read")


def _figures(
    result: Mapping[str, Any], split: str, task: UpstreamTask, notes: Notes
) -> dict[str, float]:
    """Return the sound main scores of a split by subset."""
    where = f"scores.{split}"
    entries: Sequence[Mapping[str, Any]] = result["scores"].get(split, ())
    times = Counter(entry["hf_subset"] for entry in entries)
    values = {}
    for number, entry in enumerate(entries):
        name, place = entry["hf_subset"], f"{where}[{number}]"
        if name not in task.subsets:
            notes.warn(f"{place}.hf_subset", name, "no subset of the task; skipped")
        elif times[name] > 1:
            notes.warn(f"{place}.hf_subset", name, "occurs more than once; left blank")
        elif _is_sound(entry, task, place, notes):
            values[name] = float(entry["main_score"])
    if missing := [name for name in task.subsets if name not in times]:
        found = Plain(f"{len(missing)} of {len(task.subsets)} subsets missing")
        notes.warn(where, found, "they are left blank, and there is no mean")
    if len(values) > 1 and len(set(values.values())) == 1:
        value = next(iter(values.values()))
        notes.warn(where, value, "all subsets have the same main score")
    return {name: values[name] for name in task.subsets if name in values}


def _is_sound(entry: Mapping[str, Any], task: UpstreamTask, where: str, notes: Notes) -> bool:
    """Return whether a subset's main score can be shown."""
    value, languages = entry["main_score"], entry["languages"]
    if tuple(languages) != task.subsets[entry["hf_subset"]]:
        expected = ", ".join(task.subsets[entry["hf_subset"]])
        notes.warn(f"{where}.languages", ", ".join(languages), f"expected {expected}; left blank")
        return False
    if not _is_number(value):
        notes.warn(f"{where}.main_score", value, "expected a finite number; left blank")
        return False
    if not 0 <= value <= 1:
        rule = "expected 0 to 1; the scale of the file is in doubt, so it is skipped"
        notes.error(f"{where}.main_score", value, rule)
        return False
    named = entry.get(task.measure)
    if not _is_number(named) or abs(value - named) > SAME:
        rule = f"expected its {task.measure}, {_short(named)}; left blank"
        notes.warn(f"{where}.main_score", value, rule)
        return False
    if value < NEAR_ZERO:
        notes.warn(
            f"{where}.main_score", value, "almost no retrieval; the data or run may be broken"
        )
    elif value > PERFECT:
        notes.warn(f"{where}.main_score", value, "almost perfect retrieval; data may have leaked")
    return True


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e9 and math.isfinite(value)


def _short(value: object) -> str:
    return f"{value:g}" if _is_number(value) else "which is not a number"
