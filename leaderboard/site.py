"""The site: read everything, arrange it in pages, and write them with what they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment

from xbench.files import write_atomically
from xbench.leaderboard.downloads import (
    as_csv,
    as_json,
    entry_records,
    means_script,
    subsets_script,
    table_records,
)
from xbench.leaderboard.entries import Entry, entries_of, titles_of
from xbench.leaderboard.figures import LeftOut, Row
from xbench.leaderboard.pages import (
    MAIN,
    dataset_path,
    overview_columns,
    pages_of,
)
from xbench.leaderboard.rendering import environment
from xbench.leaderboard.rows import read_rows
from xbench.leaderboard.standings import standings


def build_site(results: Sequence[Path], output: Path, cache_dir: Path | None = None) -> Path:
    """Write the pages of results; the same results give the same bytes.

    Args:
        results: Folders of results; of two results of the same run the first counts.
        output: Folder to write the pages to; other files in it are left alone.
        cache_dir: Where to keep what was derived from the results; None to keep nothing.

    Returns:
        The first page.

    Raises:
        UserError: If a folder of results does not exist or a page cannot be written.
    """
    rows, left_out = read_rows(results, cache_dir)
    for path, content in site_files(rows, left_out, cache_dir):
        write_atomically(output / path, content)
    return output / "index.html"


def site_files(
    rows: Sequence[Row], left_out: Sequence[LeftOut], cache_dir: Path | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the site: its place, and its content."""
    entries = entries_of(rows)
    found = {key: standings(rows, key, cache_dir) for key in MAIN}
    filling = environment(datasets=[(title, dataset_path(title)) for title in titles_of(entries)])
    for page in pages_of(entries, left_out, found):
        yield page.path, _filled(filling, page.template, page=page, **page.content)
        for table in page.tables:
            records = table_records(table)
            yield f"data/{table.id}.csv", as_csv(records)
            yield f"data/{table.id}.json", as_json(records)
    yield from _data(entries)
    for asset in sorted(
        resources.files("xbench.leaderboard").joinpath("assets").iterdir(), key=str
    ):
        yield f"assets/{asset.name}", asset.read_bytes()


def _filled(filling: Environment, template: str, **content: object) -> bytes:
    return filling.get_template(template).render(**content).encode("utf-8", "replace")


def _data(entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    means = (column for column in overview_columns(entries) if not column.rank)
    columns = [column for column in means if column.key.average == "macro"]
    yield "data/subsets.js", subsets_script(columns, entries)
    yield "data/means.js", means_script(entries)
    for entry in entries:
        records = entry_records(entry)
        yield f"data/{entry.slug}.csv", as_csv(records)
        yield f"data/{entry.slug}.json", as_json(records)
