"""The page: what it shows, what it leaves out, and that it loads nothing."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from xbench.catalogue import XQUAD_R
from xbench.errors import UserError
from xbench.leaderboard import build_site
from xbench.results import micro_average, read_per_query

from .conftest import Page, change, write_fake

MONO, CROSS, MULTI = (XQUAD_R.task_name(s) for s in ("monolingual", "crosslingual", "multilingual"))
HOSTILE = '<script>alert(1)</script>"onmouseover="alert(2)'
ABBREVIATIONS = ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Mul. mAP micro", "Rank distance"]


def left_out(page: Page) -> dict[str, str]:
    table = page.tables.get("plain")
    return {line.model: line.cells[0] for line in table.lines} if table else {}


def subset(result, name):
    return next(s for s in result["scores"]["test"] if s["hf_subset"] == name)


def test_reported_rows_name_source_and_tables(reported, page):
    table = page().tables["xquad-r-all"]
    assert table.columns == ["Model", *ABBREVIATIONS, "Source or revision"]
    hybrid = table.lines[table.models.index("LaBSE, hybrid batches")]
    assert hybrid.kind == "reported"
    assert hybrid.cells == [
        *("81.7[1]", "76.7", "68.2", "", "221.1"),
        "arXiv 2408.10536, tables 5, 7",
    ]
    assert table.cell("XLM-R, X-Y batches", "Source or revision").endswith("tables 3, 7")


def test_the_note_of_a_figure_is_shown_and_linked(reported, page):
    built = page()
    assert "the mean of the printed language rows is 0.8184" in built.text
    ids = {attributes.get("id") for _, attributes in built.tags}
    links = [a["href"] for tag, a in built.tags if tag == "a" and a["href"].startswith("#")]
    assert "#xquad-r-all-note-1" in links
    assert {link[1:] for link in links} <= ids


def test_lareqa_is_compared_only_with_passages_in_their_paragraph(reported, page):
    table = page().tables["xquad-r-all"]
    groups = {line.model: line.group for line in table.lines}
    assert groups["LaBSE, hybrid batches"] == "A passage is a sentence"
    assert groups["mBERT X-Y"] == "A passage is a sentence followed by its paragraph"
    assert table.cell("mBERT X-Y", "Mul. mAP micro") == "66.0"
    assert table.cell("mBERT X-Y", "Mul. mAP") == ""
    best = {line.model: line.bold for line in table.lines if line.bold}
    assert best["Translate-Test"] == ["Mul. mAP micro"]
    assert best.keys() == {"Translate-Test", "LaBSE, hybrid batches"}


def test_best_of_each_column_is_bold_and_the_order_is_by_multilingual_map(reported, page):
    lines = [line for line in page().tables["xquad-r-all"].lines if "LaBSE" in line.model]
    assert [line.model for line in lines] == [
        "LaBSE, hybrid batches",
        "LaBSE, X-Y batches",
        "LaBSE, X-X-mono batches",
    ]
    assert lines[0].bold == ["Mo. mAP", "Cr. mAP", "Mul. mAP", "Rank distance"]
    assert lines[1].bold == lines[2].bold == []


def test_a_measured_row_shows_the_means_of_its_files(results, fake, page):
    path = fake("XQuADR")
    table = page().tables["xquad-r-all"]
    (line,) = table.lines
    assert (line.model, line.kind) == ("org/model", "measured")
    assert table.cell("org/model", "Source or revision") == "0123abc"
    for column, task in zip(ABBREVIATIONS[:3], (MONO, CROSS, MULTI), strict=True):
        subsets = json.loads(path.with_name(f"{task}.json").read_text())["scores"]["test"]
        mean = 100 * np.mean([s["map"] for s in subsets])
        assert table.cell("org/model", column) == f"{mean:.1f}"
    distance = np.mean([s["rank_distance"] for s in subsets])
    assert table.cell("org/model", "Rank distance") == f"{distance:.1f}"
    micro = micro_average(read_per_query(path.with_name(f"{MULTI}.per_query.json.gz")))
    assert table.cell("org/model", "Mul. mAP micro") == f"{100 * micro:.1f}"


def test_by_language_is_the_mean_over_the_passage_languages(fake, page):
    path = fake(CROSS)
    table = page().tables["xquad-r-crosslingual-map"]
    assert table.columns == ["Model", *XQUAD_R.languages, "Mean", "Source or revision"]
    subsets = json.loads(path.read_text())["scores"]["test"]
    greek = [s["map"] for s in subsets if s["hf_subset"].startswith("el-")]
    assert len(greek) == 10
    assert table.cell("org/model", "el") == f"{100 * np.mean(greek):.1f}"


def test_a_missing_task_leaves_its_cells_blank(fake, page):
    fake(MONO)
    table = page().tables["xquad-r-all"]
    assert [table.cell("org/model", name) == "" for name in ABBREVIATIONS] == [
        *(False, True, True, True, True)
    ]
    assert "xquad-r-crosslingual-map" not in page().tables


def test_experiments_are_rows_of_their_own(fake, page):
    fake("XQuADR")
    fake("XQuADR", experiment={"max_length": 64}, seed=1)
    fake("XQuADR", experiment={"passage_form": "context"}, seed=2)
    fake("XQuADR", experiment={"max_length": 64, "passage_form": "context"}, seed=3)
    groups = [(line.group, line.model) for line in page().tables["xquad-r-all"].lines]
    sentence = "A passage is a sentence"
    context = "A passage is a sentence followed by its paragraph"
    assert sorted(groups) == [
        (sentence, "org/model"),
        (sentence, "org/model (max_length=64)"),
        (context, "org/model"),
        (context, "org/model (max_length=64)"),
    ]


def test_revisions_are_rows_of_their_own(fake, page):
    fake("XQuADR")
    fake(MONO, revision="other", seed=1)
    table = page().tables["xquad-r-all"]
    origins = {line.cells[-1]: line.cells[1] for line in table.lines}
    assert origins["other"] == ""
    assert origins["0123abc"] != ""


def test_the_demonstration_is_apart_and_not_ranked(fake, page):
    fake("XBenchMini")
    fake("XBenchMini", model="org/better", seed=1)
    built = page()
    assert [name for name, table in built.tables.items() if table.lines] == ["mini-all"]
    assert "demonstration" in built.tables["mini-all"].caption
    assert built.tables["mini-all"].models == ["org/better", "org/model"]
    assert not any(line.bold for line in built.tables["mini-all"].lines)
    (section,) = [text for text in built.sections if "org/better" in text]
    assert section.strip().startswith("Demonstration: XBench-Mini")


def test_miracl_is_a_table_of_its_own_and_not_ranked(reported, page):
    built = page()
    (section,) = [text for text in built.sections if text.strip().startswith("MIRACL")]
    assert "mdpr-tied-pft-msmarco-ft-miracl" in section
    table = built.tables["published-1-monolingual-ndcg-at-10"]
    assert len(table.columns) == 1 + 18 + 2
    assert table.cell("bm25", "yo") == "40.6"
    assert table.cell("bm25", "Mean") == ""
    assert table.cell("LaBSE, hybrid batches", "Mean") == "44.1"
    assert table.cell("LaBSE, hybrid batches", "yo") == ""
    assert not any(line.bold for line in table.lines)


def remove_subset(result):
    result["scores"]["test"] = result["scores"]["test"][1:]


def repeat_subset(result):
    result["scores"]["test"].append(result["scores"]["test"][0])


def without_measure(result):
    del subset(result, "th")["map"]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda r: r.update(dataset_revision="main"), "dataset revision 'main'"),
        (remove_subset, "1 of 11 subsets missing: ar"),
        (repeat_subset, "there twice: ar"),
        (without_measure, "subset th: map is None"),
        (lambda r: subset(r, "el").update(map=float("nan")), "subset el: map is nan"),
        (lambda r: subset(r, "el").update(map=76.2), "expected a number from 0 to 1"),
        (lambda r: subset(r, "el").update(rank_distance=-1), "rank_distance is -1"),
        (lambda r: subset(r, "el").update(ndcg_at_10="good"), "ndcg_at_10 is 'good'"),
        (lambda r: subset(r, "el").update(map=0.987), "map is 0.987, but 0."),
        (lambda r: r.update(scores={"dev": []}), "no scores of the subsets"),
        (lambda r: r.update(scores={"test": ["el"]}), "no scores of the subsets"),
    ],
)
def test_a_wrong_result_gives_no_figure(fake, page, edit, reason):
    fake(MULTI, edit=edit)
    built = page()
    assert "xquad-r-all" not in built.tables
    ((file, given),) = left_out(built).items()
    assert file == f"org__model/0123abc/{MULTI}.json"
    assert reason in given


def test_a_run_on_part_of_the_languages_never_counts(fake, page):
    fake(MONO, experiment={"languages": "ar,de"})
    built = page()
    assert "xquad-r-all" not in built.tables
    ((file, reason),) = left_out(built).items()
    assert file.startswith("org__model/0123abc/experiments/")
    assert reason == "run on part of the languages: 'ar,de'"


def damage(path):
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "is missing"),
        (damage, "is damaged"),
        (lambda path: path.write_bytes(b"no gzip"), "is damaged"),
        (lambda path: path.write_bytes(gzip.compress(b"[" * 100_000)), "is damaged"),
        (lambda path: path.write_bytes(gzip.compress(b'{"subsets": []}')), "is damaged"),
        (lambda path: repack(path, task_version="0"), "task_version is '0'; expected '1'"),
        (lambda path: repack(path, passage_form="context"), "passage_form is 'context'"),
        (lambda path: repack(path, subsets={}), "the subsets are not the result's"),
    ],
)
def test_a_result_without_its_ranks_gives_no_figure(fake, page, spoil, reason):
    spoil(fake(MULTI).with_name(f"{MULTI}.per_query.json.gz"))
    built = page()
    assert "xquad-r-all" not in built.tables
    assert reason in left_out(built)[f"org__model/0123abc/{MULTI}.json"]


def repack(path, **fields):
    document = json.loads(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(json.dumps(document | fields).encode()))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null"])
def test_an_unreadable_file_is_named(fake, page, content):
    good = fake(CROSS)
    fake(MONO).write_bytes(content)
    built = page()
    assert built.tables["xquad-r-all"].cell("org/model", "Mo. mAP") == ""
    assert built.tables["xquad-r-all"].cell("org/model", "Cr. mAP") != ""
    assert list(left_out(built)) == [f"org__model/0123abc/{MONO}.json"]
    assert good.is_file()


def test_an_unreadable_published_file_is_named(reported, page):
    (reported / "lareqa.json").write_text("{")
    built = page()
    assert left_out(built) == {
        "reported/lareqa.json": "lareqa.json is not readable as JSON (JSONDecodeError)"
    }
    assert "mBERT X-Y" not in built.tables["xquad-r-all"].models


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "org/other"}, "another folder's"),
        ({"revision": "main"}, "another folder's"),
        ({"revision": None}, "revision is None; expected text"),
        ({"experiment_kwargs": {"max_length": 64}}, "has experiment_kwargs"),
        ({"experiment_kwargs": [1]}, "experiment_kwargs is no object"),
    ],
)
def test_metadata_of_another_model_gives_no_figure(fake, page, fields, reason):
    path = fake(MONO)
    change(path.with_name("model_meta.json"), **fields)
    built = page()
    assert "xquad-r-all" not in built.tables
    assert reason in left_out(built)[f"org__model/0123abc/{MONO}.json"]


def test_a_result_under_another_tasks_name_gives_no_figure(fake, page):
    path = fake(MONO)
    shutil.copy(path, path.with_name(f"{MULTI}.json"))
    assert f"task_name is '{MONO}'" in left_out(page())[f"org__model/0123abc/{MULTI}.json"]


def test_of_two_results_of_a_run_the_first_counts(results, fake, page, tmp_path):
    fake(MONO)
    second = tmp_path / "second"
    write_fake(second, MONO, seed=1)
    alone = page().tables["xquad-r-all"].cell("org/model", "Mo. mAP")
    built = Page(build_site([results, second], tmp_path / "site").read_text())
    assert built.tables["xquad-r-all"].cell("org/model", "Mo. mAP") == alone
    assert list(left_out(built).values()) == ["the same run's result is there already"]


def test_text_from_results_is_escaped(fake, page):
    fake("XQuADR", model=HOSTILE, revision="<b>1")
    fake("XQuADR", model=HOSTILE, revision="<b>1", experiment={"query_prompt": "<img src=x>"})
    fake(MONO, model="bad", revision="<i>", edit=lambda r: r.update(dataset_revision=HOSTILE))
    built = page()
    assert built.tables["xquad-r-all"].models.count(HOSTILE) == 1
    assert f"{HOSTILE} (query_prompt=<img src=x>)" in built.tables["xquad-r-all"].models
    assert f"bad/<i>/{MONO}.json" in left_out(built)
    assert not {"script", "img", "b", "i"} & {tag for tag, _ in built.tags}
    assert not [a for _, attributes in built.tags for a in attributes if a.startswith("on")]


def test_text_that_is_no_unicode_is_replaced(fake, page):
    fake(MONO, experiment={"query_prompt": "caf\udce9"})
    assert page().tables["xquad-r-all"].models == ["org/model (query_prompt=caf?)"]


def test_the_page_loads_nothing_and_runs_nothing(reported, fake, page):
    fake("XQuADR")
    built = page()
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in built.tags
    }
    for tag, attributes in built.tags:
        assert not {"src", "srcset", "style", "background", "action"} & set(attributes), tag
        if "href" in attributes:
            assert tag == "a"
            assert re.match(r"#|https://", attributes["href"])
    assert "@import" not in built.style
    assert "url(" not in built.style
    (policy,) = [
        attributes["content"]
        for tag, attributes in built.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy


def test_tables_have_captions_and_headers_with_scope(reported, fake, page):
    fake("")
    built = page()
    assert len(built.tables) == 1 + 4 + 1 + 4 + 2 + 1
    assert all(table.caption and table.lines for table in built.tables.values())
    scopes = {attributes.get("scope") for tag, attributes in built.tags if tag == "th"}
    assert scopes == {"col", "row", "rowgroup"}
    ids = [attributes["id"] for _, attributes in built.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_same_results_give_the_same_bytes(reported, results, fake, tmp_path):
    fake("XQuADR")
    fake(MONO, experiment={"languages": "ar"})
    shutil.copytree(results, tmp_path / "elsewhere" / "copy")
    first = build_site([results], tmp_path / "a").read_bytes()
    assert build_site([results], tmp_path / "a").read_bytes() == first
    assert build_site([tmp_path / "elsewhere" / "copy"], tmp_path / "b").read_bytes() == first


def test_an_empty_folder_gives_a_page_that_says_so(page):
    built = page()
    assert "There are no results here yet." in built.text
    assert "Nothing was left out." in built.text
    assert not built.tables


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        build_site([tmp_path / "nowhere"], tmp_path / "site")


def test_building_needs_neither_torch_nor_mteb(tmp_path):
    code = (
        "import sys; from pathlib import Path; from xbench.leaderboard import build_site;"
        "build_site([], Path(sys.argv[1]));"
        "heavy = {'torch', 'mteb', 'pandas', 'sentence_transformers'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
