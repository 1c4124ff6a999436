"""A picture of a study's scores: dots with 95 % intervals, joined where the grid is ordered."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from math import isnan

from xbench.training.studies.inference import Estimate

Panel = tuple[str, list[tuple[str, Estimate]]]
"""Title, and the conditions from top to bottom with their scores."""

WIDTH, LABELS, ROW, HEAD, GAP = 720, 250, 22, 34, 16


def draw(title: str, panels: list[Panel], *, joined: bool) -> str:
    """Return the picture as SVG.

    Args:
        title: What the picture shows.
        panels: One for each score.
        joined: Whether the dots of a panel are joined, as those of an ordered grid are.
    """
    parts, top = [], GAP
    for name, rows in panels:
        parts += _panel(name, rows, top, joined)
        top += HEAD + ROW * len(rows) + GAP
    style = (
        "text{font:12px sans-serif;fill:#555}.n{font-weight:bold}"
        "line,polyline{stroke:#1f6fb4;fill:none}.a{stroke:#bbb}circle{fill:#1f6fb4}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'viewBox="0 0 {WIDTH} {top}" role="img"><title>{escape(title)}</title>'
        f"<style>{style}</style>{''.join(parts)}</svg>\n"
    )


def _panel(name: str, rows: list[tuple[str, Estimate]], top: int, joined: bool) -> list[str]:
    ends = [end for _, own in rows for end in (own.low, own.high, own.value) if not isnan(end)]
    least, most = min(ends), max(ends)
    span = (most - least) or abs(most) or 1.0

    def place(value: float) -> float:
        return round(
            LABELS + (WIDTH - LABELS - 30) * (value - least + 0.03 * span) / (1.06 * span), 1
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
            f'<text x="{LABELS - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
        )
        if not isnan(own.half):
            low, high = place(own.low), place(own.high)
            parts.append(f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x}" cy="{y}" r="4"/>')
    if joined:
        parts += [
            f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke-dasharray="3 3"/>'
            for (a, b), (c, d) in pairwise(dots)
        ]
    return parts
