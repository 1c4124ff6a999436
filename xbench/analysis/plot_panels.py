"""The panels of which figures are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xbench.analysis.plot_files import MakeAxes, Panel
from xbench.metrics import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Codes = Sequence[str]
WIDTH, HEIGHT, LINE = 0.42, 0.31, 0.22
LEFT, RIGHT, BOTTOM = 0.75, 0.95, 0.65
"""Inches: of a cell, of a line of text, and of a panel's margins."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKS = list(zip(COLOURS, "os^DvP", strict=True))
"""Colours that colour-blind readers can distinguish (Okabe and Ito), each with a marker."""

FRAME = 0.5 + np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]]) * [[0.43], [0.41]]
"""Corners of the frame in a cell."""


def _literal(text: str) -> str:
    """Replace what XML cannot hold and what is not a visible character."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _heading(make: MakeAxes, width: float, title: Codes, note: str) -> None:
    """Write the lines of the title, small enough to fit, and a note below them."""
    axes = make(LEFT, 0.1, width, LINE * (len(title) + 1))
    axes.set(xlim=(0, 1), ylim=(len(title) + 1, 0))
    axes.axis("off")
    for i, line in enumerate(title):
        size = min(10.5, 72 * width / (0.7 * max(len(line), 1)))
        axes.text(0, i + 0.5, _literal(line), size=size, weight="bold", va="center")
    axes.text(0, len(title) + 0.4, note, size=9, va="center")


def levels_panel(
    values: FloatArray, rows: Codes, columns: Codes, title: Codes, limits: tuple[float, float]
) -> Panel:
    """Return a heat map of mean average precision, times 100."""
    cells = _Cells(100 * values, _texts(100 * values), "viridis", limits)
    return _matrix(cells, rows, columns, title, "mean average precision × 100")


def differences_panel(values: FloatArray, rows: Codes, columns: Codes, title: Codes) -> Panel:
    """Return a heat map of differences of mean average precision, times 100."""
    limit = max(1.0, float(np.nanmax(np.abs(100 * values), initial=0.0)))
    cells = _Cells(100 * values, _texts(100 * values, "+"), "RdBu", (-limit, limit))
    return _matrix(cells, rows, columns, title, "difference of mean average precision × 100")


def shares_panel(
    shares: FloatArray,
    pool_share: FloatArray,
    rows: Codes,
    columns: Codes,
    title: str,
    limit: int,
    places: int | None = None,
) -> Panel:
    """Return a matrix of language shares over the pool's own."""
    table = np.vstack([shares, pool_share])
    colours = np.clip(log_ratio(table, pool_share), -limit, limit)
    ticks = {i: str(2**i) if i >= 0 else f"1/{2**-i}" for i in range(-limit, limit + 1)}
    ticks |= {-limit: f"≤ {ticks[-limit]}", limit: f"≥ {ticks[limit]}"}
    cells = _Cells(colours, _texts(100 * table), "PuOr_r", (-limit, limit), ticks, gap=0.4)
    first = f"first {places} places" if places else "first places"
    note = f"languages of the {first}, %; colour: share ÷ share of the pool"
    return _matrix(cells, [*rows, "pool"], columns, [title], note)


def level_limits(values: Sequence[FloatArray]) -> tuple[float, float]:
    """Return tens that enclose all values times 100."""
    tens = 10 * np.concatenate([array.ravel() for array in values])
    low = np.floor(np.nanmin(tens, initial=10.0))
    return 10 * float(low), 10 * float(max(low + 1, np.ceil(np.nanmax(tens, initial=0.0))))


def log_ratio(shares: FloatArray, pool_share: FloatArray) -> FloatArray:
    """Return the binary logarithm of share over share of the pool."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log2(shares / pool_share), np.float64)


def ratio_limit(ratios: Sequence[FloatArray]) -> int:
    """Return the power of two, up to 16, that the colours reach."""
    largest = max(np.abs(r[np.isfinite(r)]).max(initial=0.0) for r in ratios)
    return int(np.clip(np.ceil(largest), 1, 4))


def _texts(values: FloatArray, sign: str = "") -> list[list[str]]:
    """Write the values with one decimal, nan as nothing and what rounds to zero without a sign."""
    return [
        ["" if np.isnan(v) else format(v or 0.0, f"{sign if v else ''}.1f") for v in row]
        for row in np.round(values, 1).tolist()
    ]


@dataclass(frozen=True)
class _Cells:
    colours: FloatArray
    texts: list[list[str]]
    colour_map: str
    limits: tuple[float, float]
    ticks: Mapping[int, str] | None = None
    gap: float = 0.0


def _matrix(cells: _Cells, rows: Codes, columns: Codes, title: Codes, note: str) -> Panel:
    across, down = WIDTH * len(columns), HEIGHT * (len(rows) + cells.gap)
    top = 0.2 + LINE * (len(title) + 1)
    width = max(across + RIGHT, 4.2)

    def draw(make: MakeAxes) -> None:
        _heading(make, width - 0.2, title, note)
        axes = make(LEFT, top, across, down)
        axes.set(xlim=(0, len(columns)), ylim=(len(rows) + cells.gap, 0))
        axes.set(xlabel="passage language", ylabel="query language")
        tops = np.arange(len(rows)) + np.where(np.arange(len(rows)) == len(rows) - 1, cells.gap, 0)
        axes.set_xticks(np.arange(len(columns)) + 0.5, [_literal(code) for code in columns])
        axes.set_yticks(tops + 0.5, [_literal(code) for code in rows])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for i, place in enumerate(tops):
            same = list(columns).index(rows[i]) if rows[i] in columns else None
            _row(axes, cells, i, float(place), same)
        _scale(make(LEFT + across + 0.15, top, 0.13, down), cells)

    return Panel(LEFT + width, top + down + BOTTOM, draw)


def _row(axes: Axes, cells: _Cells, row: int, top: float, framed: int | None) -> None:
    """Draw a row of cells, their texts in black or white, whichever is easier to read."""
    colours, texts = cells.colours[row : row + 1], cells.texts[row]
    low, high = cells.limits
    edges = np.arange(len(texts) + 1), np.array([top, top + 1])
    style: dict[str, Any] = {"cmap": cells.colour_map, "edgecolors": "white", "linewidth": 1}
    mesh = axes.pcolormesh(*edges, np.ma.masked_invalid(colours), vmin=low, vmax=high, **style)
    light = mesh.to_rgba(colours[0])[:, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722]
    for column, text in enumerate(texts):
        ink = "black" if light[column] > 0.18 else "white"
        axes.text(column + 0.5, top + 0.52, text, color=ink, size=8, ha="center", va="center")
        if column == framed:
            axes.plot(column + FRAME[0], top + FRAME[1], color=ink, linewidth=0.9)


def _scale(axes: Axes, cells: _Cells) -> None:
    steps = np.linspace(*cells.limits, 65)
    middles = (steps[1:, None] + steps[:-1, None]) / 2
    axes.pcolormesh([0, 1], steps, middles, cmap=cells.colour_map, edgecolors="face")
    axes.yaxis.tick_right()
    axes.set_xticks([])
    if cells.ticks is not None:
        axes.set_yticks(list(cells.ticks), list(cells.ticks.values()))
    axes.tick_params(length=2, labelsize=8)


@dataclass(frozen=True)
class Dots:
    """What dots stand for.

    Attributes:
        subtitle: What is shown, and how to read it.
        axis: Name of the values.
        languages: What the languages are of.
        even: A value to mark with a line; None for none.
        end: Greatest value of the axis; None to fit the values.
    """

    subtitle: str
    axis: str
    languages: str
    even: float | None = None
    end: float | None = None


DISTANCES = Dots("mean rank distance, lower is better", "rank distance", "query language")
ADVANTAGES = Dots(
    "how often a passage is before its translation, in %; 50 is even",
    "language advantage",
    "passage language",
    even=50,
    end=100,
)


def dots_panel(
    names: Codes,
    values: Sequence[Mapping[str, float]],
    title: str,
    about: Dots = DISTANCES,
    span: float = 0.0,
) -> Panel:
    """Return values of models by language as dots, the least first."""
    codes = sorted({code for model in values for code in model})
    table = np.array([[model.get(code, np.nan) for code in codes] for model in values], np.float64)
    order = np.argsort(np.nan_to_num(table, nan=np.inf).mean(axis=0), kind="stable")
    table = np.column_stack([table[:, order], table.mean(axis=1)])
    lines = len(names) if len(names) > 1 else 0
    top = 0.45 + LINE * (2 + lines)
    down, beside, margins = HEIGHT * (len(codes) + 1.4), 0.62 * len(names), LEFT + 0.4
    across = max(8 * WIDTH, span - beside - margins)

    def draw(make: MakeAxes) -> None:
        _heading(make, across + beside, [title], about.subtitle)
        axes = make(LEFT, top, across, down)
        figures = make(LEFT + across, top, beside, down)
        figures.axis("off")
        tops = np.append(np.arange(len(codes)), len(codes) + 0.4) + 0.5
        for part in (axes, figures):
            part.set_ylim(tops[-1] + 0.5, 0)
        axes.set(xlabel=about.axis, ylabel=about.languages)
        axes.set_xlim(0, about.end or 1.05 * float(np.nanmax(table, initial=1.0)))
        if about.even is not None:
            axes.axvline(about.even, color="#888888", linewidth=0.9)
        axes.set_yticks(tops, [*(_literal(codes[i]) for i in order), "mean"])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="#dddddd")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        _dots(axes, figures, tops, table)
        if lines:
            _legend(make(LEFT, 0.15 + 2 * LINE, across + beside, LINE * lines), names)

    return Panel(across + beside + margins, top + down + BOTTOM, draw)


def _dots(axes: Axes, figures: Axes, tops: FloatArray, table: FloatArray) -> None:
    """Draw a dot per model and language, and write the values next to it, a column per model."""
    form = ",.0f" if np.nanmax(table, initial=0.0) >= 100 else ".1f"
    figures.set_xlim(0, len(table))
    for model, line in enumerate(table):
        shift = (model - (len(table) - 1) / 2) * min(0.15, 0.6 / len(table))
        axes.plot(line, tops + shift, **_mark(model))
        if len(table) > 1:
            figures.plot(model + 0.8, -0.2, **_mark(model))
        for top, value in zip(tops, line, strict=True):
            text = "" if np.isnan(value) else format(value, form)
            figures.text(model + 0.97, top, text, size=8, ha="right", va="center")


def _legend(axes: Axes, names: Codes) -> None:
    axes.set(xlim=(0, 1), ylim=(len(names), 0))
    axes.axis("off")
    for i, name in enumerate(names):
        axes.plot(0.012, i + 0.5, **_mark(i))
        axes.text(0.035, i + 0.5, _literal(name), size=8.5, va="center")


def _mark(model: int) -> dict[str, Any]:
    colour, marker = MARKS[model % len(MARKS)]
    return {"color": colour, "marker": marker, "ms": 5, "ls": "none", "clip_on": False}
