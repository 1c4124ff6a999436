"""How the panels of a figure become a file of any format that matplotlib can write."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from xbench._util.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MakeAxes = Callable[[float, float, float, float], "Axes"]
"""Left, top, width and height in inches from a panel's upper left corner -> axes."""

SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": "#8a8a8a",
    "axes.labelsize": 9,
    "axes.unicode_minus": False,
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "xbench",
    "text.parse_math": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


DPI = 200
"""Resolution of formats that hold pixels."""

VECTOR = ("svg", "svgz", "pdf", "ps", "eps", "pgf")

_SVG: dict[str, str | None] = {"Date": None, "Creator": None}
METADATA: Mapping[str, dict[str, str | None]] = {
    "svg": _SVG,
    "svgz": _SVG,
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""What is skipped of a file, so that the same input gives the same bytes."""


@dataclass(frozen=True)
class Panel:
    """A part of a figure: its size in inches, and how it draws itself."""

    width: float
    height: float
    draw: Callable[[MakeAxes], None]


def formats() -> list[str]:
    """Return the formats that matplotlib can write, as suffixes without the dot.

    Raises:
        UserError: If matplotlib is not installed.
    """
    return sorted(_figure_class()().canvas.get_supported_filetypes())


def render(rows: Sequence[Sequence[Panel]], form: str = "svg") -> bytes:
    """Return the file of rows of panels.

    Args:
        rows: The panels, row by row.
        form: One of `formats`.

    Raises:
        UserError: If matplotlib is not installed or cannot write the format.
    """
    figure_class = _figure_class()
    import matplotlib

    heights = [max(panel.height for panel in row) for row in rows]
    widths = [[panel.width for panel in row] for row in rows]
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = figure_class(figsize=(max(map(sum, widths)), sum(heights)), facecolor="white")
        for i, row in enumerate(rows):
            for j, panel in enumerate(row):
                panel.draw(partial(_axes, figure, sum(widths[i][:j]), sum(heights[:i])))
        return _saved(figure, form)


def _figure_class() -> type[Figure]:
    try:
        import matplotlib  # noqa: F401
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            f"figures need matplotlib ({error}); install it with `pip install 'xbench-mteb[plot]'`"
        ) from error
    return Figure


def _saved(figure: Figure, form: str) -> bytes:
    content = io.BytesIO()
    pixels: dict[str, Any] = {} if form in VECTOR else {"dpi": DPI}
    try:
        figure.savefig(content, format=form, metadata=METADATA.get(form), **pixels)
    except Exception as error:
        raise UserError(
            f"matplotlib cannot write a figure as {form} here ({type(error).__name__}: {error}); "
            "choose another format, such as svg, png or pdf"
        ) from error
    return content.getvalue()


def _axes(
    figure: Figure, x: float, y: float, left: float, top: float, width: float, height: float
) -> Axes:
    across, down = figure.get_size_inches()
    corner = (x + left) / across, 1 - (y + top + height) / down
    return figure.add_axes((*corner, width / across, height / down))
