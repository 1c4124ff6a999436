"""The kinds of values that the fields of a result have."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Annotated, Any

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, StringConstraints

MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*( \([A-Za-z0-9_.,= +-]*\))?$"
REVISION = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"

_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SCHEME = re.compile(r"^\s*[A-Za-z][A-Za-z0-9+.-]*:")
_HTTPS = re.compile(r"https://[^\s<>\"'`\\]+")


def _legible(text: str) -> str:
    if _UNFIT.search(text):
        raise ValueError("expected text without control characters and without direction marks")
    return text


def _only_https(text: str) -> str:
    if _SCHEME.match(text) and not _HTTPS.fullmatch(text):
        raise ValueError("expected an address that starts with https://")
    return text


def _address(text: str) -> str:
    if not _HTTPS.fullmatch(text):
        raise ValueError("expected an address that starts with https://")
    return text


def _flag_or_link(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError("expected an address, true, false or null")
    return _only_https(_legible(value))


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
    if len(text) > 10_000:
        raise ValueError("expected settings of at most 10000 characters")
    _legible(text)
    return value


@lru_cache(maxsize=1000)
def is_version(text: str) -> bool:
    """Return whether a text is a version number as Python packages have them."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _version(text: str) -> str:
    if not is_version(text):
        raise ValueError("expected a version number such as 2.26.24")
    return text


Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_legible)]
Name = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(lru_cache(maxsize=10_000)(_legible))
]
Names = Annotated[list[Name], Field(max_length=10_000)]
Link = Annotated[Name, AfterValidator(_only_https)]
LinkOrFlag = Annotated[Any, AfterValidator(_flag_or_link)]
Languages = Annotated[Any, AfterValidator(_all_or_codes)]
Address = Annotated[Name, AfterValidator(_address)]
PackageVersion = Annotated[Name, AfterValidator(_version)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Setting = Annotated[Any, AfterValidator(_small)]
Settings = Annotated[dict[Name, Any], AfterValidator(_small)]
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME, max_length=200)]
Revision = Annotated[str, StringConstraints(pattern=REVISION, max_length=100)]
DatasetRevision = Annotated[str, StringConstraints(pattern=r"^(main|[0-9a-f]{40})$")]
Rank = Annotated[int, Field(ge=0, le=10**9)]
Ranks = Annotated[list[Rank], Field(fail_fast=True)]
