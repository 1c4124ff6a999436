"""The site: read everything, arrange it in pages, and write them with what they need."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import resources
from itertools import chain
from pathlib import Path

from jinja2 import Environment

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
from xbench.leaderboard.layout import STANDING
from xbench.leaderboard.pages import (
    Page,
    dataset_page,
    dataset_path,
    model_page,
    other_pages,
    overview_columns,
    overview_page,
)
from xbench.leaderboard.rendering import environment
from xbench.leaderboard.rows import read_rows
from xbench.leaderboard.standings import standings
from xbench.leaderboard.tables import Standings
from xbench.leaderboard.writing import Part, in_processes, write_site

AT_ONCE = 10
"""How many models' files make a part of the site."""


def build_site(
    results: Sequence[Path],
    output: Path,
    cache_dir: Path | None = None,
    *,
    from_ranks: bool = False,
) -> Path:
    """Write the pages of results; the same results give the same bytes.

    Args:
        results: Folders of results; of two results of the same run the first counts.
        output: Folder to write the pages to; files of an earlier site that are not part of this one
            are removed, other files in it are left alone.
        cache_dir: Where to keep what was derived from the results; None to keep nothing.
        from_ranks: Whether to recompute everything from the ranks, whatever summaries say.

    Returns:
        The first page.

    Raises:
        UserError: If a folder of results does not exist or a page cannot be written.
    """
    with _no_collection():
        rows, left_out = read_rows(results, cache_dir, from_ranks=from_ranks)
        write_site(output, site_parts(rows, left_out, cache_dir))
    return output / "index.html"


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do without searches for garbage: all figures are kept, and each search looks at them all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def site_files(
    rows: Sequence[Row], left_out: Sequence[LeftOut], cache_dir: Path | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the site: its place, and its content."""
    return chain.from_iterable(part() for part in site_parts(rows, left_out, cache_dir))


def site_parts(
    rows: Sequence[Row], left_out: Sequence[LeftOut], cache_dir: Path | None = None
) -> list[Part]:
    """Return what gives the files of the site, in parts that do not need each other."""
    entries = entries_of(rows)
    keys = [key for key in STANDING if any(key in row.evidence for row in rows)]
    ranked = in_processes(lambda number: standings(rows, keys[number], cache_dir), len(keys))
    found = dict(zip(keys, ranked, strict=True))
    titles = titles_of(entries)
    filling = environment(datasets=[(title, dataset_path(title)) for title in titles])
    few = [entries[i : i + AT_ONCE] for i in range(0, len(entries), AT_ONCE)]
    return [
        lambda: _files(filling, [overview_page(entries, found)]),
        *(partial(_dataset_files, filling, title, entries, found) for title in titles),
        lambda: _scripts(entries),
        *(partial(_model_files, filling, own, entries) for own in few),
        lambda: _files(filling, other_pages(left_out)),
        _assets,
    ]


def _files(filling: Environment, pages: Iterable[Page]) -> Iterator[tuple[str, bytes]]:
    """Yield pages and their tables to download."""
    for page in pages:
        yield page.path, _filled(filling, page.template, page=page, **page.content)
        for table in page.tables:
            records = table_records(table)
            yield f"data/{table.id}.csv", as_csv(records)
            yield f"data/{table.id}.json", as_json(records)


def _dataset_files(
    filling: Environment, title: str, entries: Sequence[Entry], found: Standings
) -> Iterator[tuple[str, bytes]]:
    return _files(filling, [dataset_page(title, entries, found)])


def _model_files(
    filling: Environment, own: Sequence[Entry], entries: Sequence[Entry]
) -> Iterator[tuple[str, bytes]]:
    yield from _files(filling, (model_page(entry, entries) for entry in own))
    for entry in own:
        records = entry_records(entry)
        yield f"data/{entry.slug}.csv", as_csv(records)
        yield f"data/{entry.slug}.json", as_json(records)


def _assets() -> Iterator[tuple[str, bytes]]:
    folder = resources.files("xbench.leaderboard").joinpath("assets")
    for asset in sorted(folder.iterdir(), key=str):
        yield f"assets/{asset.name}", asset.read_bytes()


def _filled(filling: Environment, template: str, **content: object) -> bytes:
    return filling.get_template(template).render(**content).encode("utf-8", "replace")


def _scripts(entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    means = (column for column in overview_columns(entries) if not column.rank)
    columns = [column for column in means if column.key.average == "macro"]
    yield "data/subsets.js", subsets_script(columns, entries)
    yield "data/means.js", means_script(entries)
