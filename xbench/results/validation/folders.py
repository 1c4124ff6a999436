"""Check whole folders: every result in them, and every file that does not belong there."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS
from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.imported import read_imported
from xbench.results.store import EXPERIMENTS, META_NAME, PER_QUERY_SUFFIX, SETTINGS_NAME
from xbench.results.stored_summary import write_summary
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation.check_task import (
    NEVER,
    check_task,
    result_files,
    why_private,
)
from xbench.results.validation.mteb_results import read_upstream, upstream_files

REPORTED, IMPORTED = "reported", "imported"
"""Folders of published and of imported scores, which are next to those of the models."""

FILES = 20_000
"""How many files a folder may hold, so that looking through it ends."""

KNOWN = {
    META_NAME,
    SETTINGS_NAME,
    ".run_settings.lock",
    *(
        f"{task}{suffix}"
        for task in TASKS
        for suffix in (".json", PER_QUERY_SUFFIX, SUMMARY_SUFFIX)
    ),
}
"""Names of the files in the folder of a run."""


def check(paths: Sequence[Path], *, stored: bool = True) -> list[TaskCheck]:
    """Check folders of results, models' or runs' folders, or result files.

    A folder of the public MTEB results repository is recognised by its tasks. A file that belongs
    to no result is a check of its own, with the reason why.

    Args:
        paths: What to check.
        stored: Whether to check stored summaries too.

    Raises:
        UserError: If there is nothing at a path, or nothing to check.
    """
    checks: list[TaskCheck] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder; expected results to check")
        found = (_check_file if path.is_file() else _check_folder)(path, stored=stored)
        if not found:
            raise UserError(
                f"{path}: no results there; expected <model>/<revision>/<Task>.json, or one of "
                "these folders or files"
            )
        checks += found
    return _without_repetition(checks)


def _check_file(path: Path, *, stored: bool) -> list[TaskCheck]:
    path = Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links
    root = root_of(path)
    if path.stem in upstream_tasks():
        return [_upstream(path, root)]
    return [check_task(path, root, stored=stored)]


def _check_folder(path: Path, *, stored: bool) -> list[TaskCheck]:
    path = Path(os.path.abspath(path))  # noqa: PTH100
    root = _root(path) if _holds(path, 0) else path.parent if _holds(path, 1) else path
    inside = [file for file in upstream_files(root) if file.is_relative_to(path)]
    results = [file for file in result_files(root) if file.is_relative_to(path)]
    if inside and not results:
        return [_upstream(file, root) for file in inside]
    checks = [check_task(file, root, stored=stored) for file in results]
    return [*checks, *_strays(path, root)]


def check_changes(folder: Path, base: Path) -> list[TaskCheck]:
    """Check the results of a folder that are not in another one, or not the same.

    Args:
        folder: Folder of all results, as it would be.
        base: Folder of all results, as it is.
    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100
    runs = sorted({path.parent for path in result_files(root)})
    changed = {run for run in runs if not _same(run, base / run.relative_to(root))}
    checks = [check_task(path, root) for path in result_files(root) if path.parent in changed]
    lost = [path for path in _files(base) if not (root / path.relative_to(base)).exists()]
    for path in lost:
        notes = Notes(path.relative_to(base).as_posix())
        notes.warn("", Plain("removed"), "this file is there now; say why it should go")
        checks.append(TaskCheck(path, notes.listed()))
    return _without_repetition([*checks, *_strays(root, root)])


def _same(run: Path, other: Path) -> bool:
    """Return whether two folders of a run hold the same files."""
    names = [sorted(path.name for path in folder.glob("*.json*")) for folder in (run, other)]
    return (
        names[0] == names[1]
        and filecmp.cmpfiles(run, other, names[0], shallow=False)[0] == (names[0])
    )


def write_summaries(checks: Iterable[TaskCheck]) -> int:
    """Write the summaries of accepted results, over those that are there; return their number.

    Raises:
        UserError: If a file cannot be written.
    """
    number = 0
    for item in checks:
        if item.run is not None and item.ranks is not None:
            write_summary(item.path.parent, item.ranks, item.path.read_bytes())
            number += 1
    return number


def files_of(path: Path) -> list[Path]:
    """Return a result file and the files that belong to it, its summary if there is one."""
    names = (path.name, f"{path.stem}{PER_QUERY_SUFFIX}", META_NAME, SETTINGS_NAME)
    summary = path.with_name(f"{path.stem}{SUMMARY_SUFFIX}")
    return [*(path.with_name(name) for name in names), *([summary] if summary.exists() else [])]


def root_of(path: Path) -> Path:
    """Return the folder of all results that a result file is in."""
    return _root(path.parent)


def _root(folder: Path) -> Path:
    """Return the folder of all results that a run's folder is in."""
    home = folder.parent.parent if folder.parent.name == EXPERIMENTS else folder
    return home.parent.parent


def _holds(folder: Path, depth: int) -> bool:
    """Return whether there are files of a run so many folders below."""
    names = KNOWN | {f"{task}.json" for task in upstream_tasks()}
    return any(path.name in names for path in folder.glob("/".join([*["*"] * depth, "*.json*"])))


def _upstream(path: Path, root: Path) -> TaskCheck:
    return TaskCheck(path, read_upstream(path, root)[1])


def _strays(folder: Path, root: Path) -> Iterator[TaskCheck]:
    """Yield the files and links that belong to no result."""
    for number, path in enumerate(_files(folder)):
        notes = Notes(path.relative_to(root).as_posix())
        if number == FILES:
            notes.error("", Plain(f"more than {FILES} files"), "expected a folder of results")
        elif path.is_symlink():
            notes.error(
                "", Plain("a symbolic link"), "expected regular files and folders; remove it"
            )
        elif reason := _stray(path, path.relative_to(root).parts):
            notes.error("", path.name, reason)
        if notes.findings:
            yield TaskCheck(path, notes.listed())
        if number == FILES:
            return


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files and links below a folder, following none."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        linked = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in sorted([*names, *linked]))


def _stray(path: Path, parts: tuple[str, ...]) -> str | None:
    """Return why a file does not belong where it is, or None if it does."""
    if parts[0] in (REPORTED, IMPORTED):
        if len(parts) != 2 or path.suffix != ".json":
            return f"expected {parts[0]}/<name>.json; remove it"
        return _unreadable(path) if parts[0] == IMPORTED else None
    experiment = len(parts) == 5 and parts[2] == EXPERIMENTS
    if not experiment and len(parts) != 3:
        return "expected <model>/<revision>/[experiments/<settings>/]<file>; remove it"
    if path.name not in KNOWN:
        if private := why_private(path):
            result = path.with_name(path.name.removesuffix(PER_QUERY_SUFFIX) + ".json")
            listed = path.name.endswith(PER_QUERY_SUFFIX) and result.is_file()
            return None if listed else f"a result {private}; {NEVER}"
        return "no file of a result of xbench's tasks; remove it"
    for suffix in (PER_QUERY_SUFFIX, SUMMARY_SUFFIX):
        result = path.with_name(path.name.removesuffix(suffix) + ".json")
        if path.name.endswith(suffix) and not result.exists():
            return f"{result.name} is missing; run the task again"
    return None


def _unreadable(path: Path) -> str | None:
    """Return why imported scores cannot be read, or None if they can."""
    try:
        read_imported(path)
    except UserError as error:
        return str(error)
    return None


def _without_repetition(checks: Iterable[TaskCheck]) -> list[TaskCheck]:
    """Refuse all but the first of several results of the same run and task."""
    first: dict[object, Path] = {}
    kept: dict[Path, TaskCheck] = {}
    for check in checks:
        place = first.setdefault((check.run, check.path.stem), check.path)
        if check.run is not None and check.path != place:
            notes = Notes(check.path.name)
            rule = f"the same run and task as in {place.parent.name}; keep one of them"
            notes.error("", check.path.parent.name, rule)
            findings = (*check.findings, *notes.findings)
            check = replace(check, run=None, findings=findings)
        kept[check.path] = check
    return list(kept.values())
