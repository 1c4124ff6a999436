"""The figures, read back as XML."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from xbench._util.errors import UserError
from xbench.analysis.plots import (
    ModelPlot,
    comparison_figure,
    heat_map,
    rank_distance_by_language,
    share_matrix,
)

pytestmark = pytest.mark.integration

CODES = ["ar", "de", "zh"]
PRECISION = np.array([[0.9, 0.125, 0.02], [0.31, 0.8, np.nan], [0.0, 0.2, 1.0]])
SHARES = np.array([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [0.0, 0.1, 0.9]])
POOL = np.array([0.2, 0.3, 0.5])
HOSTILE = ["a$b$c", "<script>alert(1)</script>", '_hidden & "quoted" ]]>', "日本 $\\frac{1}{2}$"]


def texts(svg: bytes) -> list[str]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in found]


def model(name: str, factor: float = 1.0) -> ModelPlot:
    distance = {"ar": 1200.0, "de": 35.5, "zh": 480.0}
    return ModelPlot(name, factor * PRECISION, SHARES, POOL, distance, {"ar": 0.4, "de": 0.6})


def every_figure(name: str) -> list[bytes]:
    return [
        heat_map(PRECISION, CODES, CODES, name),
        heat_map(PRECISION - 0.5, CODES, CODES, name, difference=True),
        share_matrix(SHARES, POOL, CODES, CODES, name),
        rank_distance_by_language({name: {"ar": 3.0}, f"{name}2": {"ar": 4.0}}, name),
        *(comparison_figure([model(f"{name}{i}") for i in range(n)], CODES, 20) for n in (1, 2, 3)),
    ]


def test_a_heat_map_has_its_figures_and_codes_as_text():
    found = texts(heat_map(PRECISION, CODES, CODES, "a title"))
    assert {"90.0", "12.5", "2.0", "31.0", "80.0", "0.0", "20.0", "100.0"} <= set(found)
    assert {"a title", "query language", "passage language"} <= set(found)
    assert [found.count(code) for code in CODES] == [2, 2, 2]
    assert not {"nan", "--", ""} & set(found)


def test_a_cell_without_a_value_is_blank():
    full = texts(heat_map(np.nan_to_num(PRECISION), CODES, CODES, "t"))
    assert len(texts(heat_map(PRECISION, CODES, CODES, "t"))) == len(full) - 1
    codes = set(texts(heat_map(np.full((3, 3), np.nan), CODES, CODES, "t")))
    assert codes >= set(CODES)


def test_rows_and_columns_may_differ():
    found = texts(heat_map(PRECISION[:2, :], ["sw", "yo"], CODES, "t"))
    assert [found.count(code) for code in ("sw", "yo", *CODES)] == [1] * 5


def test_differences_are_signed_but_for_zero():
    change = np.array([[0.1234, -0.05], [0.0, -0.0001]])
    found = texts(heat_map(change, CODES[:2], CODES[:2], "t", difference=True))
    assert {"+12.3", "-5.0"} <= set(found)
    assert found.count("0.0") == 2
    assert not {"-0.0", "+0.0"} & set(found)


def test_a_share_matrix_ends_with_the_pool():
    found = texts(share_matrix(SHARES, POOL, CODES, CODES, "t"))
    assert {"70.0", "0.0", "pool", "50.0", "≤ 1/8", "1", "≥ 8"} <= set(found)
    assert found.index("pool") > found.index("zh")


def test_a_language_that_the_pool_lacks_has_no_colour_and_breaks_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        share_matrix(np.array([[1.0, 0.0]]), np.array([1.0, 0.0]), ["ar"], ["ar", "de"], "t")


def test_rank_distances_ascend_and_name_the_models():
    values = {"one": {"ar": 30.0, "de": 5.0}, "other": {"ar": 20.0, "de": 10.0, "zh": 1.0}}
    found = texts(rank_distance_by_language(values, "t"))
    codes = [text for text in found if text in CODES]
    assert codes == ["de", "ar", "zh"], "one model lacks zh"
    assert {"one", "other", "mean", "10.3", "5.0"} <= set(found)
    alone = texts(rank_distance_by_language({"one": values["one"]}, "t"))
    assert "one" not in alone
    assert "17.5" in alone


def test_large_rank_distances_have_no_decimals():
    found = texts(rank_distance_by_language({"m": {"ar": 1234.4, "de": 7.0}}, "t"))
    assert {"1,234", "7", "621"} <= set(found)


def test_two_models_are_subtracted():
    found = texts(comparison_figure([model("one"), model("other", 0.5)], CODES, 20))
    assert {"minus other", "+45.0", "45.0", "1,200", "pool"} <= set(found)
    assert any("first 20 places" in text for text in found)


@pytest.mark.parametrize("count", [1, 3])
def test_one_and_three_models_are_not(count):
    found = texts(comparison_figure([model(f"model {i}") for i in range(count)], CODES, 20))
    assert {f"model {i}" for i in range(count)} <= set(found)
    assert not any(text.startswith(("minus", "+")) for text in found)


def test_models_of_one_name_stay_apart():
    found = texts(comparison_figure([model("same"), model("same")], CODES, 20))
    assert found.count("1,200") == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_literal(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = every_figure(name)
    for svg in figures:
        assert any(name in text for text in texts(svg))
        assert b"<script" not in svg
    many = texts(rank_distance_by_language({n: {"ar": 1.0} for n in HOSTILE}, "t"))
    assert set(HOSTILE) <= set(many)


def test_what_xml_cannot_hold_is_replaced():
    characters = ["\x00", "\x1b", "\n", "\ud800", "\uffff", "\u202e"]
    shown = "a" + "\N{REPLACEMENT CHARACTER}b" * len(characters)
    for svg in every_figure("a" + "".join(f"{character}b" for character in characters)):
        assert any(shown in text for text in texts(svg))


@pytest.mark.slow
@pytest.mark.integration
def test_the_same_input_gives_the_same_bytes_in_every_process(tmp_path):
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1]); import test_plots as t;"
        "print([hashlib.sha256(svg).hexdigest() for svg in t.every_figure('m')])"
    )
    own = tmp_path / "matplotlibrc"
    own.write_text("font.size: 20\nfigure.facecolor: black\nsvg.fonttype: path\n")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, Path(__file__).parent],
            env={"PYTHONHASHSEED": seed, "MPLCONFIGDIR": str(folder), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, folder in (("1", tmp_path), ("2", tmp_path / "none"))
    }
    assert len(outputs) == 1


def test_the_settings_of_matplotlib_are_left_as_they_were():
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"font.size": 17.0}):
        heat_map(PRECISION, CODES, CODES, "t")
        assert matplotlib.rcParams["font.size"] == 17.0
    assert "matplotlib.pyplot" not in sys.modules


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match=r"pip install 'xbench-mteb\[plot\]'"):
        heat_map(PRECISION, CODES, CODES, "t")


def test_importing_the_module_does_not_import_matplotlib():
    code = "import sys, xbench.analysis.plots; print('matplotlib' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "False"
