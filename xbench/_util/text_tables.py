"""Tables of text, for the terminal, Markdown and LaTeX, through tabulate and pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from tabulate import SEPARATING_LINE, tabulate

BOLD = "\033[1m{}\033[0m"
GAP = 2
"""Spaces between the columns on the terminal."""

MARKDOWN_SIGNS = str.maketrans({"\n": " ", **{sign: f"\\{sign}" for sign in "\\|*_<>`"}})
LATEX_SIGNS = str.maketrans({"−": "$-$", "Δ": r"$\Delta$", "≈": r"$\approx$", "×": r"$\times$"})
"""What pandas' LaTeX does not escape and LaTeX's default fonts do not have."""


@dataclass(frozen=True, eq=False)
class TextTable:
    """A table of text.

    Attributes:
        title: Title; may be empty.
        cells: Text of each cell, under unique headings.
        keys: Number of columns, from the left, that say what a row is about. They are aligned to
            the left, the others to the right.
        best: Which cells are the best of their row or column, in the shape of `cells`; None if no
            cell is marked.
        total: Whether the last row sums up the others.
        note: What to know to read it; may be empty.
    """

    title: str
    cells: pd.DataFrame
    keys: int = 1
    best: pd.DataFrame | None = None
    total: bool = False
    note: str = ""

    @property
    def alignment(self) -> list[str]:
        """``left`` or ``right`` for each column."""
        return ["left" if i < self.keys else "right" for i in range(self.cells.shape[1])]

    @property
    def marked(self) -> pd.DataFrame:
        """Which cells are marked as the best: none that is empty."""
        filled = self.cells != ""
        return filled & (False if self.best is None else self.best.to_numpy())

    def emphasised(self, cells: pd.DataFrame, form: str) -> pd.DataFrame:
        """Return cells with the best in a form such as ``**{}**``."""
        return cells.mask(self.marked, cells.map(form.format))


def text(tables: Sequence[TextTable], width: int | None = None) -> str:
    """Return tables for the terminal, the best in bold.

    Args:
        tables: The tables.
        width: Characters of a line. A wider table is split by columns, and each part repeats the
            columns that say what a row is about. None splits nothing.
    """
    parts = []
    for table in tables:
        cells = table.emphasised(table.cells, BOLD)
        blocks = [
            tabulate(
                _with_rules(cells.iloc[:, columns], table.total),
                colalign=[table.alignment[i] for i in columns],
                disable_numparse=True,
            )
            for columns in _fitting(table, width)
        ]
        parts.append("\n\n".join(filter(None, [table.title, *blocks, table.note])))
    return "\n\n\n".join(parts)


def _with_rules(cells: pd.DataFrame, total: bool) -> list[list[str]]:
    """Return the headings and the rows; tabulate would make headings wider than they are."""
    rows = cells.to_numpy().tolist()
    rule = [SEPARATING_LINE]
    last = [rule, rows[-1]] if total else rows[-1:]
    return [[*cells.columns], rule, *rows[:-1], *last]


def _fitting(table: TextTable, width: int | None) -> Iterator[list[int]]:
    """Split the columns into groups that fit into a width, each with the key columns."""
    widths = [
        max(len(line) for text in (str(name), *cells) for line in text.split("\n")) + GAP
        for name, cells in table.cells.items()
    ]
    keys = [*range(table.keys)]
    group = [*keys]
    for column in range(table.keys, len(widths)):
        needed = sum(widths[i] for i in [*group, column]) - GAP
        if width is not None and needed > width and len(group) > len(keys):
            yield group
            group = [*keys]
        group.append(column)
    yield group


def markdown(tables: Sequence[TextTable]) -> str:
    r"""Return tables in Markdown, the best in bold.

    >>> cells, best = pd.DataFrame({"A": ["a|b"], "B": ["1"]}), pd.DataFrame([[False, True]])
    >>> print(markdown([TextTable("T", cells, best=best)]))
    ### T
    <BLANKLINE>
    | A    |     B |
    |:-----|------:|
    | a\|b | **1** |
    """
    parts: list[str] = []
    for table in tables:
        cells = table.cells.map(lambda cell: cell.translate(MARKDOWN_SIGNS))
        content = tabulate(
            table.emphasised(cells, "**{}**").to_numpy().tolist(),
            headers=[str(name).translate(MARKDOWN_SIGNS) for name in cells],
            tablefmt="pipe",
            colalign=table.alignment,
            disable_numparse=True,
        )
        title = f"### {table.title}" if table.title else ""
        parts += filter(None, [title, content, table.note.translate(MARKDOWN_SIGNS)])
    return "\n\n".join(parts)


def latex(tables: Sequence[TextTable]) -> str:
    r"""Return tables in LaTeX with booktabs' rules, the best in bold.

    >>> print(latex([TextTable("T", pd.DataFrame({"a_b": ["50 %"]}))]))
    % T
    \begin{tabular}{l}
    \toprule
    a\_b \\
    \midrule
    50 \% \\
    \bottomrule
    \end{tabular}
    """
    parts = []
    for table in tables:
        style = table.cells.style.hide(axis="index").format(escape="latex")
        style = style.format_index(escape="latex", axis="columns")
        marks = table.marked.map({True: "textbf:--rwrap;", False: ""}.get)
        style = style.apply(lambda _, marks=marks: marks, axis=None)
        alignment = "".join(side[0] for side in table.alignment)
        content = style.to_latex(hrules=True, column_format=alignment).translate(LATEX_SIGNS)
        comments = [f"% {line}" for line in table.note.splitlines()]
        parts.append("\n".join([f"% {table.title}", content.rstrip("\n"), *comments]))
    return "\n\n".join(parts)
