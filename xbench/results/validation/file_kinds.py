"""Every kind of file that may be in a folder of results, and its place; there are no others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from xbench.data.catalogue import TASKS
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.store import EXPERIMENTS, META_NAME, SETTINGS_NAME
from xbench.results.summaries import SUMMARY_SUFFIX

REPORTED, IMPORTED = "reported", "imported"
"""Folders of published and of imported scores, which are next to those of the models."""

LOCK_NAME = ".run_settings.lock"
SUFFIXES = (PER_QUERY_SUFFIX, SUMMARY_SUFFIX, ".json")
"""How the names of a task's files end; the last is its result."""

RUN_FILES = frozenset(
    (META_NAME, SETTINGS_NAME, LOCK_NAME, *(f"{task}{end}" for task in TASKS for end in SUFFIXES))
)
"""Names of the files in the folder of a run."""

WORD = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_-])?"
MODEL, REVISION, SETTINGS = (
    f"{WORD}__{WORD}",
    "[A-Za-z0-9]([A-Za-z0-9._+-]*[A-Za-z0-9_])?",
    "[A-Za-z0-9_.,@+-]+",
)
PLACES = {
    "run": re.compile(rf"{MODEL}/{REVISION}(/{EXPERIMENTS}/{SETTINGS})?/[^/]+"),
    REPORTED: re.compile(rf"{REPORTED}/{WORD}\.json"),
    IMPORTED: re.compile(rf"{IMPORTED}/{WORD}\.json"),
}
"""Where files are, by what is there."""

EXPECTED = {
    "run": f"<organisation>__<model>/<revision>/[{EXPERIMENTS}/<settings>/]<file>",
    REPORTED: f"{REPORTED}/<name>.json",
    IMPORTED: f"{IMPORTED}/<name>.json",
}

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that are devices on Windows."""

LONGEST_NAME, LONGEST_PATH = 240, 400
"""Characters of a name and of a path; file systems take 255 bytes of a name."""


def why_not_place(path: str) -> str:
    """Return why a file must not be at a place; empty if it may.

    Args:
        path: Where it is in the folder of results, with slashes.

    >>> why_not_place("reported/lareqa.json")
    ''
    >>> why_not_place("org__model/1/weights.bin")
    "not a file of a result of xbench's tasks; remove it"
    """
    parts = path.split("/")
    if reason := next(filter(None, map(why_not_portable, parts)), "") or _too_long(path):
        return reason
    kind = parts[0] if parts[0] in PLACES else "run"
    if not PLACES[kind].fullmatch(path):
        return f"expected {EXPECTED[kind]}; remove it"
    if kind == "run" and parts[-1] not in RUN_FILES:
        return "not a file of a result of xbench's tasks; remove it"
    return ""


def _too_long(path: str) -> str:
    long = len(path) > LONGEST_PATH or any(len(own) > LONGEST_NAME for own in path.split("/"))
    return "expected a shorter name" if long else ""


def why_not_portable(name: str) -> str:
    """Return why some system cannot have a file or folder of a name; empty if all can.

    >>> why_not_portable("aux.json"), why_not_portable("model.")
    ('a device on Windows; rename it', 'Windows drops the last dot or space; rename it')
    """
    if not name.isascii() or not name.isprintable() or set(name) & set('<>:"|?*\\'):
        return "expected a name of A-Z, a-z, 0-9, '.', '_' and '-'; rename it"
    if RESERVED.fullmatch(name):
        return "a device on Windows; rename it"
    if name.endswith((".", " ")):
        return "Windows drops the last dot or space; rename it"
    return ""


def same_names(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield paths that some systems take for another one, and that one.

    Names that differ in case alone, or in the form in which Unicode writes the same letters, are
    one name on Windows and macOS.
    """
    first: dict[str, str] = {}
    seen: set[str] = set()
    for path in sorted(paths):
        for place in _folders(path):
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKD", place).casefold())
            other = first.setdefault(folded, place)
            if other != place and place not in seen:
                seen.add(place)
                yield place, other


def _folders(path: str) -> Sequence[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
