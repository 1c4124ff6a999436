"""The pages: what each is called, which template it fills, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from xbench.data.catalogue import Dataset
from xbench.leaderboard.entries import Entry, keys_of, passages_of, slug, titles_of
from xbench.leaderboard.figures import Key, LeftOut
from xbench.leaderboard.layout import ALSO, DEMONSTRATIONS, RANKED, shown
from xbench.leaderboard.matrices import legend
from xbench.leaderboard.measures import (
    MEASURES,
    SETTING_NAMES,
    definitions,
    language_name,
    measure_name,
)
from xbench.leaderboard.model_pages import dataset_part
from xbench.leaderboard.tables import (
    Column,
    Standings,
    Table,
    column_of,
    language_columns,
    make_table,
)
from xbench.metrics import IN_RANKS


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


def figure_columns(title: str) -> list[Column]:
    """Return the columns of a dataset's means."""
    return [column_of(title, key) for key in shown(title).figures]


def overview_columns(entries: Sequence[Entry]) -> list[Column]:
    """Return the columns of the overview: of ranked datasets, and means of some others."""
    columns = []
    for title in titles_of(entries):
        means = keys_of(entry.rows[title] for entry in entries if title in entry.rows)
        if title in RANKED:
            columns.append(column_of(title, shown(title).place, rank=True))
            columns += figure_columns(title)
        elif title.startswith(ALSO):
            columns += [
                column_of(title, key)
                for key in sorted(means, key=str)
                if key.average == "macro" and key.measure == "ndcg_at_10"
            ]
    return columns


def other_pages(left_out: Sequence[LeftOut]) -> Iterator[Page]:
    """Yield the pages that show no figures."""
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
    yield Page(
        "submit.html", "submit.html", "Submit a model",
        "How the results of a model come to stand on these pages.", {},
    )  # fmt: skip
    yield Page(
        "left-out.html", "left_out.html", "Left out",
        "Files that no figure is taken from, and why.", {"left_out": left_out},
    )  # fmt: skip


def overview_page(entries: Sequence[Entry], standings: Standings) -> Page:
    """Return the first page."""
    columns = overview_columns(entries)
    caption = f"All models: {_scale(columns)}"
    order = dict.fromkeys(key for title in RANKED for key in shown(title).order)
    table = make_table("overview", caption, columns, entries, tuple(order), standings)
    demonstrations = [_main_table(title, entries, standings) for title in DEMONSTRATIONS]
    tables = [own for own in (table, *demonstrations) if own]
    titles = {column.dataset for column in columns}
    keys = keys_of(row for e in entries for title, row in e.rows.items() if title in titles)
    codes = {key.language for key in keys if key.language}
    return Page(
        path="index.html",
        template="overview.html",
        title="Multilingual retrieval leaderboard",
        description="How well embedding models retrieve within, across and among many languages, "
        "and which languages they favour.",
        content={
            "table": table,
            "demonstrations": [own for own in tables if own is not table],
            "languages": {code: language_name(code) for code in sorted(codes)},
            "empty": not entries,
        },
        tables=tables,
    )


def dataset_page(title: str, entries: Sequence[Entry], standings: Standings) -> Page:
    """Return the page of a dataset."""
    own = [entry for entry in entries if title in entry.rows]
    tables = [_main_table(title, own, standings), *_language_tables(title, own)]
    kept = [table for table in tables if table]
    return Page(
        path=dataset_path(title),
        template="dataset.html",
        title=title,
        description=f"The figures of {len(own)} models on {title}, by language.",
        content={
            "dataset": RANKED.get(title) or DEMONSTRATIONS.get(title),
            "order": _order_name(title),
            "tables": kept,
            "publications": list(dict.fromkeys(e.publication for e in own if e.publication)),
            "legend": legend(),
        },
        tables=kept,
    )


def _scale(columns: Sequence[Column]) -> str:
    """Return in which units the figures of some columns are."""
    distance = any(column.key.measure in IN_RANKS for column in columns)
    return f"means × 100{', rank distance in ranks' if distance else ''}"


def _main_table(title: str, entries: Sequence[Entry], standings: Standings) -> Table | None:
    """Return the table of a dataset's means; a demonstration is not ranked."""
    scale = _scale(figure_columns(title)) if title in {**RANKED, **DEMONSTRATIONS} else ""
    path = dataset_path(title).removeprefix("datasets/").removesuffix(".html")
    if title in RANKED:
        columns = [
            column
            for figures in figure_columns(title)
            for column in (figures, column_of(title, figures.key, rank=True))
            if column.key in shown(title).standing or not column.rank
        ]
        order = shown(title).order
        return make_table(f"{path}-all", f"{title}: {scale}", columns, entries, order, standings)
    if title in DEMONSTRATIONS:
        caption = f"{title}, a demonstration that is not ranked: {scale}"
        return make_table(f"{path}-all", caption, figure_columns(title), entries)
    return None


def _order_name(title: str) -> str:
    """Return by what the models of a ranked dataset are ordered; empty for another."""
    if title not in RANKED:
        return ""
    key = shown(title).order[0]
    return f"{SETTING_NAMES[key.setting].lower()} {measure_name(key.measure)}"


def _language_tables(title: str, entries: Sequence[Entry]) -> list[Table | None]:
    """Return the tables of a dataset that have a column per query language."""
    keys = keys_of(entry.rows[title] for entry in entries)
    present = {key[:2] for key in keys if key.language}
    known = title in RANKED or title in DEMONSTRATIONS
    wanted = shown(title).by_language if known else sorted(present)
    return [_language_table(title, entries, Key(*which, None, "macro"), keys) for which in wanted]


def _language_table(
    title: str, entries: Sequence[Entry], mean: Key, keys: Set[Key]
) -> Table | None:
    setting, measure = mean[:2]
    own = {key for key in keys if key[:2] == mean[:2] and not key.passage_language}
    languages = sorted({key.language for key in own if key.language})
    path = dataset_path(title).removeprefix("datasets/").removesuffix(".html")
    known = measure.partition("_at_")[0] in MEASURES
    name = re.sub(r"_", "-", measure) if known else slug(measure)
    scale = "in ranks" if measure in IN_RANKS else "× 100"
    return make_table(
        name=f"{path}-{setting}-{name}",
        caption=f"{SETTING_NAMES[setting]} {measure_name(measure)} by query language, {scale}",
        columns=language_columns(title, mean, languages),
        entries=entries,
        order=(mean,) if title in RANKED else (),
    )


def model_page(entry: Entry, entries: Sequence[Entry]) -> Page:
    """Return the page of one of the entries."""
    return Page(
        path=f"models/{entry.slug}.html",
        template="model.html",
        title=entry.model,
        description=f"All figures of {entry.model}: means, languages, language bias and settings.",
        content={
            "entry": entry,
            "passages": passages_of(entry),
            "parts": [dataset_part(row) for row in entry.rows.values()],
            "others": [e for e in entries if e.model == entry.model and e is not entry],
            "legend": legend(),
        },
    )
