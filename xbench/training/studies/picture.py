"""Pictures of a study: dots with 95 % intervals, joined where the grid is ordered, and curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import isnan
from statistics import fmean

from xbench.training.studies.inference import Estimate

Panel = tuple[str, list[tuple[str, Estimate]]]
"""Title, and the conditions from top to bottom with their scores."""

WIDTH, LABELS, CHARACTER, ROW, HEAD, GAP = 720, 250, 6.6, 22, 34, 16


def draw(title: str, panels: list[Panel], *, joined: int = 0) -> str:
    """Return the picture as SVG.

    Args:
        title: What the picture shows.
        panels: One for each score.
        joined: Number of the first dots of a panel that are joined, as an ordered grid is.
    """
    longest = max((len(label) for _, rows in panels for label, _ in rows), default=0)
    labels = max(LABELS, round(CHARACTER * longest) + 24)
    width = WIDTH - LABELS + labels
    parts, top = [], GAP
    for name, rows in panels:
        parts += _panel(name, rows, top, joined, labels)
        top += HEAD + ROW * len(rows) + GAP
    style = (
        "text{font:12px sans-serif;fill:#555}.n{font-weight:bold}"
        "line,polyline{stroke:#1f6fb4;fill:none}.a{stroke:#bbb}circle{fill:#1f6fb4}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" '
        f'viewBox="0 0 {width} {top}" role="img"><title>{escape(title)}</title>'
        f"<style>{style}</style>{''.join(parts)}</svg>\n"
    )


def _panel(
    name: str, rows: list[tuple[str, Estimate]], top: int, joined: int, labels: int
) -> list[str]:
    ends = [end for _, own in rows for end in (own.low, own.high, own.value) if not isnan(end)]
    least, most = min(ends), max(ends)
    span = (most - least) or abs(most) or 1.0

    def place(value: float) -> float:
        return round(
            labels + (WIDTH - LABELS - 30) * (value - least + 0.03 * span) / (1.06 * span), 1
        )

    digits = 0 if most > 10 else 3
    bottom = top + HEAD + ROW * len(rows)
    parts = [f'<text class="n" x="10" y="{top + 12}">{escape(name)}</text>']
    for value in (least, most):
        x = place(value)
        parts.append(f'<line class="a" x1="{x}" x2="{x}" y1="{top + 22}" y2="{bottom}"/>')
        label = f"{value:,.{digits}f}"
        parts.append(f'<text x="{x}" y="{top + 18}" text-anchor="middle">{label}</text>')
    dots = []
    for number, (label, own) in enumerate(rows):
        y = top + HEAD + ROW * number + 8
        x = place(own.value)
        dots.append((x, y))
        parts.append(
            f'<text x="{labels - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
        )
        if not isnan(own.half):
            low, high = place(own.low), place(own.high)
            parts.append(f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x}" cy="{y}" r="4"/>')
    parts += [
        f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke-dasharray="3 3"/>'
        for (a, b), (c, d) in pairwise(dots[:joined])
    ]
    return parts


COLOURS = ("#1f6fb4", "#c4541d", "#2e8b57", "#8a4fbf", "#b8860b", "#555555", "#c2397a", "#17808c")
DASHES = ("none", "6 3", "2 3")
CURVES, LEGEND = 300, 190


def draw_curves(title: str, curves: Mapping[str, Sequence[Sequence[tuple[float, float]]]]) -> str:
    """Return curves as SVG, each the mean of some.

    Args:
        title: What the picture shows.
        curves: Points of each curve, by the name that they are averaged under.
    """
    means = {name: _mean(own) for name, own in curves.items()}
    points = [point for own in means.values() for point in own]
    last, most = max(x for x, _ in points), max(y for _, y in points)
    left, right, top = 40, WIDTH - LEGEND, 30
    legend = max(LEGEND, round(CHARACTER * max(map(len, means))) + 48)
    width = right + legend
    height = max(CURVES, top + 18 * len(means) + 30)
    bottom = height - 30

    def place(x: float, y: float) -> str:
        across = left + (right - left) * x / last
        return f"{across:.1f},{bottom - (bottom - top) * y / most:.1f}"

    parts = [
        f'<path class="a" d="M{left},{top}V{bottom}H{right}"/>',
        f'<text x="{left - 6}" y="{top + 4}" text-anchor="end">{most:.1f}</text>',
        f'<text x="{left - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="end">step {last:.0f}</text>',
        f'<text class="n" x="10" y="16">{escape(title)}</text>',
    ]
    for number, (name, own) in enumerate(means.items()):
        look = (
            f'stroke="{COLOURS[number % len(COLOURS)]}" '
            f'stroke-dasharray="{DASHES[number // len(COLOURS) % len(DASHES)]}"'
        )
        y = top + 18 * number
        path = " ".join(place(*point) for point in own)
        parts.append(f'<polyline {look} points="{path}"/>')
        parts.append(f'<polyline {look} points="{right + 12},{y} {right + 32},{y}"/>')
        parts.append(f'<text x="{right + 38}" y="{y + 4}">{escape(name)}</text>')
    style = (
        "text{font:12px sans-serif;fill:#555}.n{font-weight:bold}"
        "path,polyline{fill:none;stroke-width:1.5}.a{stroke:#bbb}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>'
        f"<style>{style}</style>{''.join(parts)}</svg>\n"
    )


def _mean(curves: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the mean of some curves at each step that one of them has."""
    values = defaultdict(list)
    for curve in curves:
        for step, value in curve:
            values[step].append(value)
    return [(step, fmean(own)) for step, own in sorted(values.items())]
