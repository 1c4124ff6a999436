"""Every view of the first page has the values, intervals and tests of the table of scores."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from xbench.analysis.compared_models import read_candidates
from xbench.analysis.comparison import compare
from xbench.leaderboard.article_sums import POOL, article_sums
from xbench.leaderboard.choices import ALL, OTHER, SAME, SETTING
from xbench.leaderboard.results import read_results
from xbench.results.reading import read_ranks

from .conftest import Built, built
from .sound_results import write_sound

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def real(real_results) -> Built:
    """Real results, and the site made of them."""
    return built(real_results)


def data(content: bytes):
    """Return what a script of the site sets."""
    return json.loads(re.search(r"(?:board: | = )(\{.*\})(?: \})?;\n\Z", content.decode())[1])


@pytest.fixture(scope="module")
def board(real):
    text = real.site.files["data/board.js"].decode()
    return json.loads(re.fullmatch(r"window\.xbench = \{ .*?, board: (.*) \};\n", text)[1])


def views(real: Built, about: dict):
    """Yield each choice of a dataset and what its file has."""
    for choice in about["choices"]:
        query, passage = choice.split(">")
        yield query, passage, data(real.site.files[f"views/{about['id']}-{query}-{passage}.js"])


def column(scores: pd.DataFrame, query: str, passage: str) -> pd.DataFrame:
    """Return the scores of one pair of languages, or one language over the pool."""
    own = scores[scores.query_language == query]
    if passage == POOL:
        return own[own.setting == "multilingual"]
    if passage in (SAME, query):
        return own[own.setting == "monolingual"]
    own = own[own.setting == "crosslingual"]
    return own if passage == OTHER else own[own.passage_language == passage]


def expected(scores: pd.DataFrame, languages, query: str, passage: str) -> pd.Series:
    """Return the mean of a choice by model, in pandas alone."""
    asked = languages if query == ALL else [query]
    rows = pd.concat([column(scores, language, passage) for language in asked])
    return rows.groupby("model", observed=True).value.mean()


def test_every_value_of_every_view_is_a_mean_of_the_table(real, board):
    names = [model["name"] for model in board["models"]]
    number = 0
    for about in board["datasets"]:
        scores = real.table.scores[real.table.scores.dataset == about["title"]]
        measure = {"mAP": "map", "nDCG@10": "ndcg_at_10"}[about["measure"]]
        own = scores[(scores.measure == measure) & (scores.passage_form == "sentence")]
        measured = own[(own.provenance == "measured") & (own.query_language != "")]
        for query, passage, view in views(real, about):
            means = expected(measured, about["languages"], query, passage)
            shown = {names[row[0]]: row[1] for row in view["rows"]}
            assert shown == pytest.approx(means.to_dict(), abs=2e-6)
            number += len(shown)
            for row, cells in zip(view["rows"], view.get("by_language", ()), strict=False):
                for language, value in zip(about["languages"], cells, strict=True):
                    single = expected(measured, about["languages"], language, passage)
                    assert value == pytest.approx(single[names[row[0]]], abs=2e-6)
    assert number > 600


def test_published_scores_are_those_of_the_table_and_never_among_the_rows(real, board):
    reported = real.table.scores[real.table.scores.provenance == "reported"]
    seen = 0
    for about in board["datasets"]:
        own = reported[(reported.dataset == about["title"]) & (reported.average != "micro")]
        for query, passage, view in views(real, about):
            assert {board["models"][row[0]]["origin"] for row in view["rows"]} <= {"measured"}
            for model, value, _, note in view["references"]:
                if note:
                    continue
                rows = own[own.model == board["models"][model]["name"]]
                setting = SETTING.get(passage, "crosslingual")
                rows = rows[(rows.setting == setting) & rows.measure.isin(["map", "ndcg_at_10"])]
                rows = rows[rows.query_language == ("" if query == ALL else query)]
                assert value in rows.value.tolist()
                seen += 1
    assert seen > 150


@pytest.mark.parametrize(
    "passage", [POOL, *(pytest.param(own, marks=pytest.mark.slow) for own in (SAME, OTHER))]
)
def test_intervals_and_ranks_are_those_of_compare(real, board, passage):
    names = ["xbench/bm25", "xbench/char-ngram", "local/all-MiniLM-L6-v2"]
    comparison = compare(read_candidates(names, real.results))
    (about,) = [own for own in board["datasets"] if own["title"] == "XQuAD-R"]
    task = {POOL: "Multilingual", SAME: "Monolingual", OTHER: "Crosslingual"}[passage]
    rows = {r.language: r for r in comparison.languages if r.task == f"XQuADR{task}Retrieval"}
    assert len(rows) == 11
    for query, row in rows.items():
        view = data(real.site.files[f"views/{about['id']}-{query}-{passage}.js"])
        shown = {board["models"][own[0]]["name"]: own[1:7] for own in view["rows"]}
        for name, score in zip(names, row.scores, strict=True):
            ends = (score.value, score.low, score.high)
            assert shown[name][:3] == pytest.approx(ends, abs=2e-6)
            assert shown[name][3:] == [*score.ranks, score.tier]


def test_sums_are_what_each_article_adds_to_a_column(tmp_path):
    for task in ("Monolingual", "Multilingual"):
        path = write_sound(tmp_path, f"XBenchMini{task}Retrieval", summary=True)
    stored, computed = (read_results([tmp_path], from_ranks=own).sums for own in (False, True))
    assert len(stored) == len(computed) == 2
    found = article_sums([stored[name] for name in sorted(stored)])
    again = article_sums([computed[name] for name in sorted(computed)])
    for own, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(own, other)
    ranks = read_ranks(path.with_name("XBenchMiniMonolingualRetrieval.per_query.json.gz"))
    pool = ranks.subsets["de"]
    scores = {q: 1 / rank for q, (rank,) in zip(pool.questions, pool.matrix(), strict=True)}
    mean = sum(scores.values()) / len(scores)
    by_article: dict[str, float] = {}
    for question, score in scores.items():
        article = question.rpartition("-")[0]
        by_article[article] = by_article.get(article, 0) + score - mean
    german = found.pairs.index(("de", "de"))
    assert found.means[german] == pytest.approx(mean)
    assert sorted(found.sums[german]) == pytest.approx(sorted(by_article.values()), abs=1e-6)
    assert {passage for _, passage in found.pairs} >= {POOL, "de"}


def test_the_index_names_files_that_are_there(real, board):
    index = json.loads(real.site.files["index.json"])
    assert [own["model"] for own in index["models"]][:3]
    assert {own["format"] for own in [index]} == {1}
    for dataset in index["datasets"]:
        assert {dataset["page"], *dataset.get("views", {}).values()} <= set(real.site.files)
    for model in index["models"]:
        assert {model["page"], *model["scores"].values()} <= set(real.site.files)
        for run in model["runs"]:
            if model["provenance"] == "measured":
                assert (real.results / run["per_query_file"]).is_file()
                assert run["command"].startswith("xbench evaluate")
    means = real.table.scores.query(
        "average == 'macro' and measure == 'map' and query_language == ''"
    )
    listed = [own for model in index["models"] for own in model["means"]]
    listed = [
        own["value"] for own in listed if (own["measure"], own["average"]) == ("map", "macro")
    ]
    assert sorted(listed) == sorted(means.value)
