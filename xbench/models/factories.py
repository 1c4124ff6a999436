"""Classes and factories: what makes a model when it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from xbench._util.errors import UserError
from xbench.models.forms import is_object


def made(thing: Any, arguments: Mapping[str, Any] | None, model: str) -> Any:  # noqa: ANN401
    """Return what a class or a factory makes; anything else as it is.

    A function is a factory if it can be called with these arguments alone. If it needs one more,
    that is a list of texts, and the function itself is the model.

    Args:
        thing: A class, a function or an object.
        arguments: Arguments of the class or factory, by name.
        model: What the user called it, for messages.

    Raises:
        UserError: If it fails or takes other arguments, or if arguments are given to an object.
    """
    given = dict(arguments or {})
    if is_object(thing) or not callable(thing):
        if given:
            raise UserError(
                f"--model-kwargs cannot be applied: {model} is a {type(thing).__name__}, not a "
                "class or factory. Leave the option out."
            )
        return thing
    if inspect.isclass(thing) or _takes(thing, (), given):
        try:
            return thing(**given)
        except Exception as error:
            raise UserError(
                f"{model}: {_call(thing, given)} failed: {type(error).__name__}: {error}"
            ) from error
    if not _takes(thing, ([],), given):
        raise UserError(
            f"{model}: {_name(thing)}{inspect.signature(thing)} can be called neither with "
            f"{', '.join(given) or 'nothing'}, to make a model, nor with a list of texts; give a "
            "factory's arguments with --model-kwargs"
        )
    return functools.partial(thing, **given) if given else thing


def _takes(function: Any, positional: tuple[Any, ...], named: Mapping[str, Any]) -> bool:  # noqa: ANN401
    try:
        inspect.signature(function).bind(*positional, **named)
    except TypeError:
        return False
    except ValueError:
        return bool(positional)
    return True


def _call(thing: Any, given: Mapping[str, Any]) -> str:  # noqa: ANN401
    return f"{_name(thing)}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _name(thing: Any) -> str:  # noqa: ANN401
    return str(getattr(thing, "__name__", type(thing).__name__))
