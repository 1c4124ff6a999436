"""What a change of published scores changes: those that are there stay as they were published."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xbench.data.datasets import DATASETS
from xbench.results.findings import Notes, Plain, shown

PLACE = ("model", "dataset", "setting", "measure", "language", "average")
"""Fields of a score that say which one it is."""

ARXIV = re.compile(r"\b\d{4}\.\d{4,5}\b")
"""The number that arXiv gives to a publication."""

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
        _check_new(after, notes)
        _check_source(new, notes)
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
    _check_new({place: own for place, own in after.items() if place not in before}, notes)


def _check_new(added: Mapping[Any, tuple[int, Mapping[str, Any]]], notes: Notes) -> None:
    """Note new scores of datasets that xbench has not."""
    titles = [dataset.title for dataset in DATASETS]
    for number, entry in added.values():
        if entry.get("dataset") not in titles:
            rule = f"expected one of {', '.join(titles)}"
            notes.error(f"entries[{number}].dataset", entry.get("dataset"), rule)


def _check_source(new: Mapping[str, Any], notes: Notes) -> None:
    """Note a publication that is named by another number of arXiv than its address."""
    source, url = str(new.get("source")), str(new.get("url"))
    named, linked = ARXIV.findall(source), ARXIV.findall(url)
    if "arxiv.org/" in url and named and not set(named) & set(linked):
        notes.error("url", url, f"expected the address of {shown(source)}")


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
