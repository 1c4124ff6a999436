"""The page: read everything, arrange it in sections, and write one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from xbench.catalogue import DATASETS, SETTINGS, Dataset, Setting
from xbench.errors import UserError
from xbench.files import write_atomically
from xbench.leaderboard.figures import Key, LeftOut, Row
from xbench.leaderboard.measured import read_measured
from xbench.leaderboard.reported import FOLDER, read_reported
from xbench.leaderboard.tables import (
    MEASURE_NAMES,
    SETTING_NAMES,
    Table,
    language_columns,
    make_table,
    overview_columns,
)
from xbench.metrics import IN_RANKS

PAGE = "index.html"

BY_LANGUAGE: tuple[tuple[Setting, str], ...] = (
    *((setting, "map") for setting in SETTINGS),
    ("multilingual", "rank_distance"),
)
"""Setting and measure of each table that has a column per query language."""

RANKING = (
    Key("multilingual", "map", None, "macro"),
    Key("multilingual", "map", None, "micro"),
)
"""What models are ordered by; the mean over questions orders those that have no other."""


@dataclass(frozen=True)
class Section:
    """A part of the page about one dataset.

    Attributes:
        id: Its id in the page.
        title: Its heading.
        tables: The tables to show at once.
        by_language: The tables to show on demand.
    """

    id: str
    title: str
    tables: tuple[Table, ...]
    by_language: tuple[Table, ...] = ()


def build_site(results: Sequence[Path], output: Path) -> Path:
    """Write the page of results; the same results give the same bytes.

    Args:
        results: Folders of results; of two results of the same run the first counts.
        output: Folder to write ``index.html`` to.

    Returns:
        The page.

    Raises:
        UserError: If a folder of results does not exist or the page cannot be written.
    """
    for folder in results:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; expected a folder of results")
    measured, left_out = read_measured(results)
    reported, unreadable = _read_reported(results)
    page = output / PAGE
    content = _render([*measured, *reported], [*left_out, *unreadable])
    write_atomically(page, content.encode("utf-8", "replace"))
    return page


def _read_reported(folders: Iterable[Path]) -> tuple[list[Row], list[LeftOut]]:
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


def _render(rows: Sequence[Row], left_out: Sequence[LeftOut]) -> str:
    environment = Environment(
        loader=PackageLoader("xbench.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    demonstrations = [_section(d, rows) for d in DATASETS if d.demonstration]
    return environment.get_template(PAGE).render(
        ranked=[_section(d, rows) for d in DATASETS if not d.demonstration],
        published=_published(rows),
        demonstrations=[section for section in demonstrations if section.tables],
        publications=list(dict.fromkeys(row.publication for row in rows if row.publication)),
        left_out=left_out,
        empty=not rows,
    )


def _section(dataset: Dataset, rows: Sequence[Row]) -> Section:
    """Return the section of a dataset; a demonstration is not ranked."""
    own = [row for row in rows if row.dataset == dataset.title]
    scale = "means \N{MULTIPLICATION SIGN} 100, rank distance in ranks"
    if dataset.demonstration:
        caption = f"{dataset.title}, a demonstration that is not ranked: {scale}"
        table = make_table(f"{dataset.folder}-all", caption, overview_columns(), own)
        return Section(dataset.folder, dataset.title, (table,) if table else ())
    caption = f"{dataset.title}, {len(dataset.languages)} languages: {scale}"
    table = make_table(f"{dataset.folder}-all", caption, overview_columns(), own, RANKING)
    by_language = [
        _language_table(dataset.title, dataset.folder, own, setting, measure, ranked=True)
        for setting, measure in BY_LANGUAGE
    ]
    return Section(
        id=dataset.folder,
        title=dataset.title,
        tables=(table,) if table else (),
        by_language=tuple(table for table in by_language if table),
    )


def _published(rows: Sequence[Row]) -> list[Section]:
    """Return a section for each dataset that has reported figures only."""
    titles = {row.dataset for row in rows} - {dataset.title for dataset in DATASETS}
    sections = []
    for number, title in enumerate(sorted(titles), 1):
        own = [row for row in rows if row.dataset == title]
        shown = sorted({(key.setting, key.measure) for row in own for key in row.figures})
        name = f"published-{number}"
        tables = [_language_table(title, name, own, *which, ranked=False) for which in shown]
        sections.append(Section(name, title, tuple(table for table in tables if table)))
    return sections


def _language_table(
    title: str, name: str, rows: Sequence[Row], setting: Setting, measure: str, *, ranked: bool
) -> Table | None:
    """Return the table of a setting and measure with a column per query language."""
    keys = {key for row in rows for key in row.figures if key[:2] == (setting, measure)}
    languages = sorted({key.language for key in keys if key.language is not None})
    columns = language_columns(setting, measure, languages)
    scale = "in ranks" if measure in IN_RANKS else "\N{MULTIPLICATION SIGN} 100"
    what = f"{SETTING_NAMES[setting].lower()} {MEASURE_NAMES.get(measure, measure)}"
    return make_table(
        name=f"{name}-{setting}-{measure.replace('_', '-')}",
        caption=f"{title}, {what} by query language, {scale}",
        columns=columns,
        rows=rows,
        order=(columns[-1].key,) if ranked else (),
    )
