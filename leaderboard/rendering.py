"""How templates are filled: everything is escaped, and nothing invisible is left in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from xbench import __version__
from xbench.results.findings import printable

LONGEST = 2000
"""Characters of a text that a page shows at most."""


def environment(
    datasets: Sequence[tuple[str, str]],
    *,
    private: bool = False,
    failed: Collection[str] = (),
) -> Environment:
    """Return what fills the templates.

    Args:
        datasets: Title and place of each dataset's page, for the navigation.
        private: Whether pages say that they are private, and nothing of submissions.
        failed: Models, as addresses name them, whose failed questions are shown.
    """
    filling = Environment(
        loader=PackageLoader("xbench.leaderboard"),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filling.globals.update(
        datasets=list(datasets), version=__version__, private=private, failed=failed
    )
    filling.filters.update(size=size, seconds=seconds, prose=prose, points=points)
    filling.tests["https"] = lambda url: isinstance(url, str) and url.startswith("https://")
    return filling


def visible(value: Any) -> Any:  # noqa: ANN401
    r"""Return a text with its control and direction characters written out.

    >>> visible("a\u202eb")
    'a\\u202eb'
    """
    if isinstance(value, str) and not isinstance(value, Markup) and not value.isprintable():
        return printable(value, LONGEST)
    return value


def size(parameters: int | None) -> str:
    """Return a number of parameters as readers know it; empty if unknown.

    >>> size(117_653_760), size(7_110_660_096), size(0), size(None)
    ('118M', '7.1B', '0', '')
    """
    if parameters is None:
        return ""
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if parameters >= unit:
            amount = parameters / unit
            return f"{amount:.1f}{name}" if unit == 10**9 else f"{amount:.0f}{name}"
    return str(parameters)


def seconds(value: float) -> str:
    """Return a time as it is shown.

    >>> seconds(0.0213), seconds(4.25), seconds(1234.5)
    ('0.021 s', '4.2 s', '1,234 s')
    """
    return f"{value:.2g} s" if value < 10 else f"{value:,.0f} s"


def points(value: float | None, decimals: int = 1) -> str:
    """Return a share in hundredths; empty if it is not known.

    >>> points(0.4321), points(-0.01, 0), points(None)
    ('43.2', '−1', '')
    """
    if value is None:
        return ""
    return f"{100 * value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def prose(text: str) -> Markup:
    """Return a docstring as paragraphs, its code and emphasis marked and its sources linked.

    >>> prose("As ``map`` of doi 10.1/x.")
    Markup('<p>As <code>map</code> of <a href="https://doi.org/10.1/x">doi 10.1/x</a>.</p>')
    """
    html = str(escape(text))
    for pattern, replacement in (
        (r"``?([^`]+)``?", r"<code>\1</code>"),
        (r"\*\*(.+?)\*\*", r"<strong>\1</strong>"),
        (r"\barXiv (\d{4}\.\d{5})", r'<a href="https://arxiv.org/abs/\1">arXiv \1</a>'),
        (r"\bdoi (10\.[\w./]+\w)", r'<a href="https://doi.org/\1">doi \1</a>'),
    ):
        html = re.sub(pattern, replacement, html, flags=re.DOTALL)
    paragraphs = re.split(r"\n\s*\n", html.strip())
    return Markup("\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs if paragraph))
