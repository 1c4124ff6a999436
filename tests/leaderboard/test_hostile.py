"""Names, addresses and numbers that someone chose to break the pages."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from xbench.leaderboard.entries import slug
from xbench.leaderboard.figures import Details, Figure, Key, LeftOut, Publication, Row, RunDetails

from .conftest import site_of

NAMES = [
    '<script>alert(1)</script>"onmouseover="alert(2)',
    "</script><!--",
    "../../../etc/passwd",
    "..",
    "C:\\windows\\system32",
    "org/Model",
    "org/model",
    "a\u202egpj.exe",
    "\u2066isolated",
    "line\nbreak\u2028and\u2029more\x00\x1b[31m",
    "caf\udce9",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 5000,
    "=HYPERLINK(1)",
    "  +1",
    "@here",
    "",
]
URL = "javascript:alert(1)"


def row(name: str) -> Row:
    """Return a row that says the same hostile thing wherever it may say something."""
    figures = {
        Key("multilingual", "map", None, "macro"): Figure(0.5, name or None, name, (0.4, 0.6)),
        Key("monolingual", name, "el"): Figure(1e300),
    }
    publication = Publication(name, name, URL, "sentence", name)
    run = RunDetails(name, {name: name}, name, name, 10**400, name, 0.5, name)
    details = Details(10**30, "zero-shot", (name,), name, URL, {"multilingual": run})
    return Row(name, "XQuAD-R", "sentence", figures, publication, name, "reported", details)


@pytest.fixture(scope="module")
def site():
    rows = [row(name) for name in NAMES]
    rows += [replace(row(name), dataset=name) for name in NAMES]
    return site_of(rows, [LeftOut(name, name) for name in NAMES])


def test_nothing_that_was_written_becomes_markup(site):
    for path, page in site.pages.items():
        scripts = [own for tag, own in page.tags if tag == "script"]
        assert all(re.fullmatch(r"(\.\./)?(assets|data)/\w+\.js", own["src"]) for own in scripts)
        assert not [own for _, own in page.tags if any(name.startswith("on") for name in own)], path
        hrefs = [own["href"] for _, own in page.tags if "href" in own]
        assert not [
            href
            for href in hrefs
            if not re.fullmatch(r"(https://(arxiv|doi)\.org/)?[\w./?=#-]*", href)
        ]
        assert "49" not in [line.model for table in page.tables.values() for line in table.lines]


def test_no_invisible_character_is_left(site):
    for path, content in site.files.items():
        text = content.decode("utf-8")
        kinds = {unicodedata.category(character) for character in set(text) - {"\n"}}
        if path.endswith(".html"):
            assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}, path


def test_files_stay_in_the_folder_and_differ(site):
    pages = [path for path in site.files if path.startswith("models/")]
    assert len({page.lower() for page in pages}) == len(NAMES)
    for path in map(PurePosixPath, site.files):
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert len(path.name) < 160
        assert re.fullmatch(r"[\w.-]+", path.name)


def test_names_that_read_alike_have_pages_of_their_own():
    assert len({slug("org/model", "1"), slug("org model", "1"), slug("org/model", "2")}) == 3


def test_no_cell_of_a_download_is_a_formula(site):
    for path, content in site.files.items():
        if not path.endswith(".csv"):
            continue
        for line in csv.reader(io.StringIO(content.decode())):
            for cell in line:
                assert not re.match(r"\s*[=+@]", cell) or re.fullmatch(r"[-+\d.e]+", cell)


def test_data_is_valid_and_cannot_end_a_script(site):
    for path, content in site.files.items():
        if path.endswith(".json"):
            json.loads(content)
        if path.startswith("data/") and path.endswith(".js"):
            assert content.isascii()
            assert not set("<>&") & set(content.decode())
