"""The pages: what they show, what they leave blank, and that they load nothing of others."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest

from xbench._util.errors import UserError
from xbench.data.catalogue import MLQA_R, XQUAD_R
from xbench.leaderboard import build_site
from xbench.leaderboard.figures import Details, Figure, Key, Row
from xbench.leaderboard.measures import MEASURES
from xbench.leaderboard.rows import read_rows
from xbench.leaderboard.standings import standings
from xbench.metrics import SCORES, task_scores
from xbench.results.reading import read_ranks
from xbench.results.store import micro_average

from .conftest import ROOT, read_site, site_of

MONO, CROSS, MULTI = (XQUAD_R.task_name(s) for s in ("monolingual", "crosslingual", "multilingual"))
XQUAD = "datasets/xquad-r.html"
FIGURES = ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Mul. mAP micro", "Rank distance"]
MUL = Key("multilingual", "map", None, "macro")


def script(content: bytes):
    """Return what a script of data sets."""
    text = content.decode("ascii")
    return json.loads(re.fullmatch(r"window\.xbench = \{ .*?, \w+: (.*) \};\n", text)[1])


def made(model: str, dataset: str = "XQuAD-R", **figures) -> Row:
    """Return a measured row of multilingual figures."""
    own = {Key("multilingual", name, None, "macro"): Figure(x) for name, x in figures.items()}
    return Row(model, dataset, "sentence", own, revision="1")


def test_reported_rows_name_source_and_tables(reported, site):
    table = site().page(XQUAD).tables["xquad-r-all"]
    hybrid = table.lines[table.models.index("LaBSE, hybrid batches")]
    assert hybrid.kind == "reported"
    shown = [table.cell("LaBSE, hybrid batches", name) for name in FIGURES]
    assert shown == ["81.7", "76.7", "68.2", "", "221.1"]
    assert hybrid.cells[-1] == "arXiv 2408.10536, tables 5, 7"


def test_the_note_of_a_figure_is_shown_and_linked(reported, site):
    page = site().page(XQUAD)
    assert "the mean of the printed language rows is 0.8184" in page.text
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert "xquad-r-all-note-1" in ids
    assert ("a", "#xquad-r-all-note-1") in {(tag, a.get("href")) for tag, a in page.tags}


def test_sentences_in_their_paragraph_are_ranked_among_themselves(reported, site):
    table = site().page().tables["overview"]
    groups = {line.model: line.group for line in table.lines}
    assert groups["LaBSE, hybrid batches"] == "A passage is a sentence, or as MIRACL has it"
    assert groups["mBERT X-Y"] == "A passage is a sentence followed by its paragraph"
    best = {line.model: line.bold for line in table.lines if line.bold}
    assert best["Translate-Test"] == ["Mul. mAP micro", "Mul. mAP micro"]
    assert best["LaBSE, hybrid batches"] == 2 * ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Rank distance"]


def test_the_order_is_by_multilingual_map(reported, site):
    lines = [line for line in site().page().tables["overview"].lines if "LaBSE" in line.model]
    assert [line.model for line in lines] == [
        "LaBSE, hybrid batches",
        "LaBSE, X-Y batches",
        "LaBSE, X-X-mono batches",
    ]


@pytest.mark.parametrize(("path", "name"), [("index.html", "overview"), (XQUAD, "xquad-r-all")])
def test_a_measured_row_shows_the_means_of_its_files(sound, site, path, name):
    file = sound("XQuADR")
    table = site().page(path).tables[name]
    (line,) = table.lines
    assert (line.model, line.kind, line.cells[-1]) == ("org/model", "measured", "0123abc")
    for column, task in zip(FIGURES[:3], (MONO, CROSS, MULTI), strict=True):
        subsets = json.loads(file.with_name(f"{task}.json").read_text())["scores"]["test"]
        mean = 100 * np.mean([s["map"] for s in subsets])
        assert table.cell("org/model", column) == f"{mean:.1f}"
    distance = np.mean([s["rank_distance"] for s in subsets])
    assert table.cell("org/model", "Rank distance") == f"{distance:,.1f}"
    micro = micro_average(read_ranks(file.with_name(f"{MULTI}.per_query.json.gz")))
    assert table.cell("org/model", "Mul. mAP micro") == f"{100 * micro:.1f}"


def test_by_language_is_the_mean_over_the_passage_languages(sound, site):
    path = sound(CROSS)
    table = site().page(XQUAD).tables["xquad-r-crosslingual-map"]
    assert table.columns == ["Model", *XQUAD_R.languages, "Mean", "Source or revision"]
    subsets = json.loads(path.read_text())["scores"]["test"]
    greek = [s["map"] for s in subsets if s["hf_subset"].startswith("el-")]
    assert len(greek) == 10
    assert table.cell("org/model", "el") == f"{100 * np.mean(greek):.1f}"


def test_a_missing_task_leaves_its_cells_blank(sound, site):
    sound(MONO)
    page = site().page(XQUAD)
    blank = [page.tables["xquad-r-all"].cell("org/model", name) == "" for name in FIGURES]
    assert blank == [False, True, True, True, True]
    assert "xquad-r-crosslingual-map" not in page.tables


def test_revisions_and_settings_are_rows_of_their_own(sound, site):
    sound(MONO)
    sound(MONO, revision="other", seed=1)
    sound(MONO, experiment={"max_length": 64}, seed=2)
    sound(MONO, experiment={"passage_form": "context"}, seed=3)
    lines = site().page().tables["overview"].lines
    assert sorted((line.group.split()[-1], line.model, line.cells[-1]) for line in lines) == [
        ("paragraph", "org/model", "0123abc"),
        ("sentence", "org/model", "0123abc"),
        ("sentence", "org/model", "other"),
        ("sentence", "org/model (max_length=64)", "0123abc"),
    ]


@pytest.mark.integration
def test_ranks_and_tiers_are_those_of_the_standings(results, sound, site):
    for number, badness in enumerate((1.0, 1.02, 3.0)):
        sound(MULTI, model=f"org/model-{number}", seed=number, badness=badness)
    rows, _ = read_rows([results])
    expected = {row.model: standings(rows, MUL)[row.identity] for row in rows}
    overview = site().page().tables["overview"]
    rank = overview.columns.index("Rank") - 1
    for line in overview.lines:
        own = expected[line.model]
        span = str(own.low) if own.low == own.high else f"{own.low}–{own.high}"
        assert (line.cells[rank], line.details[rank]) == (str(own.rank), f"{span}, tier {own.tier}")
    (interval,) = {
        f"{100 * low:.1f}–{100 * high:.1f}"
        for row in rows
        if row.model == "org/model-0"
        for low, high in [row.figures[MUL].interval]
    }
    first = overview.lines[overview.models.index("org/model-0")]
    assert first.details[overview.columns.index("Mul. mAP") - 1] == interval


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


def test_miracl_has_a_column_for_each_language(reported, site):
    built = site()
    page = built.page("datasets/miracl.html")
    (table,) = [table for name, table in page.tables.items() if name.endswith("ndcg-at-10")]
    assert len(table.columns) == 1 + 18 + 2
    assert table.cell("bm25", "yo") == "40.6"
    assert table.cell("bm25", "Mean") == ""
    assert table.cell("LaBSE, hybrid batches", "Mean") == "44.1"
    assert table.cell("LaBSE, hybrid batches", "yo") == ""
    overview = built.page().tables["overview"]
    assert overview.cell("LaBSE, hybrid batches", "Mo. nDCG@10") == "44.1"
    assert overview.cell("bm25", "Mo. nDCG@10") == ""


def test_two_dataset_revisions_never_share_a_column():
    ndcg = Key("monolingual", "ndcg_at_10", None, "macro")
    rows = [
        Row("org/a", f"MIRACLRetrieval @ {revision}", "sentence", {ndcg: Figure(value)})
        for revision, value in (("aaaaaaaa", 0.1), ("bbbbbbbb", 0.2))
    ]
    built = site_of(replace(row, origin="imported") for row in rows)
    table = built.page().tables["overview"]
    assert table.columns[1:-3] == ["Mo. nDCG@10", "Mo. nDCG@10"]
    assert [line.cells[:-3] for line in table.lines] == [["10.0", "20.0"]]
    assert len([path for path in built.files if path.startswith("datasets/")]) == 2


def test_a_model_page_shows_every_pair_and_the_run(sound, site):
    path = sound(
        "MLQAR", meta={"training_datasets": ["MSMARCO", "MLQA"], "n_parameters": 118_000_000}
    )
    page = site().model("org-model")
    mean_ap, _, shares = [t for name, t in page.tables.items() if name.startswith("matrix")]
    assert mean_ap.columns == ["Queries", *MLQA_R.languages]
    assert mean_ap.models == list(MLQA_R.languages)
    subsets = json.loads(path.with_name(f"{MLQA_R.task_name('crosslingual')}.json").read_text())[
        "scores"
    ]["test"]
    (pair,) = [s["map"] for s in subsets if s["hf_subset"] == "ar-de"]
    assert mean_ap.cell("ar", "de") == f"{100 * pair:.1f}"
    assert sum(float(cell) for cell in shares.lines[0].cells) == pytest.approx(100, abs=0.5)
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
    assert len(means.lines) + len(bias.lines) == 1 + len(
        task_scores(multilingual=True, parallel=True)
    )


def test_the_measures_page_explains_every_score_once(site):
    page = site().page("measures.html")
    for score in SCORES:
        assert len(re.findall(rf"(?<!\w){score}(?!\w)", page.text)) >= 1, score
        assert score.partition("_at_")[0] in MEASURES
    assert "https://arxiv.org/abs/2408.10536" in {a.get("href") for _, a in page.tags}
    assert ">>>" not in page.text


@pytest.mark.parametrize(("path", "name"), [("index.html", "overview"), (XQUAD, "xquad-r-all")])
def test_downloads_hold_what_the_table_shows(reported, sound, site, path, name):
    sound("XQuADR")
    built = site()
    table = built.page(path).tables[name]
    records = json.loads(built.files[f"data/{name}.json"])
    lines = list(csv.DictReader(io.StringIO(built.files[f"data/{name}.csv"].decode())))
    assert len(records) == len(lines) == len(table.lines)
    for shown, record, line in zip(table.lines, records, lines, strict=True):
        assert record["model"] == line["model"] == shown.model
        figures = [f"XQuAD-R {column}" for column in FIGURES]
        for column, figure in zip(FIGURES, figures, strict=True):
            value = record.get(figure)
            assert line[figure] == ("" if value is None else str(value))
            cell = shown.cells[table.columns.index(column) - 1]
            assert cell == ("" if value is None else f"{value:,.1f}")


def test_the_scripts_hold_the_figures_of_single_subsets(sound, site):
    path = sound(CROSS)
    data = script(site().files["data/subsets.js"])
    (values,) = data["rows"].values()
    number = next(i for i, c in enumerate(data["columns"]) if c["pairs"])
    subsets = json.loads(path.read_text())["scores"]["test"]
    expected = {s["hf_subset"]: round(100 * s["map"], 6) for s in subsets}
    assert dict(zip(data["columns"][number]["subsets"], values[number], strict=True)) == expected


@pytest.mark.integration
def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(reported, sound, site):
    sound("")
    built = site()
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


def test_pages_hold_no_script_and_no_style_of_their_own(reported, sound, site):
    sound("XQuADR")
    for page in site().pages.values():
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


def test_tables_have_captions_and_headers_with_scope(reported, sound, site):
    sound("")
    for page in site().pages.values():
        assert all(table.caption and table.lines for table in page.tables.values())
        scopes = {attributes.get("scope") for tag, attributes in page.tags if tag == "th"}
        assert scopes <= {"col", "row", "rowgroup", "colgroup"}


def test_left_out_files_are_named_with_the_reason(reported, site):
    (reported / "lareqa.json").write_text("{")
    built = site()
    table = built.page("left-out.html").tables["left-out"]
    assert table.models == ["reported/lareqa.json"]
    assert "not readable as JSON" in table.lines[0].cells[0]
    assert "mBERT X-Y" not in built.page().tables["overview"].models


@pytest.mark.integration
def test_the_same_results_give_the_same_bytes(reported, results, sound, tmp_path):
    sound("MLQAR")
    shutil.copytree(results, tmp_path / "elsewhere" / "copy")
    build_site([results], tmp_path / "a", tmp_path / "cache")
    first = read_site(tmp_path / "a").files
    build_site([results], tmp_path / "a", tmp_path / "cache")
    build_site([tmp_path / "elsewhere" / "copy"], tmp_path / "b")
    assert read_site(tmp_path / "a").files == read_site(tmp_path / "b").files == first


def test_other_files_of_the_folder_are_left_alone(results, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "CNAME").write_text("example.org")
    build_site([results], tmp_path / "site")
    assert (tmp_path / "site" / "CNAME").read_text() == "example.org"


def test_an_empty_folder_gives_pages_that_say_so(site):
    built = site()
    assert "There are no results here yet." in built.page().text
    assert "Nothing was left out." in built.page("left-out.html").text
    assert not built.page().tables


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(UserError, match="missing: no such folder"):
        build_site([tmp_path / "missing"], tmp_path / "site")


@pytest.mark.integration
def test_an_overview_of_many_models_is_small():
    details = Details(n_parameters=10**8)
    real = [row for row in read_rows([ROOT / "results"])[0] if row.model == "xbench/bm25"]
    rows = [
        replace(row, model=f"org/some-multilingual-model-{n}", details=details, evidence={})
        for n in range(200)
        for row in real
    ]
    files = site_of(rows).files
    loaded = ["index.html", "data/subsets.js", *(f for f in files if f.startswith("assets/"))]
    assert sum(len(files[path]) for path in loaded) < 1.5 * 2**20


def serve(*arguments: str) -> subprocess.Popen[str]:
    """Start the command that shows the pages of an empty folder of results."""
    command = [sys.executable, "-m", "xbench", "leaderboard", "serve", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def test_serve_shows_the_pages_and_ends_with_ctrl_c(results):
    with serve("--results", str(results), "--port", "0") as process:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert b"There are no results here yet." in urlopen(address).read()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "Stopped\n", "")


def test_a_port_in_use_is_named(results):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve("--results", str(results), "--port", port) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert errors.startswith(f"Error: --port {port}: cannot be used")
