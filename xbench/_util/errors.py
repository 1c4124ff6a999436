"""The one exception for mistakes and circumstances that a user can fix."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A problem that the user can fix.

    The message names the file, option or field, what was found, what was expected and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


def reason(error: Exception) -> str:
    """Return why something failed, of an error of the system without its number and path.

    Examples:
        >>> reason(FileNotFoundError(2, "No such file or directory", "pairs.jsonl"))
        'No such file or directory'
    """
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not one of the known ones, with the closest of them.

    Examples:
        >>> str(unknown_name("task", "Mni", ["Mini", "XQuADR"]))
        "unknown task 'Mni'. Did you mean 'Mini'? Known are Mini, XQuADR"
    """
    names = list(known)
    question = did_you_mean(name, names)
    start = f"{question} Known" if question else "; known"
    return UserError(f"unknown {kind} {name!r}{start} are {', '.join(names)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that suggests the known name closest to a wrong one, or nothing.

    Upper and lower case count as equal.

    Examples:
        >>> did_you_mean("xbenchmini", ["XBench", "XBenchMini"])
        ". Did you mean 'XBenchMini'?"
        >>> did_you_mean("?", ["XBench"])
        ''
    """
    folded = {own.casefold(): own for own in known}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f". Did you mean {folded[close[0]]!r}?" if close else ""
