"""What a change of published scores changes: those that are there stay as they were published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xbench.results.findings import Notes, Plain, shown

PLACE = ("model", "dataset", "setting", "measure", "language", "average")
"""Fields of a score that say which one it is."""

HEAD = ("source", "title", "url", "passage_form", "note")
"""Fields of a publication."""


def changed_scores(old: Any, new: Any, notes: Notes) -> None:  # noqa: ANN401
    """Note published scores that are changed, removed and added.

    Args:
        old: The content of the file as it is, None if it is new.
        new: The content as it would be; other checks say whether it is sound.
        notes: Where to note.
    """
    before, after = _scores(old), _scores(new)
    if not isinstance(new, dict):
        return
    if old is None:
        found = Plain(f"{len(after)} scores of a new publication")
        notes.warn("entries", found, "compare them with the publication")
        return
    for field in HEAD:
        if isinstance(old, dict) and old.get(field) != new.get(field):
            rule = f"was {shown(old.get(field))}; published scores stay as they are"
            notes.error(field, new.get(field), rule)
    for place, (_, entry) in before.items():
        if place not in after:
            rule = f"{_words(place)} was {entry.get('value')}; published scores stay as they are"
            notes.error("entries", Plain("a score is removed"), rule)
    for place, (number, entry) in after.items():
        where = f"entries[{number}]"
        if place in before:
            _compare(before[place][1], entry, where, notes)
        else:
            rule = f"a new score, {_words(place)}; compare it with the publication"
            notes.warn(f"{where}.value", entry.get("value"), rule)


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], where: str, notes: Notes) -> None:
    for field in sorted((new.keys() | old.keys()) - set(PLACE)):
        if new.get(field) != old.get(field):
            rule = f"was {shown(old.get(field))}; published scores stay as they are"
            notes.error(f"{where}.{field}", new.get(field), rule)


def _scores(document: Any) -> dict[tuple[str, ...], tuple[int, Mapping[str, Any]]]:  # noqa: ANN401
    """Return the scores by what they are of, each with its number in the file."""
    entries = document.get("entries") if isinstance(document, dict) else None
    return {
        tuple(str(entry.get(name)) for name in PLACE): (number, entry)
        for number, entry in enumerate(entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    }


def _words(place: tuple[str, ...]) -> str:
    return ", ".join(word for word in place if word != "None")
