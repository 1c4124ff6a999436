"""Read files that anyone may have written, within limits of size, nesting and time."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from xbench.results.findings import ABSENT, Notes, Plain

MEBIBYTE = 2**20

RESULT_LIMIT = 2 * MEBIBYTE
"""Bytes of a result file; those of 132 subsets have 0.05 MiB, with mteb's own measures 0.6 MiB."""

META_LIMIT = MEBIBYTE
"""Bytes of ``model_meta.json`` and of ``run_settings.jsonl``."""

PACKED_LIMIT = 4 * MEBIBYTE
"""Bytes of a per-query file; the largest task's has 0.5 MiB."""

UNPACKED_LIMIT = 16 * MEBIBYTE
"""Bytes of a per-query file's content; the largest task's has 3 MiB."""

DIGITS = 400
"""Digits that a number may have; the greatest that fits a double has 309."""

OBJECTS = 5_000
"""Objects that a file may hold; a result of 132 subsets has a few hundred."""

FIELDS = 50_000
"""Fields that all objects of a file may have; mteb's own measures of 98 subsets are 15,000."""

_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_INNER = (dict, list)
_LONG_NUMBER = b"0" * (DIGITS + 1)
_STEP = 5


class _RepeatedKeyError(ValueError):
    """A key that occurs twice in one object."""


class _Objects:
    """Make dictionaries of the objects of one JSON text, within limits.

    The limits keep the list of what is wrong with a hostile file short, which costs far more memory
    than the file.
    """

    def __init__(self, limit: int) -> None:
        self.objects, self.fields = limit, limit * FIELDS // OBJECTS

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.objects -= 1
        self.fields -= len(pairs)
        if self.objects < 0 or self.fields < 0:
            raise ValueError("too many objects or fields")
        document = dict(pairs)
        if len(document) < len(pairs):
            (name, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            raise _RepeatedKeyError(name)
        return document


def read_bytes(path: Path, limit: int, notes: Notes) -> bytes | None:
    """Return a file's content, or None and a note if it is absent, no regular file or too large."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            content = file.read(min(found.st_size, limit) + 1)
    except (FileNotFoundError, NotADirectoryError):
        notes.error("", ABSENT, "the file is missing; run `xbench evaluate` for this task")
        return None
    except (OSError, ValueError) as error:
        notes.error("", Plain(type(error).__name__), "the file must be readable")
        return None
    if len(content) > limit:
        notes.error(
            "", Plain(f"more than {limit} bytes"), f"a file of this kind has at most {limit} bytes"
        )
        return None
    return content


def digest_of(path: Path, limit: int) -> str | None:
    """Return the SHA-256 of a file, or None if it is not a readable file of at most some bytes."""
    digest, block, rest = hashlib.sha256(), bytearray(2**16), limit
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            return None
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            while size := file.readinto(block):
                digest.update(memoryview(block)[:size])
                rest -= size
                if rest < 0:
                    return None
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def unpack(packed: bytes, notes: Notes, limit: int = UNPACKED_LIMIT) -> bytes | None:
    """Return what one gzip member holds, or None and a note if it is damaged or too large."""
    if packed[:3] == b"\x1f\x8b\x08" and packed[3:4] != b"\0":
        rule = "expected gzip without a name, a comment or other fields in its header"
        notes.error("", Plain("fields in the header of gzip"), rule)
        return None
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(packed, limit + 1)
    except zlib.error as error:
        notes.error("", Plain(str(error)), "expected gzip; run the task again")
        return None
    if len(content) > limit:
        found = Plain(f"more than {limit} bytes when unpacked")
        notes.error("", found, f"a file of this kind holds at most {limit} bytes")
        return None
    if not stream.eof or stream.unused_data:
        found = Plain("cut off" if not stream.eof else "bytes after the end")
        notes.error("", found, "expected one whole gzip member; run the task again")
        return None
    return content


def parse(content: bytes, notes: Notes, objects: int = OBJECTS) -> Any:  # noqa: ANN401
    """Return the value of a JSON text, or None and a note if it is not strict JSON.

    ``NaN`` and ``Infinity``, which mteb writes, are read as numbers, so that a schema can name the
    fields that have them.
    """
    if _has_long_number(content):
        notes.error("", Plain(f"a number of more than {DIGITS} digits"), "expected shorter numbers")
        return None
    value = _parse_plain(content, objects)
    if value is not None:
        return value
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_Objects(objects))
    except _RepeatedKeyError as error:
        notes.error(str(error), Plain("a key twice in one object"), "a key occurs once")
    except UnicodeDecodeError as error:
        notes.error("", Plain(f"byte {error.start} is not UTF-8"), "expected UTF-8")
    except RecursionError:
        notes.error("", Plain("too many brackets in each other"), "expected less nesting")
    except ValueError as error:
        notes.error("", Plain(str(error)), "expected JSON")
    return None


def _has_long_number(content: bytes) -> bool:
    """Return whether there are more digits in a row than allowed, from a sample where it shows."""
    sample = content[::_STEP].translate(_ALIKE)
    return b"0" * (DIGITS // _STEP) in sample and _LONG_NUMBER in content.translate(_ALIKE)


def _parse_plain(content: bytes, objects: int) -> Any:  # noqa: ANN401
    """Return the value of a JSON text that is surely within all limits, else None.

    Every key is followed by a colon, so where there are as many colons as keys were read, none was
    read over another of the same name.
    """
    colons = content.count(b":")
    if content.count(b"{") > objects or colons > objects * FIELDS // OBJECTS:
        return None
    try:
        value = from_json(content)
    except ValueError:
        return None
    return value if _count_keys(value) == colons else None


def _count_keys(value: Any) -> int:  # noqa: ANN401
    """Return the number of keys of all objects, or fewer if a list mixes objects and others."""
    if isinstance(value, list):
        return sum(map(_count_keys, value)) if value and type(value[0]) in _INNER else 0
    if not isinstance(value, dict):
        return 0
    return len(value) + sum([_count_keys(v) for v in value.values() if type(v) in _INNER])


def read_object(
    path: Path, limit: int, notes: Notes, objects: int = OBJECTS
) -> dict[str, Any] | None:
    """Return the object in a JSON file, or None and a note if there is none."""
    content = read_bytes(path, limit, notes)
    return None if content is None else parse_object(content, notes, objects)


def parse_object(content: bytes, notes: Notes, objects: int = OBJECTS) -> dict[str, Any] | None:
    """Return the object of a JSON text, or None and a note if it is anything else."""
    before = len(notes.findings)
    document = parse(content, notes, objects)
    if isinstance(document, dict):
        return document
    if len(notes.findings) == before:
        notes.error("", document, "expected a JSON object")
    return None
