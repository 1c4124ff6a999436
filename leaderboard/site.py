"""The site: read everything, arrange it in pages, and write them with what they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment

from xbench import __version__
from xbench._util.errors import UserError
from xbench._util.garbage import no_collection
from xbench.leaderboard.article_sums import article_sums
from xbench.leaderboard.board import Board, Standings, arrange
from xbench.leaderboard.choices import SETTING, as_data, setting_of
from xbench.leaderboard.downloads import (
    as_csv,
    as_json,
    board_script,
    keyed_script,
    means_script,
    score_files,
    subsets_script,
    sums_script,
    table_records,
)
from xbench.leaderboard.front_page import dataset_data, models_data
from xbench.leaderboard.index import index_json
from xbench.leaderboard.layout import ALSO, DEMONSTRATIONS
from xbench.leaderboard.measures import language_name
from xbench.leaderboard.pages import (
    Page,
    dataset_page,
    dataset_path,
    file_name,
    mean_columns,
    model_pages,
    other_pages,
    overview_page,
    view_name,
)
from xbench.leaderboard.questions import Failed, question_files, questions_page, read_failed
from xbench.leaderboard.rendering import environment
from xbench.leaderboard.results import read_results
from xbench.leaderboard.standings import ranked_columns, standings
from xbench.leaderboard.views import DatasetViews, Sums
from xbench.leaderboard.writing import MANIFEST, Part, in_processes, write_site
from xbench.results.score_table import (
    Excluded,
    ScoreTable,
    TaskSums,
)


class Site(NamedTuple):
    """A site that was built.

    Attributes:
        page: Its first page.
        excluded: The files that no score was taken from.
        is_empty: Whether there was neither a score nor such a file.
    """

    page: Path
    excluded: tuple[Excluded, ...]
    is_empty: bool


AT_ONCE = 25
"""How many models' files make a part of the site."""


def build_site(
    results: Sequence[Path],
    output: Path,
    *,
    from_ranks: bool = False,
    languages: Sequence[str] = (),
    private: bool = False,
) -> Site:
    """Write the pages of results; the same results give the same bytes.

    Args:
        results: Folders of results; of two results of the same run the first counts.
        output: Folder to write the pages to; files of an earlier site that are not part of this one
            are removed, other files in it are left alone.
        from_ranks: Whether to recompute everything from the ranks, whatever summaries say.
        languages: Codes of the languages to keep; none keeps all.
        private: Whether the pages are for a team of one's own.

    Raises:
        UserError: If a folder of results does not exist, a page cannot be written, or there is
            nothing to show in place of pages that are there.
    """
    with no_collection():
        table = read_results(results, from_ranks=from_ranks, languages=languages)
        is_empty = table.scores.empty and not table.excluded
        if is_empty and (output / MANIFEST).is_file():
            raise UserError(
                f"{', '.join(map(str, results))}: no results; expected a folder that evaluate "
                f"wrote. The pages in {output} stay as they were"
            )
        write_site(output, site_parts(table, private=private))
    return Site(output / "index.html", table.excluded, is_empty)


def site_files(table: ScoreTable) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the site: its place, and its content."""
    return chain.from_iterable(part() for part in site_parts(table))


def site_parts(table: ScoreTable, *, private: bool = False) -> list[Part]:
    """Return what gives the files of the site, in parts that do not need each other."""
    board = arrange(table)
    columns = ranked_columns(board.scores)
    keys = list(columns)
    ranked = in_processes(lambda i: standings(columns[keys[i]], table.influence), len(keys))
    found = dict(zip(keys, ranked, strict=True))
    places = [(title, dataset_path(title)) for title in board.titles]
    failed = read_failed(board, table.paths)
    filling = environment(places, private=private, failed={own.slug for own in failed})
    models = [board.models[i : i + AT_ONCE] for i in range(0, len(board.models), AT_ONCE)]
    sums = _sums(board, table.sums)
    datasets = _datasets(board, found, sums)
    return [
        lambda: _files(filling, [overview_page(board, found, datasets)]),
        lambda: _board_files(board, found, datasets, sums),
        *(partial(_view_files, own) for own in datasets),
        *(partial(_dataset_files, filling, title, board, found) for title in board.titles),
        lambda: _scripts(board),
        *(partial(_model_files, filling, board, own) for own in models),
        lambda: _files(filling, other_pages(board.excluded, private=private)),
        lambda: _question_files(filling, failed),
        lambda: iter([("robots.txt", b"User-agent: *\nDisallow: /\n")] if private else []),
        _assets,
    ]


def _sums(board: Board, sums: Mapping[str, TaskSums]) -> Sums:
    """Return what each article adds, of the measured models of which it is known."""
    runs = board.runs[(board.runs.provenance == "measured") & board.runs.file.isin(list(sums))]
    runs = runs[~runs.dataset.isin(list(DEMONSTRATIONS))]
    files = runs.groupby(["run", "dataset"], sort=False).file.agg(sorted)
    return {
        (int(run), str(title)): article_sums([sums[file] for file in own])
        for (run, title), own in files.items()
    }


def _datasets(board: Board, standings: Standings, sums: Sums) -> list[DatasetViews]:
    """Return the views of the datasets of the first page, the default first."""
    titles = [title for title in board.titles if title in board.ranked or title.startswith(ALSO)]
    found = [DatasetViews(board, title, standings, sums) for title in titles]
    return sorted((own for own in found if own.choices()), key=lambda own: not own.runs)


def _view_files(own: DatasetViews) -> Iterator[tuple[str, bytes]]:
    """Yield what each choice of a dataset shows, and which languages the models favour."""
    for choice in own.choices():
        name = view_name(own, choice)
        yield f"views/{name}.js", keyed_script("views", name, as_data(own.view(choice)))
    if lifts := own.lifts():
        name = f"{file_name(own.title)}-lifts"
        yield f"views/{name}.js", keyed_script("views", name, {"rows": lifts})


def _board_files(
    board: Board, standings: Standings, datasets: Sequence[DatasetViews], sums: Sums
) -> Iterator[tuple[str, bytes]]:
    """Yield what the first page knows of all models, what each article adds, and the index."""
    slugs = board.models.slug
    described = [
        dataset_data(
            own,
            board,
            file_name(own.title),
            dataset_path(own.title),
            [run for run, title in sums if title == own.title],
        )
        for own in datasets
    ]
    codes = sorted({code for own in datasets for code in own.languages})
    content = {
        "version": __version__,
        "languages": {code: language_name(code) for code in codes},
        "datasets": described,
        "models": models_data(board),
    }
    yield "data/board.js", board_script(content)
    yield "index.json", index_json(board, standings, {d["title"]: d for d in described})
    for (run, title), own in sums.items():
        for passage in SETTING:
            at = [i for i, pair in enumerate(own.pairs) if setting_of(pair) == passage]
            if at:
                name = f"{slugs[run]}-{file_name(title)}-{passage}"
                yield f"sums/{name}.js", sums_script(name, own, at)


def _files(filling: Environment, pages: Iterable[Page]) -> Iterator[tuple[str, bytes]]:
    """Yield pages and their tables to download."""
    for page in pages:
        yield page.path, _filled(filling, page.template, page=page, **page.content)
        for table in page.tables:
            records = table_records(table)
            yield f"data/{table.id}.csv", as_csv(records)
            yield f"data/{table.id}.json", as_json(records)


def _dataset_files(
    filling: Environment, title: str, board: Board, found: Standings
) -> Iterator[tuple[str, bytes]]:
    return _files(filling, [dataset_page(title, board, found)])


def _model_files(
    filling: Environment, board: Board, models: pd.DataFrame
) -> Iterator[tuple[str, bytes]]:
    yield from _files(filling, model_pages(board, models))
    scores = board.scores[board.scores.run.isin(models.index)]
    for run, table, objects in score_files(scores):
        yield f"data/{models.slug[run]}.csv", table
        yield f"data/{models.slug[run]}.json", objects


def _question_files(filling: Environment, failed: Sequence[Failed]) -> Iterator[tuple[str, bytes]]:
    if failed:
        yield from _files(filling, [questions_page()])
        yield from question_files(failed)


def _assets() -> Iterator[tuple[str, bytes]]:
    folder = resources.files("xbench.leaderboard").joinpath("assets")
    for asset in sorted(folder.iterdir(), key=str):
        yield f"assets/{asset.name}", asset.read_bytes()


def _filled(filling: Environment, template: str, **content: object) -> bytes:
    return filling.get_template(template).render(**content).encode("utf-8", "replace")


def _scripts(board: Board) -> Iterator[tuple[str, bytes]]:
    means = (column for title in board.ranked for column in mean_columns(title))
    columns = [column for column in means if column.mean.average == "macro"]
    yield "data/subsets.js", subsets_script(columns, board)
    yield "data/means.js", means_script(board)
