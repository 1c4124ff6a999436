"""Sound results, and the pages made of them as their reader sees them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from xbench.data.catalogue import TASKS
from xbench.leaderboard import build_site
from xbench.leaderboard.figures import LeftOut, Row
from xbench.leaderboard.site import site_files

from .sound_results import write_sound

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTED = ROOT / "results" / "reported"
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
        elif tag == "th" and "thead" in inside:
            self._table.columns.append("")
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


def site_of(rows: Iterable[Row], left_out: Iterable[LeftOut] = ()) -> Site:
    """Return the site of rows."""
    return Site(dict(site_files(list(rows), list(left_out))))


def read_site(folder: Path) -> Site:
    """Read the site in a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Site({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An empty folder of results."""
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def sound(results: Path) -> Callable[..., Path]:
    """Write sound results of a task, or of all tasks whose name starts so."""

    def write(start: str, **options: Any) -> Path:
        names = [n for n, (own, _) in TASKS.items() if n.startswith(start) and not own.streamed]
        return [write_sound(results, name, **options) for name in names][-1]

    return write


@pytest.fixture
def reported(results: Path) -> Path:
    """Copy the published figures into the folder of results."""
    shutil.copytree(REPORTED, results / "reported")
    return results / "reported"


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of a session keep what they derived from the same results."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def site(results: Path, cache_dir: Path, tmp_path: Path) -> Callable[[], Site]:
    """Build the site and read it."""

    def build() -> Site:
        folder = tmp_path / "site"
        build_site([results], folder, cache_dir)
        return read_site(folder)

    return build
