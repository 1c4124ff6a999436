"""What a pull request changes of how a model is described, and of how a run was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xbench.results.findings import Notes, TaskCheck, shown
from xbench.results.safe_json import META_LIMIT, parse
from xbench.results.store import META_NAME, SETTINGS_NAME
from xbench.results.validation.trees import Tree
from xbench.results.zero_shot import evaluation_data

OBJECTS = 100_000
"""Objects of a file of published scores, one for each score."""


def changed_descriptions(
    root: Path,
    head: Tree,
    base: Tree,
    changed: Sequence[str],
    newest: Tree,
    gained: Sequence[str],
) -> Iterator[TaskCheck]:
    """Yield every field that changes, and evaluation data that are no longer declared.

    Args:
        root: The folder of results.
        head: Its files as they would be.
        base: Its files as they are.
        changed: Those that differ.
        newest: The files as they have become meanwhile.
        gained: Those that differ meanwhile.
    """
    everyone = [(base, base.forms), (newest, gained), (head, changed)]
    others = [
        _object(tree, path)
        for tree, paths in everyone
        for path in paths
        if path.endswith(f"/{META_NAME}")
    ]
    for path in changed:
        name, notes = path.rpartition("/")[2], Notes(path)
        if name == META_NAME:
            new = _object(head, path)
            if path in base.forms:
                _compare(_object(base, path), new, notes)
            for other in others:
                _compare_training(new, other, notes)
        elif name == SETTINGS_NAME and path in base.forms and head.forms[path] == "file":
            _compare(flat_settings(base.read(path)), flat_settings(head.read(path)), notes)
        if notes.findings:
            yield TaskCheck(root / path, notes.listed())


def content_of(tree: Tree, path: str) -> Any:  # noqa: ANN401
    """Return what a JSON file of a tree holds, None if it is not there or is damaged."""
    there = tree.forms.get(path) in ("file", "executable")
    return parse(tree.read(path), Notes(path), OBJECTS) if there else None


def _object(tree: Tree, path: str) -> Mapping[str, Any]:
    found = content_of(tree, path)
    return found if isinstance(found, dict) else {}


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], notes: Notes) -> None:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            notes.warn(name, new.get(name), f"was {shown(old.get(name))}")


def _compare_training(new: Mapping[str, Any], other: Mapping[str, Any], notes: Notes) -> None:
    """Note evaluation data that the same model, or what it was made from, was trained on."""
    same = new.get("name") == other.get("name")
    if not same and new.get("adapted_from") != other.get("name"):
        return
    missing = _evaluation_data(other) - _evaluation_data(new)
    declared = new.get("training_datasets")
    if missing and (declared is not None or same):
        whose = "another revision of it" if same else other.get("name")
        rule = f"expected {', '.join(sorted(missing))}, too, as {whose} was trained on it"
        notes.error("training_datasets", declared, rule)


def _evaluation_data(meta: Mapping[str, Any]) -> set[str]:
    declared = meta.get("training_datasets")
    names = declared if isinstance(declared, list) else []
    return evaluation_data([name for name in names if isinstance(name, str)])


def flat_settings(content: bytes) -> dict[str, Any]:
    """Return the settings of all tasks of a run by task and field."""
    found: dict[str, Any] = {}
    for line in content[:META_LIMIT].splitlines():
        document = parse(line, Notes(""))
        if isinstance(document, dict):
            found |= dict(_flat(str(document.get("task"))[:200], document))
    return found


def _flat(where: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(value, dict) and where.count(".") < 10:
        for key, own in value.items():
            yield from _flat(f"{where}.{key}", own)
    else:
        yield where, value
