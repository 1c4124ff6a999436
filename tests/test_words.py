"""Words that the project avoids in documentation, messages and docstrings, and better ones.

``python -m tests.test_words`` lists every finding, in code too.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from tests.conftest import ROOT

WORDS = {
    r"\btold\b(?! apart)": "reported",
    r"\btold apart\b|\btells? (?:\w+ ){0,3}apart\b": "distinguished",
    r"\b(?:tells?|telling)\b(?! (?:\w+ ){0,3}apart)": "report, say or know",
    r"\banew\b": "again",
    r"\bbeside\b": "next to",
    r"\blacking\b": "missing",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bplain (?:file|folder)s?\b": "regular file",
    r"\b(?:holds?|holding|held) no\b": "has no, does not have",
    r"\b(?:left|leaves|leaving) (?:it |them |those |these )?out\b": "excluded or skipped",
    r"(?<!matplotlib's )\bfigures?\b(?!: |[^.]{0,60}\bmatplotlib)": "score, result or value",
    r"(?<!as it )\b(?:stands?|stood)\b(?! for\b)": "is",
    r"\b(?:lies?|lay)\b(?! (?:between|beyond)\b)": "is, is in",
    r"(?<!\bthere )\b(?:is|are|was|were) no\b(?! (?:longer|more|better|worse)\b)": "is not a",
    r"\bsuspicions?\b": "warning",
    r"\bat hand\b": "not yet measured, not available",
    r"\bcut (?:off )?at\b|\b(?:was|were|is|are) cut\b(?!-| into\b)": "truncated",
    r"\bown version first\b": "same-language-first rate minus chance",
}
"""Regular expressions of the words to avoid, whatever their case, and what to write instead."""

PICTURES = "xbench/analysis/plot"
"""Start of the modules in which a figure is matplotlib's."""

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
CODE = ("xbench", "tasks", "leaderboard")
"""Folders whose strings, docstrings and pages are held to the list."""

PATTERNS = {re.compile(word, re.IGNORECASE): better for word, better in WORDS.items()}
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"`[^`\n]+`")
RELEASED = re.compile(r"^## \d.*", re.DOTALL | re.MULTILINE)
MARKUP = re.compile(r"\{[{%#].*?[}%#]\}|\b(?:class|id|href|for|name)=\"[^\"]*\"", re.DOTALL)
INSERTED = re.compile(r"\$\{[^}\n]*\}")
QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")


def blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace what matches by as many lines of nothing."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file, and the line where it begins."""
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, CODE_SPAN.sub("", node.value)
    elif path.suffix == ".js":
        for number, line in enumerate(INSERTED.sub("", source).splitlines(), 1):
            yield from ((number, text) for text in QUOTED.findall(line))
    elif path.suffix == ".md":
        yield 1, CODE_SPAN.sub("", blank(FENCED, blank(RELEASED, source)))
    else:
        yield 1, blank(MARKUP, source)


def words(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each word to avoid, with its line in the text and the better word.

    A string without a space is a name, not prose.
    """
    pieces = list(re.finditer(r"\S+", text))
    if len(pieces) < 2:
        return
    flat = " ".join(piece[0] for piece in pieces)
    starts = [0, *accumulate(len(piece[0]) + 1 for piece in pieces)]
    for pattern, better in PATTERNS.items():
        for match in pattern.finditer(flat):
            piece = pieces[bisect_right(starts, match.start()) - 1]
            yield text.count("\n", 0, piece.start()), match[0], better


def findings(path: Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    return [
        f"{name}:{line + more}: {word!r}: write {better!r}"
        for line, text in texts(path)
        for more, word, better in words(text)
        if not (name.startswith(PICTURES) and word.lower().startswith("figure"))
    ]


def files(folders: tuple[str, ...]) -> list[Path]:
    kinds = (".py", ".html", ".js", ".md")
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds and "__pycache__" not in path.parts
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Which file stands beside it.", ["stands", "beside"]),
        ("This is no JSON; there is no file, and it is no longer read.", ["is no"]),
        ("The mean lies in it, between its ends; it lies between 0 and 1.", ["lies"]),
        ("A line left\n    out, whose figure is a matplotlib figure.", ["left out", "figure"]),
        ("stands", []),
        ("It stands for a name, cut-offs are cut-offs, standings are kept.", []),
    ],
)
def test_what_is_found(text, found):
    assert sorted(word for _, word, _ in words(text)) == sorted(found)


def test_documents_use_the_words_of_the_field():
    assert not [finding for path in DOCUMENTS for finding in findings(path)]


@pytest.mark.parametrize("folder", CODE)
def test_code_uses_the_words_of_the_field(folder):
    assert not [finding for path in files((folder,)) for finding in findings(path)]


if __name__ == "__main__":
    for path in [*DOCUMENTS, *files(CODE)]:
        for finding in findings(path):
            print(finding)
