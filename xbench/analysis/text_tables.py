"""Tables of text, for the terminal, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text


@dataclass(frozen=True)
class Cell:
    """Text, and whether it is the best of its row or column."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Attributes:
        title: Title.
        columns: Column headings; those that start with ``>`` are aligned to the right.
        rows: Cells by row.
        note: What to know to read it; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def print_tables(tables: Sequence[TextTable]) -> None:
    """Print tables to the terminal, wider than it is rather than cut."""
    wide = Console(width=10_000)
    for table in tables:
        shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
        for column in table.columns:
            shown.add_column(
                column.removeprefix(">"),
                justify="right" if column.startswith(">") else "left",
                no_wrap=True,
            )
        for row in table.rows:
            shown.add_row(*(Text(cell.text, "bold" if cell.best else "") for cell in row))
        console = Console(highlight=False, width=wide.measure(shown).maximum)
        console.print(shown)
        if table.note:
            console.print(Text(table.note, "dim"), soft_wrap=True)


def markdown(tables: Sequence[TextTable]) -> str:
    r"""Return tables in Markdown, the best in bold.

    >>> table = TextTable("T", ("A", ">B"), ((Cell("a|b"), Cell("1", best=True)),))
    >>> print(markdown([table]))
    ### T
    <BLANKLINE>
    | A | B |
    |---|--:|
    | a\|b | **1** |
    """
    parts = []
    for table in tables:
        heads = [column.removeprefix(">") for column in table.columns]
        rules = ["--:" if column.startswith(">") else "---" for column in table.columns]
        lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(rules)}|"]
        for row in table.rows:
            cells = (_emphasised(cell, _markdown_text, "**{}**") for cell in row)
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join([f"### {table.title}", "", *lines, *_note(table, _markdown_text)]))
    return "\n\n".join(parts)


def latex(tables: Sequence[TextTable]) -> str:
    """Return tables in LaTeX with booktabs' rules, the best in bold."""
    parts = []
    for table in tables:
        heads = " & ".join(_latex_text(column.removeprefix(">")) for column in table.columns)
        aligned = "".join("r" if column.startswith(">") else "l" for column in table.columns)
        rows = [
            " & ".join(_emphasised(cell, _latex_text, r"\textbf{{{}}}") for cell in row) + r" \\"
            for row in table.rows
        ]
        parts.append(
            "\n".join(
                [
                    f"% {table.title}",
                    rf"\begin{{tabular}}{{{aligned}}}",
                    r"\toprule",
                    rf"{heads} \\",
                    r"\midrule",
                    *rows,
                    r"\bottomrule",
                    r"\end{tabular}",
                    *(f"% {line}" for line in table.note.splitlines()),
                ]
            )
        )
    return "\n\n".join(parts)


def _note(table: TextTable, escape: Callable[[str], str]) -> list[str]:
    return ["", escape(table.note)] if table.note else []


def _emphasised(cell: Cell, escape: Callable[[str], str], form: str) -> str:
    return form.format(escape(cell.text)) if cell.best and cell.text else escape(cell.text)


def _markdown_text(text: str) -> str:
    for character in "\\|*_<>`":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")


LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "Δ": r"$\Delta$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _latex_text(text: str) -> str:
    r"""Escape a text for LaTeX.

    >>> print(_latex_text("50 % of a_b"))
    50 \% of a\_b
    """
    return "".join(LATEX.get(character, character) for character in text)
