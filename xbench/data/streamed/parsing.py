"""One row of a file of passages: a passage, or what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass

DAMAGED = "damaged gzip"
NOT_UTF8 = "invalid UTF-8"
NO_OBJECT = "no JSON object"
NO_DOCID = "no docid"
WRONG_TYPE = "field of the wrong type"
EMPTY = "empty passage"


@dataclass(frozen=True)
class Defect:
    """What is wrong with a row.

    Attributes:
        kind: One of the kinds above.
        detail: What was found there.
    """

    kind: str
    detail: str


Row = tuple[str, str] | Defect | None
"""Docid and text of a passage, or what is wrong; None for a blank line."""


def passage(docid: object, title: object, text: object) -> tuple[str, str] | Defect:
    """Return docid and text of a passage, or what is wrong with it.

    The text is title and text joined by a space and stripped, whatever is missing, as mteb does.

    >>> passage("7#0", "Bonn", None)
    ('7#0', 'Bonn')
    >>> passage("7#1", "", " ").kind
    'empty passage'
    """
    if docid is None or docid == "":
        return Defect(NO_DOCID, "no docid")
    if not isinstance(docid, str):
        return Defect(WRONG_TYPE, f"docid is a {type(docid).__name__}, no string")
    for name, value in (("title", title), ("text", text)):
        if value is not None and not isinstance(value, str):
            return Defect(WRONG_TYPE, f"{name} is a {type(value).__name__}, no string")
    joined = f"{title or ''} {text or ''}".strip()
    return (docid, joined) if joined else Defect(EMPTY, f"{docid!r} has neither title nor text")


def parse(line: bytes) -> Row:
    """Return what is in a line of a file of passages.

    >>> parse(b'{"docid": "7#0", "title": "Bonn", "text": "is a city."}')
    ('7#0', 'Bonn is a city.')
    """
    try:
        content = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return Defect(NOT_UTF8, f"byte {error.start} of the line is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Defect(NO_OBJECT, str(error)) if line.strip() else None
    if not isinstance(content, dict):
        return Defect(NO_OBJECT, f"a {type(content).__name__}")
    found = passage(content.get("docid"), content.get("title"), content.get("text"))
    if b"\\u" in line and isinstance(found, tuple):
        try:
            "".join(found).encode()
        except UnicodeEncodeError:
            return Defect(NOT_UTF8, f"{found[0]!r} holds half a character (\\ud800 to \\udfff)")
    return found
