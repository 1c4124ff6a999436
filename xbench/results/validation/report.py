"""What a check found, as text, as JSON, and as Markdown that is safe to paste anywhere."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from xbench.results.findings import Finding, TaskCheck, printable

PLAIN = frozenset(string.ascii_letters + string.digits + " -/=+,()")
"""Characters that mean nothing in Markdown inside a line, nor in HTML."""

LIMIT = 60_000
"""Characters of a report; a comment on GitHub has at most 65,536."""

UNFINISHED = "The check did not finish: nothing is known of these results. See its log.\n"
"""The report of a check that was ended before its own was written."""


SENTENCE = 1_000
"""Characters of a sentence on what changes; together they take at most half of a report."""


def as_text(checks: Sequence[TaskCheck], sentences: Sequence[str] = ()) -> str:
    """Return a line per finding, what changes, and a summary."""
    lines = [
        f"{'warning' if f.warning else 'error'}: {f.file}{f': {f.field}' if f.field else ''}: "
        f"found {f.found}; {f.rule}"
        for f in _findings(checks)
    ]
    return fitted([*lines, *map(_sentence, sentences)], [_summary(checks)])


def as_json(checks: Sequence[TaskCheck], sentences: Sequence[str] = (), limit: int = LIMIT) -> str:
    """Return the findings as JSON, of which `limit` characters are not exceeded."""
    findings = [asdict(finding) for finding in _findings(checks)]
    written = [json.dumps(_sentence(own)) for own in sentences]
    changes = [json.loads(own) for own in _that_fit(written, limit // 2) if own.startswith('"')]
    rest, room = 0, limit - 2_000 - sum(len(own) + 20 for own in written[: len(changes)])
    for number, finding in enumerate(findings):
        room -= len(json.dumps(finding, indent=1)) + 20
        if room < 0:
            rest = len(findings) - number
            break
    document = {
        "accepted": all(check.accepted for check in checks),
        "files": len(checks),
        "changes": changes,
        "findings": findings[: len(findings) - rest],
        "unlisted": rest,
    }
    return json.dumps(document, indent=1)


def as_markdown(
    checks: Sequence[TaskCheck], sentences: Sequence[str] = (), tables: str = ""
) -> str:
    """Return the findings as a Markdown table, nothing of which can act as markup or mention.

    Args:
        checks: The checks.
        sentences: What is new, replaced and removed.
        tables: What else is shown, as Markdown.
    """
    rows = [_row(finding) for finding in _findings(checks)]
    head = ["", "| | file | field | found | expected |", "|---|---|---|---|---|"] if rows else []
    lines = [f"- {code(_sentence(sentence))}" for sentence in sentences]
    news = ["", *_that_fit(lines, LIMIT // 2)] if sentences else []
    return fitted(
        [*rows, *(["", *tables.splitlines()] if tables else [])], [_summary(checks), *news, *head]
    )


def fitted(lines: Sequence[str], first: Sequence[str]) -> str:
    """Return lines as one text, as many as fit a report, and how many more there are."""
    room = LIMIT - 200 - sum(len(line) + 1 for line in first)
    return "\n".join([*first, *_that_fit(lines, room)])


def _that_fit(lines: Sequence[str], room: int) -> list[str]:
    """Return the first lines that have so many characters, and how many more there are."""
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            more = f"{len(lines) - number} more lines; `--findings FILE` writes all findings."
            return [*lines[:number], "", more]
    return list(lines)


def _sentence(text: str) -> str:
    """Return a sentence in one line that any terminal and any page can show."""
    return printable(text, SENTENCE)


def _row(finding: Finding) -> str:
    kind = "warning" if finding.warning else "**error**"
    texts = (finding.file, finding.field, finding.found, finding.rule)
    return f"| {kind} | {' | '.join(code(text) for text in texts)} |"


def code(text: str) -> str:
    """Return a text as code in Markdown and HTML, whatever it holds.

    A character that could be part of markup, of a mention or of an address is written as a numeric
    reference, which is none of these.

    >>> code("@team | <b>")
    '<code>&#64;team &#124; &#60;b&#62;</code>'
    """
    inner = "".join(c if c in PLAIN else f"&#{ord(c)};" for c in text)
    return f"<code>{inner}</code>" if inner else ""


def _findings(checks: Iterable[TaskCheck]) -> list[Finding]:
    """Return the findings of all checks, those that several share once, errors first."""
    found = dict.fromkeys(finding for check in checks for finding in check.findings)
    return sorted(found, key=lambda finding: finding.warning)


def _summary(checks: Sequence[TaskCheck]) -> str:
    findings = _findings(checks)
    warnings = sum(finding.warning for finding in findings)
    refused = sum(not check.accepted for check in checks)
    verdict = f"{refused} of {len(checks)} files refused" if refused else "all accepted"
    return (
        f"{len(checks)} files checked: {verdict}; {len(findings) - warnings} errors, "
        f"{warnings} warnings."
    )
