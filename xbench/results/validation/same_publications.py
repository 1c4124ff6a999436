"""New files of published scores, next to those that are there: one publication, one file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xbench.results.findings import Notes, TaskCheck
from xbench.results.validation.changed_descriptions import content_of
from xbench.results.validation.file_kinds import REPORTED
from xbench.results.validation.trees import Tree

IDENTITY = ("source", "title", "url")
"""Fields by which pages know a publication; of two files of one they show the first by name."""


def same_publications(
    root: Path, head: Tree, changed: Sequence[str], newest: Tree, gained: Sequence[str]
) -> Iterator[TaskCheck]:
    """Yield files of published scores that are of the publication of another file.

    Args:
        root: The folder of results.
        head: Its files as they would be.
        changed: Those that differ.
        newest: The files as they have become meanwhile.
        gained: Those that differ meanwhile.
    """
    new = [path for path in changed if path.startswith(f"{REPORTED}/")]
    if not new:
        return
    there = {path: identity for path in head.forms if (identity := _identity(head, path))}
    there |= {path: identity for path in gained if (identity := _identity(newest, path))}
    for path in new:
        own = there.get(path)
        same = [other for other, its in sorted(there.items()) if its == own and other != path]
        if own is None or not same:
            continue
        notes = Notes(path)
        rule = f"the publication of {same[0]}; add scores to that file"
        notes.error("title", content_of(head, path)["title"], rule)
        yield TaskCheck(root / path, notes.listed())


def _identity(tree: Tree, path: str) -> tuple[str, ...] | None:
    """Return what a file of published scores is of, however it is spelt; None if it is another."""
    if not path.startswith(f"{REPORTED}/"):
        return None
    document: Any = content_of(tree, path)
    if not isinstance(document, dict) or not document.keys() >= set(IDENTITY):
        return None
    return tuple(re.sub(r"[\W_]+", "", str(document[name]).casefold()) for name in IDENTITY)
