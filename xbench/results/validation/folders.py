"""Check whole folders: every result in them, and every file that does not belong there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from xbench._util.errors import UserError
from xbench.results.findings import Notes, TaskCheck
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.store import EXPERIMENTS, META_NAME, SETTINGS_NAME
from xbench.results.stored_summary import write_summary
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation.check_task import check_task, result_files
from xbench.results.validation.file_kinds import RUN_FILES
from xbench.results.validation.mteb_results import read_upstream, upstream_files
from xbench.results.validation.strays import strays
from xbench.results.validation.trees import disk_tree


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
    return without_repetition(checks)


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
    tree = disk_tree(root)
    chosen = [name for name in tree.forms if (root / name).is_relative_to(path)]
    return [*checks, *strays(tree, root, chosen)]


def write_summaries(checks: Iterable[TaskCheck]) -> int:
    """Write the summaries of accepted results, over those that are there; return their number.

    A summary whose result is no longer there is removed.

    Raises:
        UserError: If a file cannot be written.
    """
    number = 0
    for item in checks:
        if item.run is not None and item.ranks is not None:
            write_summary(item.path.parent, item.ranks, item.path.read_bytes())
            number += 1
        elif item.path.name.endswith(SUMMARY_SUFFIX) and not _result_of(item.path).exists():
            item.path.unlink(missing_ok=True)
    return number


def _result_of(summary: Path) -> Path:
    return summary.with_name(f"{summary.name.removesuffix(SUMMARY_SUFFIX)}.json")


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
    names = RUN_FILES | {f"{task}.json" for task in upstream_tasks()}
    return any(path.name in names for path in folder.glob("/".join([*["*"] * depth, "*.json*"])))


def _upstream(path: Path, root: Path) -> TaskCheck:
    return TaskCheck(path, read_upstream(path, root)[1])


def without_repetition(checks: Iterable[TaskCheck]) -> list[TaskCheck]:
    """Merge the checks of each file, and refuse all but the first result of a run and task."""
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
        if check.path in kept and kept[check.path] != check:
            kept[check.path] = _merged(kept[check.path], check)
        else:
            kept[check.path] = check
    return list(kept.values())


def _merged(check: TaskCheck, other: TaskCheck) -> TaskCheck:
    """Return one check of a file of two."""
    findings = tuple(dict.fromkeys((*check.findings, *other.findings)))
    sound = all(finding.warning for finding in findings)
    return replace(check, findings=findings, run=check.run if sound else None)
