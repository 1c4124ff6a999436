"""Corpora that are published with a table per language, whose rows are parallel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, concatenate_datasets, load_dataset

from xbench._util.errors import UserError
from xbench.data.languages import language
from xbench.training.corpora.formats import read_table
from xbench.training.corpora.tables import WideTable


@dataclass(frozen=True)
class Published:
    """A dataset of the hub, as its Parquet branch lays it out.

    The hub converts a dataset to ``<configuration>/<split>/*.parquet`` on that branch; of a large
    one only the beginning, in ``partial-<split>``. Datasets that consist of a loading script can be
    read in no other way since version 4 of the datasets library.

    Attributes:
        repository: Its name on the hub.
        split: The split that is read.
        configurations: Folder of each language; with ``*``, of several configurations.
        columns: Side that each column holds.
    """

    repository: str
    split: str
    configurations: Mapping[str, str]
    columns: Mapping[str, str]


MMARCO_LANGUAGES = (
    *("ar", "de", "en", "es", "fr", "hi", "id"),
    *("it", "ja", "nl", "pt", "ru", "vi", "zh"),
)
"""mMARCO's languages (arXiv 2108.13897)."""

PUBLISHED = {
    "mmarco": Published(
        repository="unicamp-dl/mmarco",
        split="train",
        configurations={code: language(code).name.lower() for code in MMARCO_LANGUAGES},
        columns={"query": "query", "positive": "passage", "negative": "negative"},
    ),
    "squadshifts": Published(
        repository="ludwigschmidt/squadshifts",
        split="test",
        configurations={"en": "*"},
        columns={"question": "query", "context": "passage"},
    ),
}

REVISION = "refs/convert/parquet"


def find_published(path: str) -> Published | None:
    """Return the published corpus that a path names by its short name or its name on the hub."""
    by_name = {**PUBLISHED, **{known.repository: known for known in PUBLISHED.values()}}
    return by_name.get(path)


def read_published(
    published: Published,
    languages: Sequence[str],
    revision: str | None,
    copy: Path | None,
    folder: Path,
) -> WideTable:
    """Read the tables of some languages side by side, as far as the shortest goes.

    Args:
        published: The corpus.
        languages: ISO 639-1 codes; those that it lacks are passed over, none takes all.
        revision: A revision other than the Parquet branch, laid out like it.
        copy: Local copy of that branch, in place of the hub.
        folder: Folder to keep the tables in.

    Raises:
        UserError: If it has none of the languages or cannot be loaded.
    """
    known = published.configurations
    chosen = [code for code in known if not languages or code in languages]
    if not chosen:
        raise UserError(
            f"{published.repository}: no {', '.join(languages)}; it has {', '.join(known)}"
        )
    base = str(copy or f"hf://datasets/{published.repository}@{revision or REVISION}")
    tables = {code: _load(published, code, base, folder) for code in chosen}
    shortest = min(len(table) for table in tables.values())
    notes = [
        f"the first {shortest:,} of {len(table):,} rows in {code}, as many as there are in all "
        "languages"
        for code, table in tables.items()
        if len(table) > shortest
    ]
    parts = [table.select(range(shortest)) for table in tables.values()]
    side_by_side = concatenate_datasets(parts, axis=1)
    read = read_table(side_by_side, "wide", published.repository, folder)
    return WideTable(read.table, notes=tuple(notes))


def _load(published: Published, code: str, base: str, folder: Path) -> Dataset:
    files = f"{base}/{published.configurations[code]}/*{published.split}/*.parquet"
    names = {column: f"{side}_{code}" for column, side in published.columns.items()}
    try:
        table = load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder))
        return table.select_columns(list(names)).rename_columns(names)
    except Exception as error:
        raise UserError(
            f"{files}: cannot be loaded ({type(error).__name__}: {error}); expected tables with "
            f"columns {', '.join(published.columns)}"
        ) from error
