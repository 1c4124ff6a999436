"""Checks of what is read: nothing in a folder of results is trusted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.metrics import SCORES, score_range


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        UserError: If there is no such file or it holds anything else.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{path.name} is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path.name} is not readable as JSON ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise UserError(f"{path.name} holds no JSON object")
    return document


def text(document: dict[str, Any], field: str, file: str) -> str:
    """Return a field that must be text and not empty.

    Raises:
        UserError: If it is not.
    """
    value = document.get(field)
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{file}: {field} is {shown(value)}; expected text")
    return value


def optional_text(document: dict[str, Any], field: str, file: str) -> str | None:
    """Return a field that must be text or absent.

    Raises:
        UserError: If it is neither.
    """
    return None if document.get(field) is None else text(document, field, file)


def choice(value: object, choices: tuple[Any, ...], field: str, file: str) -> Any:  # noqa: ANN401
    """Return a value that must be one of some.

    Raises:
        UserError: If it is not.
    """
    if value not in choices:
        raise UserError(f"{file}: {field} is {shown(value)}; expected one of {choices}")
    return value


def score(measure: str, value: object, where: str) -> float:
    """Return a value that must be possible for a measure.

    Raises:
        UserError: If the measure is unknown, or the value no number, not finite or out of range.
    """
    if measure not in SCORES:
        raise UserError(f"{where}: unknown measure {shown(measure)}")
    low, high = score_range(measure)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and low <= value <= high and math.isfinite(value)):  # type: ignore[operator, arg-type]
        raise UserError(
            f"{where}: {measure} is {shown(value)}; expected a number from {low:g} to {high:g}"
        )
    return float(value)  # type: ignore[arg-type]


def shown(value: object) -> str:
    """Return a value as a message shows it, cut where it is long."""
    whole = repr(value)
    return whole if len(whole) <= 60 else f"{whole[:57]}..."
