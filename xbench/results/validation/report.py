"""What a check found, as text, as JSON, and as Markdown that is safe to paste anywhere."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from xbench.results.findings import Finding, TaskCheck

PLAIN = frozenset(string.ascii_letters + string.digits + " -/=+,()")
"""Characters that mean nothing in Markdown inside a line, nor in HTML."""

COMMENT = 40_000
"""Characters of the findings that Markdown lists; a comment on GitHub has at most 65,536."""


def as_text(checks: Sequence[TaskCheck]) -> str:
    """Return a line per finding and a summary."""
    lines = [
        f"{'warning' if f.warning else 'error'}: {f.file}{f': {f.field}' if f.field else ''}: "
        f"found {f.found}; {f.rule}"
        for f in _findings(checks)
    ]
    return "\n".join([*lines, _summary(checks)])


def as_json(checks: Sequence[TaskCheck]) -> str:
    """Return the findings as JSON."""
    document = {
        "accepted": all(check.accepted for check in checks),
        "files": len(checks),
        "findings": [asdict(finding) for finding in _findings(checks)],
    }
    return json.dumps(document, indent=1)


def as_markdown(checks: Sequence[TaskCheck]) -> str:
    """Return the findings as a Markdown table, nothing of which can act as markup or mention."""
    findings = _findings(checks)
    rows: list[str] = []
    room = COMMENT
    for finding in findings:
        rows.append(_row(finding))
        room -= len(rows[-1])
        if room < 0:
            break
    head = ["", "| | file | field | found | expected |", "|---|---|---|---|---|"] if rows else []
    rest = len(findings) - len(rows)
    more = ["", f"{rest} more findings."] if rest else []
    return "\n".join([_summary(checks), *head, *rows, *more])


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
