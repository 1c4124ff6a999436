"""Options that the command line and Python share: each is defined once, as a dataclass field."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, TypeVar

from xbench._util.errors import UserError, unknown_name

Instance = TypeVar("Instance")


@dataclass(frozen=True)
class Option:
    """What is known of an option besides its name and default.

    Attributes:
        help: What it does, in a sentence.
        kind: Type of its value: str, int, bool, Path, or dict, which is JSON on the command line.
        minimum: Least value of a number.
        choices: The values it may have; none allows all.
        exists: Whether a folder must exist already.
        short: Short name on the command line, such as ``-o``.
        show_default: Whether help shows the default.
    """

    help: str
    kind: type = str
    minimum: int | None = None
    choices: tuple[str, ...] = ()
    exists: bool = False
    short: str = ""
    show_default: bool = False


def option(default: Any = MISSING, **about: Any) -> Any:  # noqa: ANN401
    """Return a dataclass field that is an option; the arguments are those of `Option`."""
    return dataclasses.field(default=default, metadata={"option": Option(**about)})


def options_of(cls: type) -> dict[str, tuple[Option, Any]]:
    """Return the options of a dataclass by name, each with its default."""
    return {
        field.name: (field.metadata["option"], field.default)
        for field in dataclasses.fields(cls)
        if "option" in field.metadata
    }


def make(cls: type[Instance], values: Mapping[str, Any]) -> Instance:
    """Return a dataclass of options with these values, each checked.

    Raises:
        UserError: If a value is not one that the option may have.
    """
    known = options_of(cls)
    checked = {name: _checked(name, value, *known[name]) for name, value in values.items()}
    return cls(**checked)


def refuse_unknown(values: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse names that are not those of options.

    Raises:
        UserError: If there is one; it names the closest.
    """
    for name in values:
        if name not in known:
            raise unknown_name("option", name, known)


def _checked(name: str, value: Any, about: Option, default: Any) -> Any:  # noqa: ANN401
    if value is None and default is None:
        return None
    if about.choices:
        if value not in about.choices:
            raise UserError(f"{name}: {value!r}; expected one of {', '.join(about.choices)}")
        return value
    if about.kind is Path:
        return _folder(name, value, about)
    wrong_type = not isinstance(value, about.kind) or (
        isinstance(value, bool) and about.kind is not bool
    )
    wrong_type = wrong_type or (about.kind is dict and not _is_json(value))
    too_small = about.minimum is not None and not wrong_type and value < about.minimum
    if wrong_type or too_small:
        least = f" of at least {about.minimum}" if about.minimum is not None else ""
        raise UserError(f"{name}: {value!r}; expected {WORDS[about.kind]}{least}")
    return value


def _is_json(value: Any) -> bool:  # noqa: ANN401
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


WORDS = {
    str: "a text",
    int: "a whole number",
    bool: "True or False",
    dict: "a dictionary that can be written as JSON",
}


def _folder(name: str, value: Any, about: Option) -> Path:  # noqa: ANN401
    try:
        folder = Path(value)
    except TypeError as error:
        raise UserError(f"{name}: {value!r}; expected the path of a folder") from error
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{name}: {folder} is a file; expected a folder")
    if about.exists and not folder.is_dir():
        raise UserError(f"{name}: {folder} does not exist; expected a folder")
    return folder
