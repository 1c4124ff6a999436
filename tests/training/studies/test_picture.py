"""Pictures of a study, read back from what is drawn."""

from __future__ import annotations

import re

import pytest

from xbench.training.studies.inference import Estimate
from xbench.training.studies.outcome import loss_curve
from xbench.training.studies.picture import draw, draw_curves


def test_the_losses_of_stages_follow_one_another():
    stages = [
        {"results": {"steps": 30, "losses": [[10, 3.0], [20, 2.0], [30, 1.5]]}},
        {"results": {"steps": 20, "losses": [[10, 1.25], [20, 1.0]]}},
    ]
    assert loss_curve({"stages": stages}) == [(10, 3), (20, 2), (30, 1.5), (40, 1.25), (50, 1)]
    assert loss_curve({"stages": []}) == []
    assert loss_curve({"stages": [{"results": {"steps": 2}}]}) == []


def test_a_curve_is_the_mean_over_seeds_and_named_in_the_legend():
    seeds = [[(10.0, 4.0), (20.0, 2.0)], [(10.0, 2.0), (20.0, 2.0)]]
    drawn = draw_curves("Loss", {"X-X < all": seeds, "hybrid": [[(10.0, 1.0), (20.0, 4.0)]]})
    lines = [
        [tuple(map(float, point.split(","))) for point in own.split()]
        for own in re.findall(r'<polyline [^>]*points="([^"]+)"', drawn)
    ]
    mean, _, other, _ = lines
    floor, top = float(re.search(r"V([\d.]+)H", drawn)[1]), other[1][1]
    heights = [(floor - y) / (floor - top) * 4 for _, y in (*mean, *other)]
    assert heights == pytest.approx([3, 2, 1, 4], abs=0.02)
    assert mean[1][0] - 40 == pytest.approx(2 * (mean[0][0] - 40), abs=0.2)
    assert "X-X &lt; all" in drawn
    assert ">step 20<" in drawn


def test_the_longest_label_has_room():
    one = Estimate(0.2, 0.01, 10, 0.5)
    widths = []
    for label in ("X-X", "start, untrained @ SciFact, worst typing errors"):
        picture = draw("t", [("mAP", [(label, one), ("hybrid", one)])])
        widths.append(int(re.search(r'width="(\d+)"', picture)[1]))
        end = int(re.search(r'<text x="(\d+)" y="\d+" text-anchor="end"', picture)[1])
        assert end > 6.2 * len(label), "the text ends there, and is some 6.2 wide a character"
    assert widths[0] < widths[1]


def test_the_longest_name_of_a_curve_has_room():
    name = "X-Y, second model, language-adversarial term"
    picture = draw_curves("t", {name: [[(1, 2.0), (2, 1.0)]], "X-X": [[(1, 2.0), (2, 1.5)]]})
    width = int(re.search(r'width="(\d+)"', picture)[1])
    begin = int(re.search(rf'<text x="(\d+)" y="\d+">{name}<', picture)[1])
    assert width - begin > 6.2 * len(name)
