"""Sound results, and the pages made of them as their reader sees them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from xbench.data.catalogue import TASKS
from xbench.data.datasets import BELEBELE, MTOP
from xbench.leaderboard.results import read_results
from xbench.leaderboard.site import site_parts
from xbench.metrics import comparisons
from xbench.results.score_table import ScoreTable

from .sound_results import write_sound

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTED = ROOT / "results" / "reported"
REAL = ("reported", "xbench__bm25", "xbench__char-ngram", "local__all-MiniLM-L6-v2")
VOID = {"meta", "br", "link", "input"}


@dataclass
class Line:
    """A row of a table: its header, its badge, its cells without and with the small print."""

    model: str = ""
    kind: str = ""
    group: str = ""
    cells: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    bold: list[str] = field(default_factory=list)


@dataclass
class Table:
    """A table: its caption, headings and ids of the columns, and rows."""

    caption: str = ""
    columns: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        return [line.model for line in self.lines]

    def cell(self, model: str, column: str) -> str:
        (line,) = [line for line in self.lines if line.model == model]
        return line.cells[self.columns.index(column) - 1]


class Page(HTMLParser):
    """A page: its tags with their attributes, its text, and its tables by id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, Table] = {}
        self.text = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._table = Table()
        self._group = ""
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        self._open.append((tag, attributes))
        inside = [tag for tag, _ in self._open]
        if tag == "table":
            self._table = self.tables[attributes["id"] or ""] = Table()
        elif tag == "tbody":
            self._group = ""
        elif tag == "tr" and "tbody" in inside:
            self._table.lines.append(Line(group=self._group))
        elif tag == "tr":
            self._table.columns.clear()
            self._table.ids.clear()
        elif tag == "th" and "thead" in inside:
            self._table.columns.append("")
            self._table.ids.append(attributes.get("data-column") or "")
        elif tag == "td" and "tbody" in inside:
            self._table.lines[-1].cells.append("")
            self._table.lines[-1].details.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag
        inside = [tag for tag, _ in self._open]
        if tag == "tr" and "tbody" in inside and not self._table.lines[-1].cells:
            self._table.lines.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        self.text += data
        if "table" in tags and (data := data.strip()):
            self._in_table(data, tags)

    def _in_table(self, data: str, tags: list[str]) -> None:
        table, attributes = self._table, [attributes for _, attributes in self._open]
        if "caption" in tags:
            table.caption += data
        elif "thead" in tags and "th" in tags:
            table.columns[-1] += data
        elif any(a.get("scope") == "rowgroup" for a in attributes):
            self._group += data
        elif any((a.get("class") or "").startswith("badge") for a in attributes):
            table.lines[-1].kind = data
        elif any(a.get("scope") == "row" for a in attributes):
            table.lines[-1].model += data
        elif "td" in tags and "thead" not in tags:
            line = table.lines[-1]
            if "small" in tags:
                line.details[-1] += data
            elif "sup" not in tags:
                line.cells[-1] += data
            if "strong" in tags:
                line.bold.append(table.columns[len(line.cells)])


class Site:
    """The files of a site, and its pages as they are read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def page(self, path: str = "index.html") -> Page:
        return Page(self.files[path].decode())

    def model(self, start: str) -> Page:
        """Read the page of the one model whose page's name starts so."""
        (path,) = [p for p in self.files if p.startswith(f"models/{start}") and p.endswith("html")]
        return self.page(path)

    @property
    def pages(self) -> dict[str, Page]:
        return {path: self.page(path) for path in self.files if path.endswith(".html")}


def site_of(table: ScoreTable) -> Site:
    """Return the site of a table of scores."""
    return Site(dict(chain.from_iterable(part() for part in site_parts(table))))


def read_site(folder: Path) -> Site:
    """Read the site in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Site({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


@dataclass
class Built:
    """A folder of results, the table of its scores, and the site made of that."""

    results: Path
    table: ScoreTable
    site: Site


def built(results: Path) -> Built:
    """Read a folder of results and make its site."""
    table = read_results([results])
    return Built(results, table, site_of(table))


@pytest.fixture(scope="session")
def real_results(tmp_path_factory) -> Path:
    """Three measured models and the published scores, whatever else was measured since."""
    folder = tmp_path_factory.mktemp("real") / "results"
    for name in REAL:
        shutil.copytree(ROOT / "results" / name, folder / name)
    return folder


def write_tasks(results: Path, start: str, **options: Any) -> Path:
    """Write sound results of all tasks whose name starts so, and return the last result file."""
    names = [
        name
        for name, (own, _) in TASKS.items()
        if name.startswith(start) and not own.streamed and own not in (BELEBELE, MTOP)
    ]
    return [write_sound(results, name, **options) for name in names][-1]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The published scores alone."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(REPORTED, folder / "reported")
    return built(folder)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The published scores, and a model with results on everything but MIRACL."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(REPORTED, folder / "reported")
    meta = {"training_datasets": ["MSMARCO", "MLQA"], "n_parameters": 118_000_000}
    write_tasks(folder, "", meta=meta, summary=True)
    return built(folder)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An empty folder of results."""
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def sound(results: Path) -> Callable[..., Path]:
    """Write sound results of all tasks whose name starts so, with their summaries."""

    def write(start: str, **options: Any) -> Path:
        return write_tasks(results, start, **{"summary": True, **options})

    return write


@pytest.fixture
def site(results: Path) -> Callable[[], Site]:
    """Make the site of the folder of results."""
    return lambda: built(results).site


def resampled_less() -> pytest.MonkeyPatch:
    """Draw 500 resamples instead of 10,000 until the patch is undone."""
    patch = pytest.MonkeyPatch()
    patch.setattr(comparisons, "pairwise_tests", _fewer(comparisons.pairwise_tests))
    return patch


def _fewer(resample: Callable[..., Any]) -> Callable[..., Any]:
    return lambda values, resamples=0, seed=0: resample(values, 500, seed)


@pytest.fixture
def few_resamples() -> Iterator[None]:
    """Resample and permute little."""
    patch = resampled_less()
    yield
    patch.undo()
