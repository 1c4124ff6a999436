"""The pages: what they show, what they leave blank, and that they load nothing of others."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from urllib.parse import urlsplit

import numpy as np
import pytest

from xbench._util.errors import UserError
from xbench.data.datasets import MLQA_R, XQUAD_R
from xbench.leaderboard import build_site
from xbench.leaderboard.board import arrange
from xbench.leaderboard.results import read_results
from xbench.leaderboard.standings import ranked_columns, standings
from xbench.leaderboard.writing import MANIFEST
from xbench.metrics import SCORES, task_scores
from xbench.metrics.descriptions import measure_of
from xbench.metrics.registry import NOT_ALWAYS_DEFINED
from xbench.results.reading import read_ranks
from xbench.results.store import micro_average

from .conftest import built, read_site, site_of
from .made_tables import Made, mean

pytestmark = pytest.mark.integration

MONO, CROSS, MULTI = (XQUAD_R.task_name(s) for s in ("monolingual", "crosslingual", "multilingual"))
MAP = ("XQuAD-R", "multilingual", "map")
XQUAD = "datasets/xquad-r.html"
FILLED_BY_SCRIPTS = ("duel", "lift", "map")
SHOWN = ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Mul. mAP micro", "Rank distance"]


def test_reported_rows_name_source_and_tables(published):
    table = published.site.page(XQUAD).tables["xquad-r-all"]
    hybrid = table.lines[table.models.index("LaBSE, hybrid batches")]
    assert hybrid.kind == "reported"
    shown = [table.cell("LaBSE, hybrid batches", name) for name in SHOWN]
    assert shown == ["81.7", "76.7", "68.2", "", "221.1"]
    assert hybrid.cells[-1] == "arXiv 2408.10536, tables 5, 7"


def test_the_note_of_a_figure_is_shown_and_linked(published):
    page = published.site.page(XQUAD)
    assert "the mean of the printed language rows is 0.8184" in page.text
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert "xquad-r-all-note-1" in ids
    assert ("a", "#xquad-r-all-note-1") in {(tag, a.get("href")) for tag, a in page.tags}


def test_sentences_in_their_paragraph_are_ranked_among_themselves(published):
    table = published.site.page(XQUAD).tables["xquad-r-all"]
    groups = {line.model: line.group for line in table.lines}
    assert groups["LaBSE, hybrid batches"] == "A passage is a sentence"
    assert groups["mBERT X-Y"] == "A passage is a sentence followed by its paragraph"
    best = {line.model: line.bold for line in table.lines if line.bold}
    assert best["Translate-Test"] == ["Mul. mAP micro"]
    assert best["LaBSE, hybrid batches"] == ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Rank distance"]


def test_the_order_is_by_multilingual_map(published):
    table = published.site.page(XQUAD).tables["xquad-r-all"]
    lines = [line for line in table.lines if "LaBSE" in line.model]
    assert [line.model for line in lines] == [
        "LaBSE, hybrid batches",
        "LaBSE, X-Y batches",
        "LaBSE, X-X-mono batches",
    ]


def test_a_measured_row_shows_the_means_of_its_files(whole):
    table = whole.site.page(XQUAD).tables["xquad-r-all"]
    (line,) = [line for line in table.lines if line.kind == "measured"]
    folder = whole.results / "org__model" / line.cells[-1]
    assert (line.model, line.kind, line.cells[-1]) == ("org/model", "measured", "0123abc")
    for column, task in zip(SHOWN[:3], (MONO, CROSS, MULTI), strict=True):
        subsets = json.loads((folder / f"{task}.json").read_text())["scores"]["test"]
        mean = 100 * np.mean([s["map"] for s in subsets])
        assert table.cell("org/model", column) == f"{mean:.1f}"
    distance = np.mean([s["rank_distance"] for s in subsets])
    assert table.cell("org/model", "Rank distance") == f"{distance:,.1f}"
    micro = micro_average(read_ranks(folder / f"{MULTI}.per_query.json.gz"))
    assert table.cell("org/model", "Mul. mAP micro") == f"{100 * micro:.1f}"


def test_by_language_is_the_mean_over_the_passage_languages(whole):
    path = whole.results / "org__model" / "0123abc" / f"{CROSS}.json"
    table = whole.site.page(XQUAD).tables["xquad-r-crosslingual-map"]
    assert table.columns == ["Model", *XQUAD_R.languages, "Mean", "Source or revision"]
    subsets = json.loads(path.read_text())["scores"]["test"]
    greek = [s["map"] for s in subsets if s["hf_subset"].startswith("el-")]
    assert len(greek) == 10
    assert table.cell("org/model", "el") == f"{100 * np.mean(greek):.1f}"


def test_a_missing_task_leaves_its_cells_blank(sound, site):
    sound(MONO)
    page = site().page(XQUAD)
    blank = [page.tables["xquad-r-all"].cell("org/model", name) == "" for name in SHOWN]
    assert blank == [False, True, True, True, True]
    assert "xquad-r-crosslingual-map" not in page.tables


def test_revisions_and_settings_are_rows_of_their_own(sound, site):
    sound(MONO)
    sound(MONO, revision="other", seed=1)
    sound(MONO, experiment={"max_length": 64}, seed=2)
    sound(MONO, experiment={"passage_form": "context"}, seed=3)
    lines = site().page(XQUAD).tables["xquad-r-all"].lines
    assert sorted((line.group.split()[-1], line.model, line.cells[-1]) for line in lines) == [
        ("paragraph", "org/model", "0123abc"),
        ("sentence", "org/model", "0123abc"),
        ("sentence", "org/model", "other"),
        ("sentence", "org/model (max_length=64)", "0123abc"),
    ]


@pytest.mark.slow
@pytest.mark.integration
def test_ranks_and_tiers_are_those_of_the_standings(results, sound, site, few_resamples):
    for number, badness in enumerate((1.0, 1.02, 3.0)):
        sound(MULTI, model=f"org/model-{number}", seed=number, badness=badness)
    table = read_results([results])
    board = arrange(table)
    found = standings(ranked_columns(board.scores)[MAP], table.influence)
    expected = {board.models.model[run]: standing for run, standing in found.items()}
    shown = site().page(XQUAD).tables["xquad-r-all"]
    rank = shown.columns.index("Mul. mAP")
    for line in shown.lines:
        own = expected[line.model]
        span = str(own.low) if own.low == own.high else f"{own.low}–{own.high}"
        assert (line.cells[rank], line.details[rank]) == (str(own.rank), f"{span}, tier {own.tier}")
    means = table.scores.query("model == 'org/model-0' and average == 'macro' and measure == 'map'")
    (interval,) = [f"{100 * own.low:.1f}–{100 * own.high:.1f}" for own in means.itertuples()]
    first = shown.lines[shown.models.index("org/model-0")]
    assert first.details[shown.columns.index("Mul. mAP") - 1] == interval


def test_the_demonstration_is_apart_and_not_ranked(sound, site):
    sound("XBenchMini")
    sound("XBenchMini", model="org/better", seed=1)
    built = site()
    assert list(built.page().tables) == ["mini-all"]
    page = built.page("datasets/mini.html")
    assert "Demonstration: XBench-Mini" in page.text
    assert page.tables["mini-all"].models == ["org/better", "org/model"]
    assert not any(line.bold for table in page.tables.values() for line in table.lines)
    assert "Rank" not in page.tables["mini-all"].columns


def test_miracl_has_a_column_for_each_language(published):
    built = published.site
    page = built.page("datasets/miracl.html")
    (table,) = [table for name, table in page.tables.items() if name.endswith("ndcg-at-10")]
    assert len(table.columns) == 1 + 18 + 2
    assert table.cell("bm25", "yo") == "40.6"
    assert table.cell("bm25", "Mean") == ""
    assert table.cell("LaBSE, hybrid batches", "Mean") == "44.1"
    assert table.cell("LaBSE, hybrid batches", "yo") == ""


def test_two_dataset_revisions_never_share_a_column():
    made = Made()
    for revision, value in (("aaaaaaaa", 0.1), ("bbbbbbbb", 0.2)):
        own = [mean("monolingual", "ndcg_at_10", value)]
        made.add("org/a", own, dataset=f"MIRACLRetrieval @ {revision}")
    built = site_of(made.table())
    pages = [path for path in built.files if path.startswith("datasets/")]
    assert len(pages) == 2
    index = json.loads(built.files["index.json"])
    assert [len(own["views"]) for own in index["datasets"]] == [1, 1]
    assert [mean["value"] for mean in index["models"][0]["means"]] == [0.1, 0.2]


def test_a_model_page_shows_every_pair_and_the_run(whole):
    page = whole.site.model("org-model")
    matrices = {name: t for name, t in page.tables.items() if name.startswith("matrix")}
    mean_ap, _, advantages, shares = [
        t for t in matrices.values() if t.caption.startswith("MLQA-R")
    ]
    assert mean_ap.columns == ["Queries", *MLQA_R.languages]
    assert mean_ap.models == list(MLQA_R.languages)
    path = whole.results / "org__model" / "0123abc" / f"{MLQA_R.task_name('crosslingual')}.json"
    subsets = json.loads(path.read_text())["scores"]["test"]
    (pair,) = [s["map"] for s in subsets if s["hf_subset"] == "ar-de"]
    assert mean_ap.cell("ar", "de") == f"{100 * pair:.1f}"
    assert sum(float(cell) for cell in shares.lines[0].cells) == pytest.approx(100, abs=0.5)
    assert "before its translation" in advantages.caption
    for shown in (
        "118M",
        "MSMARCO, MLQA",
        "not zero-shot",
        "xbench evaluate --model org/model",
        "2.5 %",
    ):
        assert shown in page.text


def test_all_scores_of_a_model_are_on_its_page(sound, site):
    sound(MULTI)
    means, bias, *_ = site().model("org-model").tables.values()
    expected = task_scores(multilingual=True, parallel=True)
    assert len(means.lines) + len(bias.lines) == 1 + len(expected) + len(NOT_ALWAYS_DEFINED)


def test_the_measures_page_explains_every_score_once(published):
    page = published.site.page("measures.html")
    for score in SCORES:
        assert len(re.findall(rf"(?<!\w){score}(?!\w)", page.text)) >= 1, score
        assert measure_of(score) is not None
    assert "https://arxiv.org/abs/2408.10536" in {a.get("href") for _, a in page.tags}
    assert ">>>" not in page.text


@pytest.mark.integration
def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(whole):
    built = whole.site
    for path, page in built.pages.items():
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        for tag, attributes in page.tags:
            for name in ("href", "src"):
                if name not in attributes:
                    continue
                url = urlsplit(attributes[name])
                if url.scheme:
                    assert (tag, url.scheme) == ("a", "https")
                elif url.path:
                    assert posixpath.normpath(posixpath.join(path, "..", url.path)) in built.files
                else:
                    assert url.fragment in ids


def test_pages_hold_no_script_and_no_style_of_their_own(whole):
    for page in whole.site.pages.values():
        assert not {"style", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
        assert all("src" in attributes for tag, attributes in page.tags if tag == "script")
        assert not [a for _, own in page.tags for a in own if a == "style" or a.startswith("on")]
        (policy,) = [
            attributes["content"]
            for tag, attributes in page.tags
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy


def test_tables_have_captions_and_headers_with_scope(whole):
    for page in whole.site.pages.values():
        filled = [own for name, own in page.tables.items() if name not in FILLED_BY_SCRIPTS]
        assert all(table.caption and table.lines for table in filled)
        scopes = {attributes.get("scope") for tag, attributes in page.tags if tag == "th"}
        assert scopes <= {"col", "row", "rowgroup", "colgroup"}


def test_excluded_files_are_named_with_the_reason(published, results):
    shutil.copytree(published.results / "reported", results / "reported")
    (results / "reported" / "lareqa.json").write_text("{")
    own = built(results)
    table = own.site.page("excluded.html").tables["excluded"]
    assert table.models == ["reported/lareqa.json"]
    assert "expected JSON" in table.lines[0].cells[0]
    assert table.lines[0].cells[0] == own.table.excluded[0].reason
    assert "mBERT X-Y" not in own.site.page(XQUAD).tables["xquad-r-all"].models


@pytest.mark.integration
def test_the_same_results_give_the_same_bytes(published, results, sound, tmp_path):
    shutil.copytree(published.results / "reported", results / "reported")
    sound("XBenchMini")
    shutil.copytree(results, tmp_path / "elsewhere" / "copy")
    site = build_site([results], tmp_path / "a")
    assert site.page == tmp_path / "a" / "index.html" and not site.excluded and not site.is_empty
    first = read_site(tmp_path / "a").files
    build_site([results], tmp_path / "a")
    build_site([tmp_path / "elsewhere" / "copy"], tmp_path / "b")
    assert read_site(tmp_path / "a").files == read_site(tmp_path / "b").files == first
    del first[MANIFEST]
    assert first == built(results).site.files


def test_other_files_of_the_folder_are_left_alone(results, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "CNAME").write_text("example.org")
    build_site([results], tmp_path / "site")
    assert (tmp_path / "site" / "CNAME").read_text() == "example.org"


def test_an_empty_folder_gives_pages_that_say_so(site):
    built = site()
    assert "There are no results here yet." in built.page().text
    assert "Every file was used." in built.page("excluded.html").text
    assert not built.page().tables


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(UserError, match="missing: no such folder"):
        build_site([tmp_path / "missing"], tmp_path / "site")
