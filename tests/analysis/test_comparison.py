"""Comparing models from their per-query files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from xbench._util.errors import UserError
from xbench.analysis.compared_models import Candidate, common_tasks, read_candidates
from xbench.analysis.comparison import compare
from xbench.analysis.options import CompareOptions
from xbench.cli import main
from xbench.data.catalogue import TASKS, subsets
from xbench.metrics import PoolRanks
from xbench.results.per_query_file import PerQuery, write_per_query

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)
QUESTIONS = 40


def ranks(task: str, worst: int, seed: int, questions: int = QUESTIONS) -> PerQuery:
    """Ranks drawn between 1 and `worst`, distinct within a query."""
    dataset, setting = TASKS[task]
    random = np.random.default_rng(seed)
    found = {}
    for name, subset in subsets(setting, dataset.languages).items():
        codes = subset.passage_languages
        places = [
            random.choice(worst + len(codes) - 1, len(codes), False) for _ in range(questions)
        ]
        found[name] = PoolRanks(
            questions=tuple(f"q{i:02}" for i in range(questions)),
            query=np.repeat(np.arange(questions), len(codes)),
            language=np.array(codes * questions),
            rank=1 + np.concatenate(places),
            query_language=subset.query_language,
            pool=dict.fromkeys(codes, 48),
            top=random.integers(0, len(codes), (questions, 100)) if len(codes) > 1 else None,
        )
    return PerQuery(task, dataset.revision, "sentence", setting == "multilingual", found)


def write(results, name, worst, seed, tasks=(MONO, CROSS, MULTI), revision="1"):
    folder = results / name.replace("/", "__") / revision
    for task in tasks:
        write_per_query(folder, ranks(task, worst, seed))
    return folder


@pytest.fixture
def results(tmp_path):
    write(tmp_path, "org/good", worst=3, seed=1)
    write(tmp_path, "org/alike", worst=3, seed=2)
    write(tmp_path, "org/bad", worst=30, seed=3)
    return tmp_path


def read(results, *names):
    return read_candidates(names, results)


def test_the_best_and_what_cannot_be_told_from_it(results):
    found = compare(read(results, "org/good", "org/alike", "org/bad"))
    assert found.models == ("org/good", "org/alike", "org/bad")
    row = next(row for row in found.settings if row.task == CROSS)
    good, alike, bad = row.scores
    assert good.as_good_as_best
    assert alike.as_good_as_best
    assert not bad.as_good_as_best
    assert (good.tier, alike.tier, bad.tier) == (1, 1, 2)
    assert bad.ranks == (3, 3)
    assert row.p_values[0, 2] < 0.05 < row.p_values[0, 1]


def test_two_models_have_a_difference_with_interval_and_effect(results):
    found = compare(read(results, "org/bad", "org/good"))
    (difference,) = [s.difference for r in found.settings if r.task == CROSS for s in r.scores[:1]]
    assert difference.p < 0.05
    assert difference.high < 0
    assert difference.superiority < 0.1
    assert all(row.scores[1].difference is None for row in found.settings)


def test_figures_are_the_macro_averages(results):
    (candidate,) = read(results, "org/good")
    found = compare([candidate])
    for row in found.settings:
        pools = candidate.tasks[row.task].subsets.values()
        means = []
        for pool in pools:
            matrix = pool.matrix()
            precision = np.arange(1, matrix.shape[1] + 1) / matrix
            means.append(precision.mean(axis=1).mean())
        (figure,) = row.scores
        assert figure.value == pytest.approx(np.mean(means))
        assert figure.low < figure.value < figure.high
        assert figure.difference is figure.tier is None


def test_a_language_of_the_crosslingual_setting_is_the_mean_over_its_pairs(results):
    (candidate,) = read(results, "org/good")
    found = compare([candidate])
    row = next(r for r in found.languages if (r.task, r.language) == (CROSS, "ar"))
    pairs = [p for name, p in candidate.tasks[CROSS].subsets.items() if name.startswith("ar-")]
    assert len(pairs) == 7
    assert row.scores[0].value == pytest.approx(np.mean([(1 / p.rank).mean() for p in pairs]))


def test_the_gap_is_monolingual_minus_crosslingual(results):
    found = compare(read(results, "org/good", "org/bad"))
    rows = {(row.task, row.language): row.scores for row in (*found.settings, *found.languages)}
    for row in found.gaps:
        for i, figure in enumerate(row.scores):
            mono, cross = (rows[task, row.language][i].value for task in (MONO, CROSS))
            assert figure.value == pytest.approx(mono - cross)
            assert figure.low < figure.value < figure.high
    assert [row.language for row in found.gaps][:3] == [None, "ar", "de"]


def test_spread_over_languages(results):
    found = compare(read(results, "org/good"))
    own = [row.scores[0].value for row in found.languages if row.task == MONO]
    spread = {row.measure: row.scores[0].value for row in found.spreads if row.task == MONO}
    assert spread == pytest.approx(
        {"map_minimum": min(own), "map_maximum": max(own), "map_standard_deviation": np.std(own)}
    )


def test_bias_measures_stand_side_by_side(results):
    found = compare(read(results, "org/good", "org/bad"))
    rows = {row.measure: row.scores for row in found.bias}
    assert rows["rank_distance"][0].value < rows["rank_distance"][1].value
    shares = [
        rows[f"first_place_{c}_{w}"][0].value for c in ("right", "wrong") for w in ("own", "other")
    ]
    assert sum(shares) == pytest.approx(1)
    assert "map" not in rows


def test_identical_models_cannot_be_told_apart(results):
    write(results, "org/twin", worst=3, seed=1)
    found = compare(read(results, "org/good", "org/twin"))
    for row in found.settings:
        (difference,) = (f.difference for f in row.scores if f.difference)
        assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


@pytest.mark.integration
def test_the_same_seed_gives_the_same_figures(results):
    candidates = read(results, "org/good", "org/bad")
    candidates += read(results, "org/alike")
    tables = [compare(candidates, CompareOptions(seed=7)).to_dataframe() for _ in range(2)]
    assert tables[0].equals(tables[1])
    pairs = [compare(candidates, CompareOptions(seed=seed)).pairs() for seed in (7, 8)]
    assert not pairs[0].equals(pairs[1])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"dataset_revision": "2"}, r"dataset revision \('1' and '2'\)"),
        ({"task_version": "9"}, r"task version \('1' and '9'\)"),
        ({"passage_form": "context"}, r"passage form \('sentence' and 'context'\)"),
    ],
)
def test_other_data_is_never_compared(results, change, what):
    good, bad = read(results, "org/good", "org/bad")
    changed = replace(bad, tasks={**bad.tasks, MULTI: replace(bad.tasks[MULTI], **change)})
    with pytest.raises(
        UserError, match=rf"cannot be compared. {MULTI}: org/good and org/bad.*{what}"
    ):
        compare([good, changed])


def test_part_of_the_languages_or_other_questions_are_not_compared(results):
    good, _ = read(results, "org/good", "org/bad")
    fewer = ranks(MULTI, 3, 1)
    fewer = replace(fewer, subsets={a: p for a, p in fewer.subsets.items() if a != "ar"})
    with pytest.raises(UserError, match="subsets"):
        common_tasks([good, Candidate("part", good.folder, {MULTI: fewer})])
    with pytest.raises(UserError, match="the questions of subset ar"):
        common_tasks([good, Candidate("part", good.folder, {MULTI: ranks(MULTI, 3, 1, 39)})])


def test_only_common_tasks_are_compared(results):
    write(results, "org/part", worst=3, seed=1, tasks=[MONO])
    found = compare(read(results, "org/good", "org/part"))
    assert [row.task for row in found.settings] == [MONO]
    write(results, "org/other", worst=3, seed=1, tasks=[CROSS])
    with pytest.raises(UserError, match=f"no task in common: org/part has {MONO}"):
        compare(read(results, "org/part", "org/other"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["org/nothing"], "org/nothing: neither a folder nor a model in .*; there are org/alike"),
        (["org/good", "org/good"], "named twice"),
        (["org/twice"], "several revisions in .*org/twice@1, org/twice@2"),
        (["{results}"], r"it is a folder of all results: --results .*, and a name of org/alike"),
    ],
)
def test_a_model_that_cannot_be_read(results, names, message):
    write(results, "org/twice", worst=3, seed=1)
    write(results, "org/twice", worst=3, seed=1, revision="2")
    with pytest.raises(UserError, match=message):
        read_candidates([name.format(results=results) for name in names], results)


def test_revisions_are_shown_where_names_are_equal(results):
    write(results, "org/good", worst=9, seed=5, revision="abcdef012345")
    names = ["org/good@1", "org/good@abcdef012345"]
    shown = [candidate.name for candidate in read_candidates(names, results)]
    assert shown == ["org/good@1", "org/good@abcdef0"]


def run(results, *arguments):
    outcome = CliRunner().invoke(main, ["compare", *arguments, "--results", str(results)])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_table(results):
    text = run(results, "org/good", "org/bad")
    for part in ("XBench-Mini (demonstration) crosslingual", "org/bad", "Tier", "rank_distance"):
        assert part in text
    assert "…" not in text


def test_markdown_and_latex_mark_the_best(results):
    text = run(results, "org/good", "org/bad", "--format", "markdown")
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    good = next(row for row in rows if "org/good" in row[2:3])
    assert good[3].startswith("**")
    assert not good[4].startswith("**")
    latex = run(results, "org/good", "org/bad", "--format", "latex", "--show", "all")
    assert r"org/good & \textbf{" in latex
    assert r"rank\_distance" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") >= 5


TITLES = {
    "summary": {"means over subsets", "language bias"},
    "languages": {"means over subsets", "by query language", "cross-lingual gap", "spread over"},
    "bias": {"means over subsets", "language bias", "are favoured", "wrong passages among"},
}


@pytest.mark.parametrize("show", [*TITLES, "all"])
def test_a_view_has_its_tables(results, show):
    outcome = CliRunner().invoke(
        main,
        ["compare", "org/good", "org/bad", "--results", str(results), "--show", show],
        catch_exceptions=False,
    )
    expected = TITLES.get(show, set().union(*TITLES.values()))
    for title in set().union(*TITLES.values()):
        assert (title in outcome.stdout) == (title in expected)
    assert ("--show all" in outcome.stderr) == (show == "summary")
    assert ("worst_rank" in outcome.stdout) == (show in ("bias", "all"))


def test_csv_and_json_hold_the_same(results):
    rows = json.loads(run(results, "org/good", "org/bad", "--format", "json"))
    table = list(
        csv.DictReader(io.StringIO(run(results, "org/good", "org/bad", "--format", "csv")))
    )
    assert len(rows) == len(table) > 100
    for row, line in zip(rows, table, strict=True):
        assert {k: "" if v is None else str(v) for k, v in row.items()} == line


def test_a_mistake_is_told(results):
    outcome = CliRunner().invoke(main, ["compare", "org/none", "--results", str(results)])
    assert outcome.exit_code == 2
    assert "neither a folder nor a model" in outcome.output


@pytest.mark.integration
def test_pictures(results, tmp_path):
    pytest.importorskip("matplotlib")
    arguments = ["compare", "org/good", "org/bad", "-r", str(results), "--plot", "out.svg"]
    with CliRunner().isolated_filesystem(tmp_path):
        outcome = CliRunner().invoke(main, arguments)
        assert outcome.exit_code == 0, outcome.output
        root = ElementTree.parse("out.svg").getroot()
    text = " ".join(root.itertext())
    assert "org/good" in text
    assert "org/bad" in text


def test_pictures_need_the_three_settings(results):
    write(results, "org/part", worst=3, seed=1, tasks=[MONO])
    arguments = ["compare", "org/good", "org/part", "-r", str(results), "--plot", "out.svg"]
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == 2
    assert "--plot needs the three settings of a dataset" in outcome.output
