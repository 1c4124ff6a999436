"""The documentation: its links lead somewhere, its examples run and print what they show."""

from __future__ import annotations

import contextlib
import html
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import xbench
from tests import chromium
from tests.conftest import ROOT, make_tiny_transformer
from xbench.cli import main

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNABLE = (
    "README.md",
    "docs/quickstart.md",
    "docs/python.md",
    "docs/any-system.md",
    "docs/own-corpus.md",
    "CONTRIBUTING.md",
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXAMPLE = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<printed>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
COMMAND = re.compile(r"\bxbench(?![-./\w])((?: [a-z][a-z0-9-]*)*)([^\n`]*)")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors that a forge gives to the headings of a page."""
    text = FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def commands(text: str) -> list[tuple[click.Command, str]]:
    """Return each command of xbench that is named in code, and what follows its name."""
    found = []
    joined = text.replace("\\\n", " ")
    blocks = [body for kind, body in FENCE.findall(joined) if not kind]
    inline = re.findall(r"`([^`]+)`", FENCE.sub("", joined))
    for words, rest in (m for code in [*blocks, *inline] for m in COMMAND.findall(code)):
        command: click.Command = main
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"xbench{words}: there is no command {word!r}"
            command = command.commands[word]
        found.append((command, f"{words} {rest}"))
    return found


def options(command: click.Command) -> set[str]:
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}


def all_commands(command: click.Command):
    yield command
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from all_commands(inner)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1200


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{name(page)}: {target}"
        assert not anchor or anchor in anchors(linked), f"{name(page)}: {target}"


def test_the_contents_name_every_page():
    linked = set(LINK.findall((ROOT / "docs/index.md").read_text("utf-8")))
    pages = {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert pages - linked == {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_exist(page):
    text = page.read_text("utf-8")
    for command, rest in commands(text):
        if command.name != "mteb":
            unknown = set(OPTION.findall(rest)) - options(command)
            assert not unknown, f"{name(page)}: xbench{rest} has {unknown}"
    known = {option for command in all_commands(main) for option in options(command)}
    others = {"--nproc-per-node"}
    alone = {
        option
        for code in re.findall(r"`(--[^`]+)`", FENCE.sub("", text))
        for option in OPTION.findall(code)
    }
    assert alone <= known | others, f"{name(page)}: {alone - known - others}"


@pytest.mark.integration
@pytest.mark.parametrize("page", RUNNABLE)
def test_examples_run_and_print_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MTEB_CACHE", str(tmp_path / "mteb"))
    text = (ROOT / page).read_text("utf-8")
    if "./my-model" in text:
        make_tiny_transformer().save("my-model")
    names = {"__name__": "example"}
    examples = list(EXAMPLE.finditer(text))
    assert examples
    for example in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example["code"], page, "exec"), names)
        if example["printed"] is not None:
            assert lines(printed.getvalue()) == lines(example["printed"])


OUTSIDE = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=.?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The documentation, built strictly: a link that leads nowhere ends the build."""
    place = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "docs", place / "docs")
    for source in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(ROOT / source, place)
    tree = place / "build/tree/xbench"
    tree.mkdir(parents=True)
    for source in (*(ROOT / "xbench").iterdir(), ROOT / "tasks", ROOT / "leaderboard"):
        (tree / source.name).symlink_to(source)
    command = Path(sys.executable).with_name("zensical")
    done = subprocess.run([command, "build", "--strict"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "build/docs"


@pytest.mark.integration
def test_every_public_name_is_in_the_reference(site):
    page = (site / "reference/api.html").read_text("utf-8")
    for public in set(xbench.__all__) - {"__version__"}:
        home = getattr(xbench, public)
        assert f'id="{home.__module__}.{public}"' in page, public


@pytest.mark.integration
def test_every_command_and_option_is_in_the_reference(site):
    page = html.unescape((site / "reference/commands.html").read_text("utf-8"))
    for command in all_commands(main):
        if command.hidden:
            continue
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(name in page for name in option.opts), (command.name, option.opts)


@pytest.mark.integration
def test_the_site_needs_no_network(site):
    for page in site.rglob("*.html"):
        assert not OUTSIDE.findall(page.read_text("utf-8")), page


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.xdist_group("chromium")
@pytest.mark.skipif(chromium.MISSING, reason=chromium.REASON)
def test_no_serious_finding_of_axe(site, tmp_path):
    driver = chromium.start(tmp_path)
    try:
        for page in ("index", "quickstart", "measures", "reference/api", "reference/commands"):
            driver.get((site / f"{page}.html").as_uri())
            assert chromium.serious_findings(driver) == [], page
    finally:
        driver.quit()


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]
