"""Published scores: one file per publication, ``<results>/reported/<name>.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from xbench._util.errors import UserError
from xbench.data.datasets import DATASETS, PassageForm, Setting
from xbench.data.languages import LANGUAGES
from xbench.metrics import SCORES, score_range
from xbench.results.field_types import Address, Text
from xbench.results.findings import Notes
from xbench.results.safe_json import MEBIBYTE, read_object
from xbench.results.schema import Document, conforms
from xbench.results.score_table import Contents

FOLDER = "reported"
LIMIT = 16 * MEBIBYTE
"""Bytes of a file of a publication."""

ENTRIES = 100_000
"""Objects of a file of a publication, one for each score."""

TITLES = {dataset.title: dataset for dataset in DATASETS}
Filled = Annotated[Text, StringConstraints(pattern=r"\S")]
Short = Annotated[Filled, StringConstraints(max_length=200)]


class Entry(Document):
    """A published score.

    ``language`` is that of the queries; without it the score is a mean, ``average`` says which.
    """

    model: Short
    dataset: Short
    setting: Setting
    measure: Short
    value: float
    language: Filled | None = None
    average: Literal["macro", "micro"] | None = None
    table: Short | None = None
    note: Filled | None = None


class Publication(Document):
    """A publication and its scores."""

    source: Short
    title: Short
    url: Address
    passage_form: PassageForm = "sentence"
    note: Filled | None = None
    entries: Annotated[list[Entry], Field(min_length=1, fail_fast=True)]


def read_reported(folders: Sequence[Path], contents: Contents) -> None:
    """Add the scores of all publications of folders of results.

    Of two files of the same publication the first counts.
    """
    seen: set[tuple[str, ...]] = set()
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            try:
                document = read_publication(path)
                identity = tuple(document[name] for name in ("source", "title", "url"))
                if identity in seen:
                    raise UserError("the publication is there already")
            except UserError as error:
                contents.exclude(path, folder, error)
                continue
            seen.add(identity)
            _add(document, path, folder, contents)


def read_publication(path: Path) -> dict[str, Any]:
    """Return the content of a file of published scores; nothing in it is trusted.

    Raises:
        UserError: If it is not readable or any of it is wrong.
    """
    document, notes = check_publication(path, path.name)
    if document is None:
        raise UserError(notes.first())
    return document


def check_publication(path: Path, name: str) -> tuple[dict[str, Any] | None, Notes]:
    """Return the content of a file of published scores, None if any is wrong, and what is wrong.

    Args:
        path: The file.
        name: What findings call it.
    """
    notes = Notes(name)
    document = read_object(path, LIMIT, notes, ENTRIES)
    if document is not None and conforms(document, Publication, notes):
        _check_entries(document["entries"], notes)
    return (document if notes.sound else None), notes


def _check_entries(entries: Sequence[dict[str, Any]], notes: Notes) -> None:
    seen = set()
    for number, entry in enumerate(entries):
        where, language = f"entries[{number}]", entry.get("language")
        if language is not None and language not in LANGUAGES:
            notes.error(f"{where}.language", language, f"expected one of {', '.join(LANGUAGES)}")
        if (language is None) == (entry.get("average") is None):
            rule = "expected macro or micro for a mean, and none for a language"
            notes.error(f"{where}.average", entry.get("average"), rule)
        if entry["measure"] not in SCORES:
            notes.error(f"{where}.measure", entry["measure"], "expected a measure of xbench")
            continue
        low, high = score_range(entry["measure"])
        if not low <= entry["value"] <= high:
            notes.error(f"{where}.value", entry["value"], f"expected {low:g} to {high:g}")
        fields = ("model", "dataset", "setting", "measure", "language", "average")
        key = tuple(entry.get(name) for name in fields)
        if key in seen:
            notes.error(where, entry["model"], "expected one score for each model and column")
        seen.add(key)


def _add(document: dict[str, Any], path: Path, folder: Path, contents: Contents) -> None:
    file, entries = path.relative_to(folder).as_posix(), document["entries"]
    source = {
        "provenance": "reported",
        "source": document["source"],
        "passage_form": document.get("passage_form", "sentence"),
        "file": file,
    }
    contents.columns.add(
        len(entries),
        **source,
        **{
            name: [entry.get(name) or "" for entry in entries]
            for name in ("model", "dataset", "setting", "measure", "table", "note")
        },
        task=[_task(entry) for entry in entries],
        subset=[_single(entry) and entry["language"] for entry in entries],
        query_language=[entry.get("language") or "" for entry in entries],
        passage_language=[
            entry["language"] if entry.get("language") and entry["setting"] == "monolingual" else ""
            for entry in entries
        ],
        average=[entry.get("average") or ("" if _single(entry) else "macro") for entry in entries],
        value=[entry["value"] for entry in entries],
    )
    contents.paths[file] = path
    about = source | {"title": document["title"], "url": document["url"]}
    notes = (document["note"],) if document.get("note") else ()
    for model, dataset, setting in dict.fromkeys(
        (entry["model"], entry["dataset"], entry["setting"]) for entry in entries
    ):
        run = {"model": model, "revision": "", "settings": "", "dataset": dataset}
        task = _task({"dataset": dataset, "setting": setting})
        contents.runs.append(
            about | run | {"setting": setting, "task": task, "notes": notes, "zero_shot": "unknown"}
        )


def _single(entry: dict[str, Any]) -> str:
    """Return the language of a score that is of one subset, empty if it is a mean over several."""
    return "" if entry["setting"] == "crosslingual" else entry.get("language") or ""


def _task(entry: dict[str, Any]) -> str:
    dataset = TITLES.get(entry["dataset"])
    known = dataset is not None and entry["setting"] in dataset.settings
    return dataset.task_name(entry["setting"]) if dataset and known else ""
