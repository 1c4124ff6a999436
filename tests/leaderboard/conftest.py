"""Fake results, and the page as its reader sees it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xbench.catalogue import TASKS, subsets
from xbench.leaderboard import build_site
from xbench.metrics import TOP_PLACES, PoolRanks, scores
from xbench.results import PerQuery, write_per_query, write_result

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTED = ROOT / "results" / "reported"
QUESTIONS, PASSAGES = 12, 40


def fake_ranks(
    query_language: str, passage_languages: tuple[str, ...], random: np.random.Generator
) -> PoolRanks:
    pool = dict.fromkeys(passage_languages, PASSAGES)
    width, size = len(passage_languages), PASSAGES * len(passage_languages)
    ranks = [random.choice(size, width, replace=False) + 1 for _ in range(QUESTIONS)]
    return PoolRanks(
        questions=tuple(f"q{i}" for i in range(QUESTIONS)),
        query=np.repeat(np.arange(QUESTIONS), width),
        language=np.array(passage_languages * QUESTIONS),
        rank=np.concatenate(ranks),
        query_language=query_language,
        pool=pool,
        top=random.integers(0, width, (QUESTIONS, TOP_PLACES)) if width > 1 else None,
    )


def write_fake(
    results: Path,
    task: str,
    *,
    model: str = "org/model",
    revision: str = "0123abc",
    experiment: Mapping[str, Any] | None = None,
    seed: int = 0,
    edit: Callable[[dict[str, Any]], None] = lambda result: None,
) -> Path:
    """Write a whole result of random ranks, changed by `edit`, and return its file."""
    dataset, setting = TASKS[task]
    random = np.random.default_rng(seed)
    multilingual = setting == "multilingual"
    pools = {
        name: fake_ranks(subset.query_language, subset.passage_languages, random)
        for name, subset in subsets(setting, dataset.languages).items()
    }
    entries = []
    for name, values in scores(pools, multilingual=multilingual).items():
        entries.append({"hf_subset": name, **values, "main_score": values["map"]})
    result = {
        "task_name": task,
        "dataset_revision": dataset.revision,
        "scores": {"test": entries},
    }
    edit(result)
    folder = results / model.replace("/", "__").replace(" ", "_") / revision
    if experiment:
        digest = hashlib.sha256(json.dumps(experiment).encode()).hexdigest()
        folder = folder / "experiments" / f"exp_{digest[:16]}"
    form = (experiment or {}).get("passage_form", "sentence")
    write_per_query(folder, PerQuery(task, dataset.revision, form, multilingual, pools))
    meta = {"name": model, "revision": revision, "experiment_kwargs": experiment}
    write_result(folder, result, meta, {"task": task})
    return folder / f"{task}.json"


@dataclass
class Line:
    """A row of a table: its header, whether measured or reported, and its cells."""

    model: str = ""
    kind: str = ""
    group: str = ""
    cells: list[str] = field(default_factory=list)
    bold: list[str] = field(default_factory=list)


@dataclass
class Table:
    """A table: its caption, column headings and rows."""

    caption: str = ""
    columns: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        return [line.model for line in self.lines]

    def cell(self, model: str, column: str) -> str:
        (line,) = [line for line in self.lines if line.model == model]
        return line.cells[self.columns.index(column) - 1]


class Page(HTMLParser):
    """A page: its tags with their attributes, its tables by id, and the text of each section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, Table] = {}
        self.sections: list[str] = []
        self.style = self.text = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._table = Table()
        self._group = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag in ("meta", "br"):
            return
        self._open.append((tag, attributes))
        if tag == "table":
            self._table = Table()
            self.tables[attributes.get("id") or attributes["class"] or ""] = self._table
        elif tag == "tbody":
            self._group = ""
        elif tag == "tr":
            self._table.lines.append(Line(group=self._group))
        elif tag == "td":
            self._table.lines[-1].cells.append("")
        elif tag == "section":
            self.sections.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag
        lines = self._table.lines
        if tag == "tr" and not lines[-1].cells:
            lines.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if "style" in tags:
            self.style += data
            return
        self.text += data
        if "section" in tags:
            self.sections[-1] += data
        if "table" in tags and (data := data.strip()):
            self._in_table(data, tags)

    def _in_table(self, data: str, tags: list[str]) -> None:
        table, attributes = self._table, [attributes for _, attributes in self._open]
        if "caption" in tags:
            table.caption += data
        elif "thead" in tags:
            table.columns.append(data)
        elif any(a.get("scope") == "rowgroup" for a in attributes):
            self._group += data
        elif any(a.get("class") == "kind" for a in attributes):
            table.lines[-1].kind = data
        elif any(a.get("scope") == "row" for a in attributes):
            table.lines[-1].model += data
        elif "td" in tags:
            table.lines[-1].cells[-1] += data
            if "strong" in tags:
                table.lines[-1].bold.append(table.columns[len(table.lines[-1].cells)])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An empty folder of results."""
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def fake(results: Path) -> Callable[..., Path]:
    """Write a fake result of a task, or of all tasks whose name starts so."""

    def write(start: str, **options: Any) -> Path:
        names = [name for name in TASKS if name.startswith(start)]
        return [write_fake(results, name, **options) for name in names][-1]

    return write


@pytest.fixture
def reported(results: Path) -> Path:
    """Copy the published figures into the folder of results."""
    shutil.copytree(REPORTED, results / "reported")
    return results / "reported"


@pytest.fixture
def page(results: Path, tmp_path: Path) -> Callable[[], Page]:
    """Build the page and read it."""
    return lambda: Page(build_site([results], tmp_path / "site").read_text("utf-8"))


def change(path: Path, **fields: Any) -> None:
    """Change fields of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
