"""MIRACL's results compared, and prepared for a pull request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.leaderboard.sound_results import write_sound
from xbench._util.text_tables import markdown
from xbench.analysis.compared_models import read_candidates
from xbench.analysis.comparison import compare
from xbench.analysis.comparison_tables import comparison_tables
from xbench.analysis.options import CompareOptions
from xbench.cli import main
from xbench.data.datasets import MIRACL_HARD_NEGATIVES, XQUAD_R
from xbench.results.reading import read_result
from xbench.results.store import macro_average

pytestmark = pytest.mark.integration

MONO, MULTI = (MIRACL_HARD_NEGATIVES.task_name(s) for s in ("monolingual", "multilingual"))
MODELS = {"org/good": 1.0, "org/bad": 1.5}


@pytest.fixture(scope="module")
def results(shared_data, tmp_path_factory):
    root = tmp_path_factory.mktemp("compared") / "results"
    for model, badness in MODELS.items():
        for task in (MONO, MULTI, XQUAD_R.task_name("monolingual")):
            write_sound(root, task, model=model, badness=badness)
    return root


def run(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def comparison(results):
    return compare(read_candidates(list(MODELS), results))


def test_the_main_score_of_each_dataset_is_tested(results, comparison):
    assert [row.measure for row in comparison.settings] == ["map", "ndcg_at_10", "ndcg_at_10"]
    for row in comparison.settings:
        for model, figure in zip(MODELS, row.scores, strict=True):
            result = read_result(results / model.replace("/", "__") / "0123abc", row.task)
            assert figure.value == pytest.approx(macro_average(result, row.measure), abs=1e-5)
            assert figure.low < figure.value < figure.high
        assert [figure.tier for figure in row.scores] == [1, 2]


def test_what_mixing_costs_stands_beside_and_there_is_no_gap(comparison):
    measures = {row.measure for row in comparison.bias}
    assert {"ndcg_at_10_lost", "other_language_share_at_10"} <= measures
    assert not measures & {"rank_distance", "peer", "rank_correlation"}
    assert comparison.gaps == ()
    spreads = {row.measure for row in comparison.spreads if row.task == MONO}
    assert spreads == {f"ndcg_at_10_{x}" for x in ("minimum", "maximum", "standard_deviation")}


def test_tables_name_the_score_of_each_task(comparison):
    shown = replace(comparison, options=CompareOptions(show="all"))
    text = " ".join(markdown(comparison_tables(shown)).split())
    for part in (
        "mAP or nDCG@10 × 100, means over subsets",
        "MIRACL hard negatives monolingual (nDCG@10)",
        "XQuAD-R monolingual (mAP)",
        "MIRACL hard negatives multilingual: nDCG@10 × 100, by query language",
        "| MIRACL hard negatives monolingual | standard deviation |",
    ):
        assert part in text


def test_a_pull_request_names_the_score(results, tmp_path):
    run("submit", "org/good", "-r", results, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "PULL_REQUEST.md").read_text()
    result = read_result(results / "org__good" / "0123abc", MONO)
    mean = f"{100 * macro_average(result, 'ndcg_at_10'):.1f}"
    assert f"| MIRACL hard negatives (nDCG@10) | {mean} |  | " in text
    assert "| XQuAD-R (mAP) | " in text
