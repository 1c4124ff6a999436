"""Find files that belong to no result, and those that are not what they should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS
from xbench.results.findings import Finding, Notes, Plain, TaskCheck
from xbench.results.imported_file import read_imported
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.store import META_NAME, SETTINGS_NAME
from xbench.results.validation.check_task import NEVER, why_private
from xbench.results.validation.file_kinds import (
    IMPORTED,
    LOCK_NAME,
    REPORTED,
    SUFFIXES,
    same_names,
    why_not_place,
)
from xbench.results.validation.trees import FILES, Form, Tree

FOUND: dict[Form, str] = {
    "executable": "an executable file",
    "link": "a symbolic link",
    "submodule": "a submodule",
    "folder": "an empty folder, such as that of a submodule",
    "other": "not a file",
}
"""What a path is that is not a regular file, in words."""


def strays(
    tree: Tree, root: Path, paths: Iterable[str], *, published: bool = False
) -> Iterator[TaskCheck]:
    """Yield what is wrong with some files of a tree besides the results in it.

    Args:
        tree: All files.
        root: The folder that they are in.
        paths: Those to look at.
        published: Whether they are to be published, where nothing executable, empty or private is.
    """
    chosen = set(paths)
    if len(tree.forms) > FILES:
        yield _refused(root, "", Plain(f"more than {FILES} files"), "expected a folder of results")
        return
    for path in sorted(chosen):
        form = tree.forms[path]
        if form in FOUND and (published or form not in ("executable", "folder")):
            rule = "expected regular files and folders; remove it"
            if form == "executable":
                rule = "expected a file without that bit; `chmod -x` takes it away"
            yield _refused(root, path, Plain(FOUND[form]), rule)
        elif form != "folder":
            yield from _check(tree, root, path, published=published)
    for path, other in same_names(tree.forms):
        if published and any(own == path or own.startswith(f"{path}/") for own in chosen):
            rule = f"the same name as {other} on Windows and macOS; rename it"
            yield _refused(root, path, path.rpartition("/")[2], rule)


def _check(tree: Tree, root: Path, path: str, *, published: bool) -> Iterator[TaskCheck]:
    folder, _, name = path.rpartition("/")
    if reason := why_not_place(path):
        if not published or "not a file of a result" in reason:
            reason = _private(root / path, reason, published=published)
        if reason:
            yield _refused(root, path, name, reason)
        return
    if folder in (REPORTED, IMPORTED):
        if findings := _content(root / path, path):
            yield TaskCheck(root / path, findings)
    elif name == LOCK_NAME and tree.read(path):
        rule = "expected an empty file; remove it"
        yield _refused(root, path, Plain("a lock file with content"), rule)
    elif missing := _missing(tree, folder, name):
        yield _refused(root, path, name, missing)


def _private(path: Path, reason: str, *, published: bool) -> str:
    """Return why a file on one's own data does not belong there, or the reason if it is another."""
    private = why_private(path)
    if not private:
        return reason
    result = path.with_name(path.name.removesuffix(PER_QUERY_SUFFIX) + ".json")
    listed = path.name.endswith(PER_QUERY_SUFFIX) and result.is_file()
    return "" if listed and not published else f"a result {private}; {NEVER}"


def _content(path: Path, name: str) -> tuple[Finding, ...]:
    """Return what is wrong with published or imported scores."""
    if name.startswith(f"{REPORTED}/"):
        from xbench.results.reported import check_publication

        return check_publication(path, name)[1].listed()
    notes = Notes(name)
    try:
        read_imported(path)
    except UserError as error:
        notes.error("", path.name, str(error))
    return notes.listed()


def _missing(tree: Tree, folder: str, name: str) -> str:
    """Return why a file says nothing where it is; empty if its result is there."""
    suffix = next((own for own in SUFFIXES[:-1] if name.endswith(own)), "")
    if suffix:
        result = f"{name.removesuffix(suffix)}.json"
        return (
            "" if f"{folder}/{result}" in tree.forms else f"{result} is missing; remove this file"
        )
    if name in (META_NAME, SETTINGS_NAME, LOCK_NAME) and not any(
        path.startswith(f"{folder}/") and path.endswith(".json") and not path.endswith(META_NAME)
        for path in tree.forms
    ):
        return "there is no result next to it; remove it"
    return ""


def _refused(root: Path, path: str, found: object, rule: str) -> TaskCheck:
    notes = Notes(path)
    notes.error("", found, rule)
    return TaskCheck(root / path, notes.listed())


def is_result(path: str) -> bool:
    """Return whether a path is that of the result of a task of the catalogue, in a run's folder."""
    name = path.rpartition("/")[2]
    return path.count("/") in (2, 4) and name.removesuffix(".json") in TASKS
