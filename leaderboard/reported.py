"""Published figures: one file per publication, ``<results>/reported/<name>.json``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import PASSAGE_FORMS, SETTINGS
from xbench.data.languages import LANGUAGES
from xbench.leaderboard.checks import choice, optional_text, read_object, score, text
from xbench.leaderboard.figures import AVERAGES, Figure, Key, LeftOut, Publication, Row

FOLDER = "reported"


def read_all_reported(folders: Sequence[Path]) -> tuple[list[Row], list[LeftOut]]:
    """Read all publications of folders of results: their rows, and the files left out.

    Of two files of the same publication the first counts.
    """
    rows: list[Row] = []
    left_out = []
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            try:
                new = read_reported(path)
                if {row.publication for row in new} & {row.publication for row in rows}:
                    raise UserError("the publication is there already")
            except UserError as error:
                left_out.append(LeftOut(path.relative_to(folder).as_posix(), str(error)))
                continue
            rows += new
    return rows, left_out


def read_reported(path: Path) -> list[Row]:
    """Read the figures of a publication: a row per model and dataset, in the order of the file.

    Raises:
        UserError: If the file is not readable or any of it is wrong.
    """
    document = read_object(path)
    publication = _publication(document, path.name)
    entries = document.get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path.name}: entries is no list of objects")
    rows: dict[tuple[str, str], dict[Key, Figure]] = defaultdict(dict)
    for number, entry in enumerate(entries, 1):
        where = f"{path.name}, entry {number}"
        key = _key(entry, where)
        figures = rows[text(entry, "model", where), text(entry, "dataset", where)]
        if key in figures:
            raise UserError(f"{where}: a second figure for {', '.join(filter(None, key))}")
        figures[key] = Figure(
            value=score(key.measure, entry.get("value"), where),
            table=optional_text(entry, "table", where),
            note=optional_text(entry, "note", where),
        )
    return [
        Row(model, dataset, publication.passage_form, figures, publication, origin="reported")
        for (model, dataset), figures in rows.items()
    ]


def _publication(document: dict[str, Any], file: str) -> Publication:
    url = text(document, "url", file)
    if not url.startswith("https://"):
        raise UserError(f"{file}: url is {url!r}; expected an address that starts with https://")
    form = document.get("passage_form", "sentence")
    return Publication(
        source=text(document, "source", file),
        title=text(document, "title", file),
        url=url,
        passage_form=choice(form, PASSAGE_FORMS, "passage_form", file),
        note=optional_text(document, "note", file),
    )


def _key(entry: dict[str, Any], where: str) -> Key:
    language = entry.get("language")
    if language is None:
        average = choice(entry.get("average"), AVERAGES, "average", where)
    else:
        choice(language, tuple(LANGUAGES), "language", where)
        average = choice(entry.get("average"), (None,), "average", where)
    setting = choice(entry.get("setting"), SETTINGS, "setting", where)
    return Key(setting, text(entry, "measure", where), language, average)
