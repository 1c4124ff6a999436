"""What a check finds: one statement per defect, and what may be used of a file."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xbench.data.datasets import PassageForm
from xbench.results.per_query_file import PerQuery
from xbench.results.summaries import Summary

RERUN = "run the task again with `xbench evaluate`"
"""What to do about a file that is not as it was written."""

SHOWN = 60
"""How many characters of a value a finding shows."""

SHOWN_PATH = 300
"""How many characters of a file's path, of a field's name and of a rule a finding shows."""

LISTED = 50
"""How many errors and how many warnings of a file are listed; the rest are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or suspicious, and what would be right.

    Attributes:
        file: Path of the file, relative to the folder that is checked, with slashes.
        field: The field, such as ``scores.test[3].map``; empty for the file as a whole.
        found: The value, shortened and made printable.
        rule: What was expected and what to do, in a sentence.
        warning: Whether the file may be used nevertheless.
    """

    file: str
    field: str
    found: str
    rule: str
    warning: bool = False


@dataclass(frozen=True)
class RunIdentity:
    """A model and how it was run.

    Attributes:
        model: Name of the model.
        revision: Its revision.
        options: The settings that are not the model's own, for display.
        passage_form: What a passage's text was.
    """

    model: str
    revision: str
    options: str
    passage_form: PassageForm


@dataclass(frozen=True)
class TaskCheck:
    """What was found in one result file and the files that belong to it.

    Attributes:
        path: The ``<Task>.json``.
        findings: What is wrong or suspicious.
        run: Whose result it is, or None if anything is wrong.
        result: The result file, if it is sound.
        ranks: The ranks next to it, if they are sound.
        meta: ``model_meta.json``, if it is sound.
        settings: The task's line of ``run_settings.jsonl``, if it is sound.
        summary: The stored summary that stands for the ranks, if these were not read.
        part: The languages, where it is shown as a dataset of part of the languages.
    """

    path: Path
    findings: tuple[Finding, ...]
    run: RunIdentity | None = None
    result: dict[str, Any] | None = None
    ranks: PerQuery | None = None
    meta: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    summary: Summary | None = None
    part: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the result may be used."""
        return all(finding.warning for finding in self.findings)


@dataclass
class Notes:
    """The findings in one file, as they are made.

    Attributes:
        file: Path of the file, as findings name it.
        findings: What was found: the first errors and the first warnings.
        unlisted: How many more warnings (True) and errors (False) there are.
    """

    file: str
    findings: list[Finding] = field(default_factory=list)
    unlisted: Counter[bool] = field(default_factory=Counter)

    @property
    def sound(self) -> bool:
        """Whether nothing found so far is an error."""
        return all(finding.warning for finding in self.findings)

    def error(self, where: str, value: object, rule: str) -> None:
        """Note that a field is wrong."""
        self._add(where, value, rule, warning=False)

    def warn(self, where: str, value: object, rule: str) -> None:
        """Note that a field is suspicious."""
        self._add(where, value, rule, warning=True)

    def add(self, other: Notes) -> None:
        """Take over what was found in another part of the same file."""
        self.findings += other.findings
        self.unlisted += other.unlisted

    def first(self) -> str:
        """Return the first finding in a sentence, and how many more there are."""
        found = self.findings[0]
        more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
        return f"{self.file}: {found.field or 'the file'}: {found.found}; {found.rule}{more}"

    def _add(self, where: str, value: object, rule: str, *, warning: bool) -> None:
        if sum(finding.warning == warning for finding in self.findings) >= LISTED:
            self.unlisted[warning] += 1
            return
        file, where, rule = (printable(text, SHOWN_PATH) for text in (self.file, where, rule))
        self.findings.append(Finding(file, where, shown(value), rule, warning))

    def listed(self) -> tuple[Finding, ...]:
        """Return the first findings, errors before warnings, and how many more there are."""
        ordered = sorted(self.findings, key=lambda finding: finding.warning)
        rule = f"the first {LISTED} of a file are listed; fix them and check again"
        more = [
            Finding(ordered[0].file, "", f"{number} more {what}", rule, warning)
            for warning, what in ((False, "errors"), (True, "warnings"))
            if (number := self.unlisted[warning])
        ]
        return (*ordered, *more)


@dataclass(frozen=True)
class Plain:
    """What was found, in words of the check's own rather than a value of the file."""

    text: str


ABSENT = Plain("nothing")
"""What a finding shows where there is no value."""


def shown(value: object) -> str:
    r"""Return a value as a finding shows it: printable, in one line, cut where it is long.

    Characters that are invisible, that change the direction of text or that are not characters at
    all are escaped.

    >>> shown("a\u202eb\n")
    "'a\\u202eb\\n'"
    >>> shown([1] * 100)
    'a list of 100'
    """
    if isinstance(value, Plain):
        return printable(value.text)
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, str):
        return printable(f"'{value[: SHOWN - 3]}…'" if len(value) > SHOWN - 2 else f"'{value}'")
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return "null" if value is None else printable(repr(value))


def printable(text: str, length: int = SHOWN) -> str:
    r"""Return a text in one line without control, format and surrogate characters, and cut it.

    >>> printable("a\u202eb\n")
    'a\\u202eb\\n'
    """
    kept = text if len(text) <= length else f"{text[: length - 1]}…"
    return "".join(c if _is_printable(c) else c.encode("unicode_escape").decode() for c in kept)


def _is_printable(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"
