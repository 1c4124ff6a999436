"""Tables of text."""

from __future__ import annotations

import pandas as pd

from xbench._util.text_tables import BOLD, TextTable, latex, markdown, text

CELLS = pd.DataFrame(
    {"Model": ["a", "b|c_d", "mean"], "x": ["1", "−2", ""], "y": ["long one", "", "3"]}
)
BEST = pd.DataFrame({"Model": [False] * 3, "x": [True, False, True], "y": [False, True, True]})
TABLE = TextTable("Title", CELLS, best=BEST, total=True, note="A note.")


def columns_of(block: str) -> list[str]:
    return block.splitlines()[1].split()


def test_a_table_that_fits_is_one_block():
    title, block, note = text([TABLE], width=100).split("\n\n")
    assert (title, note) == ("Title", "A note.")
    assert columns_of(block) == ["Model", "x", "y"]
    lines = block.splitlines()
    assert lines[2] == lines[-3], "a rule above the last row, as below the header"
    assert BOLD.format("1") in block
    assert BOLD.format("") not in block


def test_a_wide_table_is_split_and_repeats_its_keys():
    _, first, second, _ = text([TABLE], width=14).split("\n\n")
    assert columns_of(first) == ["Model", "x"]
    assert columns_of(second) == ["Model", "y"]
    plain = second.replace(BOLD[:4], "").replace(BOLD[-4:], "")
    assert [line.split()[0] for line in plain.splitlines()][3:5] == ["a", "b|c_d"]


def test_a_column_that_does_not_fit_is_kept_whole():
    assert "long one" in text([TABLE], width=3)


def test_signs_are_escaped():
    assert "| b\\|c\\_d |" in markdown([TABLE])
    assert "b|c\\_d & $-$2 &  \\\\" in latex([TABLE])
    assert "\\textbf{1}" in latex([TABLE])
    assert "**3**" in markdown([TABLE])
