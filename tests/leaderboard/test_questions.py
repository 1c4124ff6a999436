"""The page of failed questions: what is in its files, and that nothing of it becomes markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands import invoke
from xbench.leaderboard.site import build_site
from xbench.results.failures import (
    Failures,
    ShownPassage,
    failures_path,
    read_failures,
    write_failures,
)
from xbench.results.findings import Notes

pytestmark = pytest.mark.integration

TASK = "XBenchMiniCrosslingualRetrieval"
HOSTILE = '</script><img src=x onerror=alert(1)>\u202e"'


@pytest.fixture
def place(tmp_path) -> Path:
    words = ("evaluate", "--model", "xbench/bm25", "-t", TASK, "-l", "de,en", "--save-failures")
    outcome = invoke(tmp_path, *words, "--no-progress")
    assert outcome.returncode == 0, outcome.stderr
    return tmp_path


def stored(place: Path) -> tuple[Path, Failures]:
    (path,) = (place / "results-failures").rglob(f"{TASK}.json.gz")
    return path, read_failures(path, Notes("x"))


def script(path: Path) -> object:
    """What a script sets."""
    return json.loads(re.search(r"= (\{.*\}|\[.*\]);\n\Z", path.read_text())[1])


def test_the_files_have_what_was_saved(place):
    build_site([place / "results"], place / "site")
    _, saved = stored(place)
    text = (place / "site/data/failed.js").read_text()
    (model,) = json.loads(re.search(r"failed: (\{.*\}) \};", text)[1])["models"]
    assert (model["model"], model["setting"]) == ("xbench/bm25", "crosslingual")
    assert [own["query"] for own in model["subsets"]] == ["de", "en"]
    for number, own in enumerate(saved.subsets.values()):
        assert model["subsets"][number]["failed"] == own.failed
        shown = script(place / f"site/questions/{model['name']}-{number}.js")
        assert shown == [failure.model_dump() for failure in own.shown]
    page = (place / f"site/models/{model['slug']}.html").read_text()
    assert f"questions.html?model={model['slug']}" in page
    assert 'href="questions.html"' in (place / "site/index.html").read_text()


def test_without_them_there_is_no_such_page(place):
    path, _ = stored(place)
    path.unlink()
    build_site([place / "results"], place / "site")
    assert not (place / "site/questions.html").exists()
    assert "questions.html" not in (place / "site/index.html").read_text()


def test_a_damaged_file_is_named_and_the_rest_is_built(place, caplog):
    path, _ = stored(place)
    path.write_bytes(path.read_bytes()[:-9])
    site = build_site([place / "results"], place / "site")
    assert not site.excluded
    assert f"not used: {path}: cut off: expected one whole gzip member" in caplog.text
    assert not (place / "site/questions.html").exists()


def test_hostile_texts_are_text(place):
    path, saved = stored(place)
    own = saved.subsets["de-en"]
    bad = ShownPassage(language=HOSTILE, text=HOSTILE)
    changed = own.shown[0].model_copy(update={"query": HOSTILE, "right": bad, "first": bad})
    subset = own.model_copy(update={"shown": [changed], "query_language": HOSTILE})
    write_failures(path, saved.model_copy(update={"subsets": {HOSTILE: subset}}))
    build_site([place / "results"], place / "site")
    for file in ((place / "site/data/failed.js"), *(place / "site/questions").iterdir()):
        text = file.read_text("ascii")
        assert "<" not in text.replace("<Task>", "")
        assert "202e" in text
    (own,) = (place / "site/questions").iterdir()
    assert script(own)[0]["first"] == {"language": HOSTILE, "text": HOSTILE}


def test_another_folder_of_results_has_its_own(place):
    moved = place / "mine"
    (place / "results").rename(moved)
    build_site([moved], place / "site")
    assert not (place / "site/questions.html").exists()
    (place / "results-failures").rename(place / "mine-failures")
    build_site([moved], place / "site")
    assert (place / "site/questions.html").exists()
    assert failures_path(moved, moved / "a/b", TASK).parent == place / "mine-failures/a/b"
