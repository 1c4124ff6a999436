"""Figures in the formats that matplotlib can write, by the suffix of the file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from click.testing import CliRunner

from tests.commands import invoke
from xbench._util.errors import UserError
from xbench.analysis.plot_files import formats
from xbench.analysis.plots import ModelPlot, comparison_figure, figure_format
from xbench.cli import main
from xbench.data.catalogue import BENCHMARKS

pytestmark = pytest.mark.integration

pytest.importorskip("matplotlib")

CODES = ["ar", "de"]
MODEL = ModelPlot(
    "one",
    np.array([[0.9, 0.1], [0.3, 0.8]]),
    np.eye(2),
    np.array([0.5, 0.5]),
    {"ar": 3, "de": 5},
    {"ar": 0.4, "de": 0.6},
)
BEGINNINGS = {
    "svg": b"<?xml",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "eps": b"%!PS",
    "jpg": b"\xff\xd8",
    "svgz": b"\x1f\x8b",
    "webp": b"RIFF",
}


@pytest.mark.integration
@pytest.mark.parametrize("form", BEGINNINGS)
def test_the_content_is_of_the_format(form):
    assert comparison_figure([MODEL], CODES, 10, form).startswith(BEGINNINGS[form])


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_the_same_input_gives_the_same_bytes(form):
    first, second = (comparison_figure([MODEL], CODES, 10, form) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first


def test_pixels_are_many_enough_to_read():
    from PIL import Image

    image = Image.open(io.BytesIO(comparison_figure([MODEL], CODES, 10, "png")))
    assert min(image.size) > 800


def test_the_suffix_names_the_format(tmp_path):
    assert figure_format(tmp_path / "A.PNG") == "png"
    with pytest.raises(UserError, match=r"ends in '.doc'; expected .*\.pdf, .*\.svg"):
        figure_format(tmp_path / "a.doc")
    with pytest.raises(UserError, match="has no suffix; expected one of"):
        figure_format(tmp_path / "a")
    assert {"svg", "png", "pdf"} <= set(formats())


def test_a_wrong_suffix_is_refused_before_results_are_read():
    done = CliRunner().invoke(main, ["compare", "org/none", "--plot", "picture.doc"])
    assert done.exit_code == 2
    assert "--plot picture.doc: ends in '.doc'" in done.output
    assert "org/none" not in done.output


def test_what_matplotlib_fails_to_write_is_said(monkeypatch):
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
    with pytest.raises(UserError, match=r"cannot write a figure as pgf here .*ZeroDivisionError"):
        comparison_figure([MODEL], CODES, 10, "pgf")


@pytest.mark.integration
def test_the_command_writes_the_file(tmp_path):
    evaluate = ("evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", "-l", "de,en")
    assert invoke(tmp_path, *evaluate).returncode == 0
    (folder,) = (tmp_path / "results" / "xbench__bm25").glob("*/experiments/*")
    assert len(list(folder.glob("*.per_query.json.gz"))) == len(BENCHMARKS["XBenchMini"])
    done = invoke(tmp_path, "compare", folder, "--plot", "deep/picture.pdf")
    assert done.returncode == 0, done.stderr
    assert "Picture: deep/picture.pdf" in done.stderr
    assert (tmp_path / "deep" / "picture.pdf").read_bytes().startswith(b"%PDF")
