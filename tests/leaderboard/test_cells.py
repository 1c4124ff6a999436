"""Every cell of every table of a site is a score of the tidy table, found in one line of pandas."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from xbench.data.datasets import DATASETS, SETTINGS
from xbench.leaderboard.measures import SETTING_ABBREVIATIONS, measure_name, written
from xbench.metrics import SCORES
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE

from .conftest import Built, Line, Table, built, write_tasks

pytestmark = pytest.mark.integration

MEASURES = {measure_name(measure): measure for measure in (*SCORES, *BY_PASSAGE_LANGUAGE)}
SHORT = {short: setting for setting, short in SETTING_ABBREVIATIONS.items()}
FOLDERS = {dataset.folder: dataset.title for dataset in DATASETS}
KEY = ["provenance", "model", "dataset", "setting", "measure", "query_language"]


@pytest.fixture(scope="module")
def small(published: Built, tmp_path_factory) -> Built:
    """The published scores, and a model on the demonstration and, in one setting, on XQuAD-R."""
    root = tmp_path_factory.mktemp("small")
    (root / "reported").symlink_to(published.results / "reported")
    for start in ("XBenchMini", "XQuADRMultilingual"):
        write_tasks(root, start, summary=True)
    return built(root)


@pytest.fixture(scope="module")
def values(small: Built) -> pd.Series:
    """All scores by what they are of; the provenance and the name of a model say which it is."""
    scores = small.table.scores
    assert (
        not scores[["model", "provenance", "source", "revision", "settings"]]
        .drop_duplicates()[["model", "provenance"]]
        .duplicated()
        .any()
    )
    return (
        scores.astype(dict.fromkeys(KEY, object))
        .set_index([*KEY, "average", "passage_language"])
        .value.sort_index()
    )


def found(values: pd.Series, *key: str) -> pd.Series:
    """Return the scores under the first parts of a key."""
    own = values.loc[key] if key in values.index else values.iloc[:0]
    return own if isinstance(own, pd.Series) else pd.Series([own])


def named(heading: str) -> tuple[str | None, str]:
    """Return the setting, if it is named, and the measure of a heading of scores."""
    short, _, name = heading.partition(" ")
    return (SHORT[short], MEASURES[name]) if short in SHORT else (None, MEASURES[heading])


def check(text: str, measure: str, scores: pd.Series) -> int:
    """Check a cell, and return whether it has a score."""
    assert text == (written(measure, scores.mean()) if len(scores) else "")
    return len(scores) > 0


def board_cells(values: pd.Series, table: Table, line: Line) -> int:
    """Check the means of a row of a table of models."""
    number = 0
    for column, name, text in zip(table.ids[1:], table.columns[1:], line.cells, strict=True):
        title = next((FOLDERS[f] for f in FOLDERS if column.startswith(f"{f}-")), None)
        if title is None or name == "Rank":
            continue
        heading = re.sub(r" micro$", "", "Mul. Rank distance" if name == "Rank distance" else name)
        setting, measure = named(heading)
        key = (line.kind, line.model, title, setting, measure, "")
        scores = found(values, *key, "micro" if name.endswith(" micro") else "macro")
        number += check(text, measure, scores)
    return number


def language_cells(values: pd.Series, table: Table, line: Line, title: str) -> int:
    """Check a row of a table of models that has a column per query language."""
    setting, name = re.match(r"([\w-]+) (.+) by query language", table.caption).groups()
    key = (title, setting.lower().replace("-", ""), MEASURES[name])
    number = 0
    for code, text in zip(table.columns[1:-1], line.cells, strict=False):
        own = ("", "macro") if code == "Mean" else (code,)
        number += check(text, key[2], found(values, line.kind, line.model, *key, *own))
    return number


def sheet_cells(small: Built, values: pd.Series, table: Table, model: tuple[str, str]) -> int:
    """Check a table of a model's means, or of its scores by language."""
    title = table.caption.partition(":")[0]
    number = 0
    for line in table.lines:
        for name, text in zip(table.columns[1:], line.cells, strict=True):
            if name == "Chance":
                number += chance_cell(small, model, title, MEASURES[line.model], text)
                continue
            if table.columns[0] == "Passage language":
                setting, measure = named(name)
                code = re.search(r"\((\w+)\)$", line.model)[1]
                own = (code, "") if setting else ("", "macro", code)
            elif table.columns[0] == "Measure":
                row = line.model.partition(", over all questions")[0]
                setting, measure = name.lower().replace("-", ""), MEASURES[row]
                own = ("", "micro" if line.model != row else "macro")
            else:
                setting, measure = named(name)
                own = (re.search(r"\((\w+)\)$", line.model)[1],)
            settings = [setting] if setting else SETTINGS
            known = [found(values, *model, title, each, measure, *own) for each in settings]
            (scores,) = [scores for scores in known if len(scores)] or known[:1]
            number += check(text, measure, scores)
    return number


def chance_cell(small: Built, model: tuple[str, str], title: str, measure: str, text: str) -> int:
    """Check what is said of a random order."""
    scores = small.table.scores
    own = scores[(scores.provenance == model[0]) & (scores.model == model[1])]
    own = own[(own.dataset == title) & (own.setting == "multilingual")]
    (file,) = {file for file in own.file if (file, measure) in small.table.chance} or {None}
    chance = small.table.chance.get((file, measure))
    assert text == ("" if chance is None else written(measure, chance))
    return chance is not None


def matrix_cells(values: pd.Series, table: Table, model: tuple[str, str], title: str) -> int:
    """Check a table of every pair of languages."""
    measure = "language_share_at_20"
    if "before its translation" in table.caption:
        measure = "language_advantage"
    elif "first 20 places" not in table.caption:
        measure = MEASURES[re.search(r": (\S+) of each query", table.caption)[1]]
    number = 0
    for line in table.lines:
        for passage, text in zip(table.columns[1:], line.cells, strict=True):
            own = found(values, *model, title).xs(
                (measure, line.model, "", passage),
                level=("measure", "query_language", "average", "passage_language"),
            )
            number += check(text, "map", own)
            own_language = measure == "language_advantage" and passage == line.model
            assert len(own) == (0 if own_language else 1)
    return number


def test_every_cell_is_a_score_of_the_table(small, values):
    numbers = dict.fromkeys(("board", "language", "sheet", "matrix"), 0)
    for path, page in small.site.pages.items():
        heading = re.search(
            r"<h1 class=\"name\"><bdi>(.*?)</bdi> <span[^>]*>(\w+)", small.site.files[path].decode()
        )
        model = (heading[2], heading[1]) if heading else ("", "")
        for name, table in page.tables.items():
            if path == "index.html":
                continue
            title = table.caption.partition(":")[0]
            if name.startswith("sheet"):
                numbers["sheet"] += sheet_cells(small, values, table, model)
            elif name.startswith("matrix"):
                numbers["matrix"] += matrix_cells(values, table, model, title)
            elif "by query language" in table.caption:
                title = FOLDERS[next(f for f in FOLDERS if name.startswith(f"{f}-"))]
                numbers["language"] += sum(
                    language_cells(values, table, line, title) for line in table.lines
                )
            else:
                numbers["board"] += sum(board_cells(values, table, line) for line in table.lines)
    assert min(numbers.values()) > 70
