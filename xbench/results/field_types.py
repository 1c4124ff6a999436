"""The kinds of values that the fields of a result have."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import Annotated, Any

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, StringConstraints

from xbench.results.text_rules import why_not_address, why_not_text

PUBLIC_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""An organisation and a model, in the hub's alphabet."""

MODEL_NAME = PUBLIC_NAME[:-1] + r"( \([A-Za-z0-9_.,= +-]*\))?$"
"""Such a name, and what mteb's registry puts behind some."""

REVISION = r"^[A-Za-z0-9]([A-Za-z0-9_.+-]*[A-Za-z0-9])?$"
EARLIEST, RELEASED = 1.75e9, 1.7958e9
"""Seconds of the time before which there are no results, and of the day of this version."""

DAY = 86_400


def latest() -> float:
    """Return the time after which no result can be, in seconds; clocks may be a day off."""
    return max(time.time(), RELEASED) + 2 * DAY


def _legible(text: str) -> str:
    if reason := why_not_text(text):
        raise ValueError(reason)
    return text


def _prose(text: str) -> str:
    if reason := why_not_text(text, lines=True):
        raise ValueError(reason)
    return text


def _address(text: str) -> str:
    if reason := why_not_address(text):
        raise ValueError(reason)
    return text


def _licence(text: str) -> str:
    if LICENCE.fullmatch(text):
        return text
    return _address(text)


LICENCE = re.compile(
    r"(?=.{1,60}$)(not specified|[A-Za-z0-9][A-Za-z0-9.+-]*"
    r"|(Apache|MIT|BSD|CC|GNU|A?GPL|LGPL|MPL|Creative Commons|Mozilla)[A-Za-z0-9 .+-]*"
    r"|[A-Za-z0-9][A-Za-z0-9 .+-]* (licen[cs]e|terms of use|agreement))",
    re.IGNORECASE,
)
"""How licences are called that have no address."""


def _public_name(text: str) -> str:
    if not re.fullmatch(PUBLIC_NAME[1:-1], text):
        raise ValueError(
            "expected organisation/name in the hub's alphabet: A-Z, a-z, 0-9, '.', '_' and '-'; "
            "evaluate the model under such a name"
        )
    if "__" in text.partition("/")[0]:
        raise ValueError("expected an organisation without '__', which folders have for the slash")
    return text


def _known_past(seconds: float) -> float:
    if not EARLIEST <= seconds <= latest():
        raise ValueError("expected a time at which xbench was there, in seconds, not in the future")
    return seconds


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a day such as 2025-01-31") from None
    last = datetime.fromtimestamp(latest(), timezone.utc).date()
    if text != day.isoformat() or not date(2000, 1, 1) <= day <= last:
        raise ValueError("expected a day from 2000-01-01 to today")
    return text


def _flag_or_link(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str) or len(value) > 300:
        raise ValueError("expected an address, true, false or null")
    return value if not value or re.fullmatch(PUBLIC_NAME, value) else _address(value)


def _link(text: str) -> str:
    return text and _address(text)


def _all_or_codes(value: object) -> object:
    if value == "all" or (isinstance(value, list) and all(map(_is_code, value))):
        return value
    raise ValueError("expected 'all' or a list of codes of languages")


def _is_code(value: object) -> bool:
    return (
        isinstance(value, str) and re.fullmatch("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value) is not None
    )


def _small(value: Any) -> Any:  # noqa: ANN401
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (RecursionError, ValueError) as error:
        raise ValueError("expected finite numbers, UTF-8 text and little nesting") from error
    if len(text) > 50_000:
        raise ValueError("expected settings of at most 50000 characters")
    for own in _texts(value):
        _prose(own)
    return value


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield all keys and texts of a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, own in value.items():
            yield key
            yield from _texts(own)
    elif isinstance(value, list):
        for own in value:
            yield from _texts(own)


@lru_cache(maxsize=1000)
def is_version(text: str) -> bool:
    """Return whether a text is a version number as Python packages have them."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _version(text: str) -> str:
    if not is_version(text) or not VERSION.fullmatch(text):
        raise ValueError("expected a version number such as 2.26.24")
    return text


def _command(value: object) -> object:
    """Check a command: a list of arguments, or the text of version 0.1.0."""
    arguments = value if isinstance(value, list) else [value]
    if not all(isinstance(own, str) for own in arguments):
        raise ValueError("expected a list of arguments")
    if len(arguments) > 200 or sum(len(str(own)) for own in arguments) > 4_000:
        raise ValueError("expected at most 200 arguments of together 4000 characters")
    for own in arguments:
        _prose(str(own))
    return value


def _dimensions(value: object) -> object:
    """Check the number of dimensions of a model's embeddings, or the numbers it may have."""
    numbers = value if isinstance(value, list) else [value]
    known = len(numbers) <= 100 and all(type(own) is int and 1 <= own <= 10**6 for own in numbers)
    if value is None or (known and numbers):
        return value
    raise ValueError("expected a number from 1 to 1000000, or a list of at most 100 such numbers")


PACKAGES = ("xbench-mteb", "mteb", "torch", "sentence-transformers", "transformers", "numpy")
"""The packages whose versions are recorded."""

BUILD = r"(cpu|xpu|abi|[a-z]{0,4}[0-9][0-9a-f]{0,14}|[0-9a-f]{6,15})"
VERSION = re.compile(rf"[0-9][0-9a-z.]{{0,29}}(\+{BUILD}(\.{BUILD}){{0,3}})?")
"""How versions are written; what follows a plus says how a package was built."""

Prompt = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(_prose)]
Citation = Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_prose)]
Text = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(_legible)]
Name = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(lru_cache(maxsize=10_000)(_legible))
]
Names = Annotated[list[Name], Field(max_length=10_000)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:+# -]{0,59}$")]
Words = Annotated[list[Word], Field(max_length=1_000)]
Address = Annotated[str, StringConstraints(max_length=300), AfterValidator(_address)]
Link = Annotated[str, StringConstraints(max_length=300), AfterValidator(_link)]
LinkOrFlag = Annotated[Any, AfterValidator(_flag_or_link)]
Licence = Annotated[str, StringConstraints(max_length=300), AfterValidator(_licence)]
Languages = Annotated[Any, AfterValidator(_all_or_codes)]
PackageVersion = Annotated[Name, AfterValidator(_version)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Parameters = Annotated[int, Field(ge=0, le=10**13)]
Dimensions = Annotated[Any, AfterValidator(_dimensions)]
Command = Annotated[Any, AfterValidator(_command)]
Package = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(PACKAGES)})$")]
Device = Annotated[
    str,
    StringConstraints(
        pattern=r"^(cpu|cuda|mps|xpu|hpu|npu|xla|tpu|mlu|ipu|musa|privateuseone)(:[0-9]{1,4})?$"
    ),
]
NumberType = Annotated[
    str,
    StringConstraints(pattern=r"^(torch\.)?(b?float(8(_[a-z0-9]{1,8})?|16|32|64)|u?int(4|8|16))$"),
]
Similarity = Annotated[
    str,
    StringConstraints(
        pattern=r"(?i)^(cos(ine)?|dot|euclidean|manhattan|max_?sim|custom)(_[a-z]{1,10})?$"
    ),
]
Digested = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,24}-[0-9a-f]{8}$")]
Stage = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+@[A-Za-z0-9._+-]+$", max_length=300)
]
Amount = Annotated[float, Field(ge=0, le=1e9)]
Duration = Annotated[float, Field(gt=0, le=366 * DAY)]
Origin = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9/][A-Za-z0-9_./:%~+-]*( \([A-Za-z0-9_.,= +-]*\))?$", max_length=200
    ),
]
Positive = Annotated[int, Field(ge=1, le=10**7)]
Seconds = Annotated[float, AfterValidator(_known_past)]
Day = Annotated[str, StringConstraints(max_length=10), AfterValidator(_day)]
Setting = Annotated[Any, AfterValidator(_small)]
Settings = Annotated[dict[Name, Any], AfterValidator(_small)]
PublicName = Annotated[str, StringConstraints(max_length=200), AfterValidator(_public_name)]
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME, max_length=200)]
Revision = Annotated[str, StringConstraints(pattern=REVISION, max_length=100)]
DatasetRevision = Annotated[str, StringConstraints(pattern=r"^(main|[0-9a-f]{40})$")]
Rank = Annotated[int, Field(ge=0, le=10**9)]
Ranks = Annotated[list[Rank], Field(fail_fast=True)]
