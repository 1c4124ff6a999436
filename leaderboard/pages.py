"""The pages: what each is called, which template it fills, and with what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

import pandas as pd

from xbench.data.datasets import Dataset
from xbench.leaderboard.board import Board, Cells, Standings, by_column, slug
from xbench.leaderboard.choices import Choice
from xbench.leaderboard.front_page import default_view, models_data
from xbench.leaderboard.layout import DEMONSTRATIONS, RANKED, Mean, shown, streamed
from xbench.leaderboard.measures import (
    SETTING_NAMES,
    definitions,
    measure_name,
)
from xbench.leaderboard.model_pages import dataset_parts, legend
from xbench.leaderboard.tables import Column, Table, column_of, language_columns, make_table
from xbench.leaderboard.views import DatasetViews
from xbench.metrics import IN_RANKS
from xbench.metrics.descriptions import measure_of
from xbench.results.score_table import Excluded

DISTRIBUTION = "xbench-mteb"
"""Name of the project where it is installed from."""


@dataclass(frozen=True)
class Page:
    """A page to write.

    Attributes:
        path: Its place in the site.
        template: The template it fills.
        title: Its title.
        description: What it shows, in a sentence.
        content: What the template is filled with.
        tables: Its tables, each with files to download.
    """

    path: str
    template: str
    title: str
    description: str
    content: dict[str, Any]
    tables: Sequence[Table] = field(default=())

    @property
    def root(self) -> str:
        """The way from the page to the folder of the site."""
        return "../" * self.path.count("/")


def dataset_path(title: str) -> str:
    """Return the place of a dataset's page."""
    known: dict[str, Dataset] = {**RANKED, **DEMONSTRATIONS}
    return f"datasets/{known[title].folder if title in known else slug(title)}.html"


def mean_columns(title: str) -> list[Column]:
    """Return the columns of a dataset's means."""
    return [column_of(title, mean) for mean in shown(title).means]


def other_pages(excluded: Sequence[Excluded], *, private: bool = False) -> Iterator[Page]:
    """Yield the pages that show no scores; a private board has none on submissions."""
    yield Page(
        "compare.html", "compare.html", "Compare models",
        "Chosen models side by side: every measure, its interval, and each language.", {},
    )  # fmt: skip
    effectiveness, bias = definitions()
    yield Page(
        "measures.html", "measures.html", "Measures",
        "What every score means: its formula, its source and its edge cases.",
        {"effectiveness": effectiveness, "bias": bias},
    )  # fmt: skip
    if not private:
        yield Page(
            "submit.html", "submit.html", "Submit a model",
            "How the results of a model get to these pages.", {"repository": repository()},
        )  # fmt: skip
    yield Page(
        "excluded.html", "excluded.html", "Excluded files",
        "Files that no score is taken from, and why.", {"excluded": excluded},
    )  # fmt: skip


def repository() -> str:
    """Return the address of the project's repository, empty if its metadata have none."""
    with suppress(PackageNotFoundError):
        for line in metadata(DISTRIBUTION).get_all("Project-URL") or []:
            name, _, url = line.partition(", ")
            if name.lower() in ("repository", "source", "homepage") and url.startswith("https://"):
                return str(url)
    return ""


def overview_page(board: Board, standings: Standings, datasets: Sequence[DatasetViews]) -> Page:
    """Return the first page.

    Args:
        board: What pages show.
        standings: Standings of the means.
        datasets: The views of each dataset; the first is the default.
    """
    means = board.cells[(board.cells.query_language == "") & (board.cells.average != "")]
    cells = by_column(means)
    demonstrations = [_main_table(title, board, cells, standings) for title in DEMONSTRATIONS]
    tables = [own for own in demonstrations if own]
    content: dict[str, Any] = {
        "view": None,
        "demonstrations": tables,
        "empty": board.models.empty,
        "blank": defaultdict(str),
    }
    for own in datasets[:1]:
        folder = file_name(own.title)
        content |= {
            "view": default_view(own, models_data(board), own.title),
            "dataset_page": dataset_path(own.title),
            "first_view": f"views/{view_name(own, own.choices()[0])}.js",
            "table_file": f"data/{folder}-all" if own.title in board.ranked else "",
        }
    return Page(
        path="index.html",
        template="overview.html",
        title="Multilingual retrieval leaderboard",
        description="How well embedding models retrieve within, across and among many languages, "
        "and which languages they favour.",
        content=content,
        tables=tables,
    )


def view_name(views: DatasetViews, choice: Choice) -> str:
    """Return the name of a view's file."""
    return "-".join((file_name(views.title), *choice))


def dataset_page(title: str, board: Board, standings: Standings) -> Page:
    """Return the page of a dataset."""
    known = title in board.ranked or title in DEMONSTRATIONS
    cells = board.cells[board.cells.dataset == title]
    if known:
        means = (*shown(title).means, *shown(title).by_language)
        cells = cells[cells.measure.isin([mean.measure for mean in means])]
    models = board.of(title)
    tables = [
        _main_table(title, board, by_column(cells), standings),
        *_language_tables(title, board, cells),
    ]
    kept = [table for table in tables if table]
    others = models[models.source != ""]
    publications = others.drop_duplicates(["source", "title", "url", "note"])
    return Page(
        path=dataset_path(title),
        template="dataset.html",
        title=title,
        description=f"The scores of {len(models)} models on {title}, by language.",
        content={
            "dataset": RANKED.get(title) or DEMONSTRATIONS.get(title),
            "order": _order_name(title) if title in board.ranked else "",
            "tables": kept,
            "publications": list(publications.itertuples()),
            "legend": legend(),
        },
        tables=kept,
    )


def _scale(columns: Sequence[Column]) -> str:
    """Return in which units the scores of some columns are."""
    distance = any(column.mean.measure in IN_RANKS for column in columns)
    return f"means × 100{', rank distance in ranks' if distance else ''}"


def _main_table(title: str, board: Board, cells: Cells, standings: Standings) -> Table | None:
    """Return the table of a dataset's means; a demonstration is not ranked."""
    name = f"{file_name(title)}-all"
    if title in board.ranked:
        columns = [
            column
            for mean in shown(title).means
            for column in (column_of(title, mean), column_of(title, mean, rank=True))
            if mean in shown(title).standing or not column.rank
        ]
        caption = f"{title}: {_scale(columns)}"
        return make_table(
            board, cells, name, caption, columns, shown(title).order, standings=standings
        )
    if title in DEMONSTRATIONS:
        caption = f"{title}, a demonstration that is not ranked: {_scale(mean_columns(title))}"
        return make_table(board, cells, name, caption, mean_columns(title))
    return None


def file_name(title: str) -> str:
    """Return how the names of a dataset's files begin."""
    return dataset_path(title).removeprefix("datasets/").removesuffix(".html")


def _order_name(title: str) -> str:
    """Return by what the models of a ranked dataset are ordered."""
    mean = shown(title).order[0]
    return f"{SETTING_NAMES[mean.setting].lower()} {measure_name(mean.measure)}"


def _language_tables(title: str, board: Board, cells: pd.DataFrame) -> Iterator[Table | None]:
    """Yield the tables of a dataset that have a column per query language."""
    known = title in board.ranked or title in DEMONSTRATIONS
    scores = board.scores[(board.scores.dataset == title) & (board.scores.query_language != "")]
    present = scores[["setting", "measure"]].drop_duplicates().itertuples(index=False)
    by_language = cells[cells.query_language != ""]
    scores_of = by_column(cells)
    for mean in shown(title).by_language if known else sorted(Mean(*own) for own in present):
        own = by_language[by_language.measure == mean.measure]
        languages = sorted(own[own.setting == mean.setting].query_language.unique())
        measure = mean.measure
        name = measure.replace("_", "-") if measure_of(measure) else slug(measure)
        scale = "in ranks" if measure in IN_RANKS else "× 100"
        setting = SETTING_NAMES[mean.setting]
        yield make_table(
            board,
            scores_of,
            name=f"{file_name(title)}-{mean.setting}-{name}",
            caption=f"{setting} {measure_name(measure)} by query language, {scale}",
            columns=language_columns(title, mean, languages),
            order=(mean,) if title in board.ranked else (),
        )


def model_pages(board: Board, models: pd.DataFrame) -> Iterator[Page]:
    """Yield the pages of some of the models."""
    same = board.models[board.models.name.isin(models.name)]
    by_name = defaultdict(list)
    for model in same.itertuples():
        by_name[model.name].append(model)
    for model, parts in dataset_parts(board, models):
        yield Page(
            path=f"models/{model.slug}.html",
            template="model.html",
            title=model.name,
            description=f"All scores of {model.name}: means, languages, language bias, settings.",
            content={
                "model": model,
                "passages": _passages(model),
                "parts": parts,
                "others": [own for own in by_name[model.name] if own.Index != model.Index],
                "legend": legend(),
            },
        )


def _passages(model: Any) -> str:  # noqa: ANN401
    """Return in words what the passages of a model's datasets are."""
    if model.passage_form == "context":
        return "sentences followed by their paragraph"
    kinds = {streamed(title) for title in model.datasets}
    if kinds == {True}:
        return "as published"
    return "sentences; MIRACL's as published" if True in kinds else "sentences"
