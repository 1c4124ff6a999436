"""What messages tell a user to do can be done: commands, options, extras and pages exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT
from tests.test_docs import OPTION, all_commands, anchors, options
from xbench.cli import main

INSERTED = "…"
"""In the place of what a message has of its values."""

COMMAND = re.compile(r"\bxbench((?: [a-z][a-z0-9-]*)+)([^`]*)")
ALONE = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]\b(?!-)")
OTHERS = {"--head", "--upgrade", "--rwrap"}
"""Options of other programs in messages: of `ray start`, of pip, and of LaTeX's columns."""


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that are prose, each with its line; not its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(own) for own in ast.walk(node)}
            parts = (
                own.value if isinstance(own, ast.Constant) else INSERTED for own in node.values
            )
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if " " in text:
            yield node.lineno, text


MESSAGES = [
    pytest.param(text, id=f"{path.relative_to(ROOT).as_posix()}:{line}")
    for folder in ("xbench", "tasks", "leaderboard")
    for path in sorted((ROOT / folder).rglob("*.py"))
    for line, text in messages(path)
    if re.search(r"--[a-z]|`[^`]*xbench |xbench-mteb\[|docs/", text)
]


def missing(text: str) -> set[str]:
    """Return what a message names that is not there."""
    found = set()
    for code in re.findall(r"`([^`]+)`", text):
        for words, rest in COMMAND.findall(code):
            command: click.Command = main
            for word in words.split():
                if isinstance(command, click.Group):
                    if word not in command.commands:
                        found.add(f"xbench{words}")
                        break
                    command = command.commands[word]
            if command.name != "mteb":
                found |= set(OPTION.findall(rest)) - options(command)
    known = {option for command in all_commands(main) for option in options(command)}
    found |= set(ALONE.findall(text)) - known - OTHERS
    extras = metadata("xbench-mteb").get_all("Provides-Extra")
    found |= set(re.findall(r"xbench-mteb\[(\w+)\]", text)) - set(extras)
    for page, anchor in re.findall(r"\b(docs/[\w/-]+\.\w+)(?:#([\w-]+))?", text):
        if not (ROOT / page).exists() or (anchor and anchor not in anchors(ROOT / page)):
            found.add(page)
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run `xbench evaluate --model M` again, with --offline", set()),
        ("run `xbench evaluat`, or `xbench compare A --modle B`", {"xbench evaluat", "--modle"}),
        (
            "--ofline; install 'xbench-mteb[no]'; see docs/none.md",
            {"--ofline", "no", "docs/none.md"},
        ),
    ],
)
def test_what_is_missing_is_found(text, found):
    assert missing(text) == found


@pytest.mark.parametrize("text", MESSAGES)
def test_what_a_message_names_exists(text):
    assert not missing(text)
