"""Check that files are regular, and in the folder of their model and run."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xbench.data.datasets import PASSAGE_FORMS
from xbench.results.findings import ABSENT, Notes, Plain
from xbench.results.store import EXPERIMENTS


def check_links(path: Path, root: Path, notes: Notes) -> None:
    """Note a file that is a link, is behind one, or is outside the folder of results."""
    try:
        inside = path.parts[len(root.parts) :]
        if path.parts[: len(root.parts)] != root.parts:
            raise ValueError
        file, link = _first_link(str(root), inside)
        if ".." in inside or (link and not path.resolve().is_relative_to(root.resolve())):
            notes.error("", Plain("outside the folder of results"), "expected a file inside it")
        elif link:
            notes.error("", Plain(f"{link} is a symbolic link"), "expected a regular file")
        elif file and stat.S_ISREG(file.st_mode) and file.st_nlink > 1:
            notes.error("", Plain("a hard link"), "expected a file of its own; copy it")
    except (OSError, RuntimeError, ValueError) as error:
        notes.error("", Plain(type(error).__name__), "expected a file inside the folder of results")


def _first_link(root: str, inside: Sequence[str]) -> tuple[os.stat_result | None, str]:
    """Return what a file is, None if it is missing, and the first link on the way to it."""
    place, found = root, None
    for name in inside:
        place = os.path.join(place, name)  # noqa: PTH118 - a third of the time of Path
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None, ""
        if stat.S_ISLNK(found.st_mode):
            return found, name
    return found, ""


def check_home(folder: Path, meta: Mapping[str, Any], notes: Notes) -> None:
    """Note a model, revision or settings other than those of the folder they are in."""
    options = meta.get("experiment_kwargs") or {}
    experiment = folder.parent.name == EXPERIMENTS
    home = folder.parent.parent if experiment else folder
    name = meta["name"].replace("/", "__").replace(" ", "_")
    for field, found, expected in (
        ("name", home.parent.name, name),
        ("revision", home.name, meta["revision"]),
    ):
        if found != expected:
            rule = f"is in the folder {found!r}; expected {expected!r}; move it there"
            notes.error(field, meta[field], rule)
    if experiment and not options:
        rule = f"expected the settings that differ; results without any are above {EXPERIMENTS}/"
        notes.error("experiment_kwargs", ABSENT, rule)
    if options and not experiment:
        rule = f"results with other settings are in {EXPERIMENTS}/<settings>/; move them there"
        notes.error("experiment_kwargs", options, rule)
    if "languages" in options:
        rule = "results on part of the languages are not comparable; run all languages"
        notes.error("experiment_kwargs.languages", options["languages"], rule)
    if "passages" in options:
        rule = "results on other than the published passages are not comparable; run those"
        notes.error("experiment_kwargs.passages", options["passages"], rule)
    if options.get("passage_form", "sentence") not in PASSAGE_FORMS:
        rule = f"expected one of {', '.join(PASSAGE_FORMS)}"
        notes.error("experiment_kwargs.passage_form", options["passage_form"], rule)
