"""Names, addresses and numbers that someone chose to break the pages."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import PurePosixPath

import pytest

from xbench.leaderboard.board import slug
from xbench.results.score_table import Excluded

from .conftest import site_of
from .made_tables import Made, mean, single

pytestmark = pytest.mark.integration

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
    "a;=1+1",
    "b\t@SUM(1)",
    "c\n=cmd|'/c calc'!A1",
    "\uff1d1+1",
    "d,\r\uff0b1",
    "  +1",
    "@here",
    "",
]
URL = "javascript:alert(1)"


def add(made: Made, name: str, dataset: str) -> None:
    """Add a model that says the same hostile thing wherever it may say something."""
    scores = [
        mean("multilingual", "map", 0.5) | {"table": name, "note": name, "low": 0.4, "high": 0.6},
        single("monolingual", name or "map", 1e300, "el"),
    ]
    details = {
        **dict.fromkeys(("license", "command", "query_prompt", "passage_prompt"), name),
        **dict.fromkeys(("dtype", "date", "title"), name),
        "n_parameters": 10**18,
        "url": URL,
        "training_data": (name,),
        "zero_shot": "zero-shot",
        "versions": {name: name},
        "truncated": 0.5,
        "seconds_per_1000": 0.5,
        "notes": (name,),
    }
    about = {"provenance": "reported", "source": name, "revision": name, "dataset": dataset}
    made.add(name, scores, details, **about)


@pytest.fixture(scope="module")
def site():
    made = Made()
    for name in NAMES:
        add(made, name, "XQuAD-R")
        add(made, name, name or "unnamed")
    return site_of(made.table([Excluded(name, name) for name in NAMES]))


@pytest.mark.integration
def test_nothing_that_was_written_becomes_markup(site):
    for path, page in site.pages.items():
        scripts = [own for tag, own in page.tags if tag == "script"]
        assert all(
            re.fullmatch(r"(\.\./)?(assets|data|views)/[\w-]+\.js", own["src"]) for own in scripts
        )
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
            for cell in (part for own in line for part in re.split(r"[;,|\t\n\r]", own)):
                assert not re.match(r"\s*[=+@\uff1d\uff0b]", cell) or re.fullmatch(
                    r"[-+\d.e]+", cell
                )


def test_data_is_valid_and_cannot_end_a_script(site):
    for path, content in site.files.items():
        if path.endswith(".json"):
            json.loads(content)
        if path.startswith(("data/", "sums/", "views/")) and path.endswith(".js"):
            assert content.isascii()
            assert not set("<>&") & set(content.decode())
