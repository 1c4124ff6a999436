"""Results of any task, languages and settings are read; what does not conform is named."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from xbench._util.errors import UserError
from xbench.data.catalogue import BENCHMARKS
from xbench.data.download import DataLocation
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.metrics import SCORES
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE
from xbench.models.options import ModelOptions
from xbench.results.measured import read_measured
from xbench.results.reading import read_ranks, read_task
from xbench.results.score_table import KEY, Contents, as_table
from xbench.results.summaries import measures_with_intervals
from xbench.results.validation import check_summarised, check_task

ENGLISH = "english_advantage"
MULTI = "XBenchMiniMultilingualRetrieval"
CROSS = "XBenchMiniCrosslingualRetrieval"
MONO = "XBenchMiniMonolingualRetrieval"


@pytest.fixture(scope="session")
def partial(tmp_path_factory) -> Path:
    """Results on two of the languages, as ``xbench evaluate`` writes them."""
    root = tmp_path_factory.mktemp("partial")
    evaluate(
        ModelOptions("xbench/char-ngram"),
        Selection(BENCHMARKS["XBenchMini"], languages=("ar", "de")),
        output=root / "results",
        location=DataLocation(None, root / "cache", offline=True),
        show_progress=False,
    )
    return root / "results"


@pytest.fixture
def folder(partial, tmp_path) -> Path:
    """The folder of a copy of them."""
    root = Path(shutil.copytree(partial, tmp_path / "results"))
    return root / "xbench__char-ngram" / "1" / "experiments" / "languages_ar,de"


def read(folder, task=MULTI):
    return read_task(folder / f"{task}.json", folder.parents[3])


def table(*paths, root, check=read_task):
    contents = Contents()
    read_measured([(path, root) for path in paths], check, contents)
    return as_table(contents)


def edit(path, change):
    packed = path.suffix == ".gz"
    document = json.loads(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    change(document)
    content = json.dumps(document).encode()
    path.write_bytes(gzip.compress(content) if packed else content)


def test_a_part_of_the_languages_has_scores_intervals_and_numbers_of_questions(folder):
    found = table(
        *(folder / f"{task}.json" for task in (MONO, CROSS, MULTI)), root=folder.parents[3]
    )
    assert found.excluded == ()
    assert set(found.scores["settings"]) == {"languages=ar,de"}
    maps = found.scores.query("measure == 'map' and average == ''")
    assert list(zip(maps["setting"], maps["subset"], maps["passage_language"], strict=True)) == [
        ("monolingual", "ar", "ar"),
        ("monolingual", "de", "de"),
        ("crosslingual", "ar-de", "de"),
        ("crosslingual", "de-ar", "ar"),
        ("multilingual", "ar", ""),
        ("multilingual", "de", ""),
    ]
    assert set(found.scores["n_questions"]) == {48}
    means = found.scores.query("average == 'macro' and low == low")
    bias = [name for name in measures_with_intervals(MULTI) if name not in ("map", ENGLISH)]
    found_measures = [*means.query("measure != 'language_advantage'")["measure"]]
    assert sorted(found_measures) == sorted(["map"] * 3 + bias)
    assert ((means["low"] <= means["value"]) & (means["value"] <= means["high"])).all()
    assert not check_task(folder / f"{MULTI}.json", folder.parents[3]).accepted


def test_what_is_not_there_is_not_missed(folder):
    for name in ("model_meta.json", "run_settings.jsonl", f"{MULTI}.per_query.json.gz"):
        (folder / name).unlink()
    found = read(folder)
    assert found.findings == ()
    assert (found.run.model, found.run.revision) == ("xbench/char-ngram", "1")
    assert found.run.options == "languages_ar,de"
    scores = table(found.path, root=folder.parents[3]).scores
    assert scores["n_questions"].isna().all()
    assert scores["low"].isna().all()
    assert set(scores["average"]) == {"", "macro"}


WRONG = {
    "a model without a name": ("model_meta.json", lambda d: d.pop("name"), "name"),
    "a form that is none": (
        "model_meta.json",
        lambda d: d.update(experiment_kwargs={"passage_form": ["x"]}),
        "experiment_kwargs.passage_form",
    ),
    "ranks of another task": (f"{MULTI}.per_query.json.gz", lambda d: d.update(task=MONO), "task"),
    "ranks of other subsets": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"].pop("de"),
        "subsets",
    ),
    "a rank of text": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"]["de"]["rank"].__setitem__(3, "1"),
        "subsets.de.rank[3]",
    ),
    "fewer ranks than rows": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"]["de"]["rank"].pop(),
        "subsets.de.rank",
    ),
    "first places of no language": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"]["de"]["top"].__setitem__(0, "z" * len(d["subsets"]["de"]["top"][0])),
        "subsets.de.top",
    ),
    "a passage of a language that is not in the pool": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"]["de"].update(pool={"ar": 48, "th": 48}),
        "subsets.de.language",
    ),
    "a question that does not exist": (
        f"{MULTI}.per_query.json.gz",
        lambda d: d["subsets"]["de"]["question"].__setitem__(-1, 99),
        "subsets",
    ),
}


@pytest.mark.parametrize(("file", "change", "field"), WRONG.values(), ids=WRONG)
def test_a_file_that_does_not_conform_is_named_and_not_used(folder, file, change, field):
    edit(folder / file, change)
    found = read(folder)
    (finding,) = found.findings
    assert (finding.file.rpartition("/")[2], finding.field) == (file, field)
    assert finding.warning
    assert found.accepted
    assert (found.meta is None) == (file == "model_meta.json")
    assert (found.ranks is None) == (file != "model_meta.json")
    (row,) = table(found.path, root=folder.parents[3]).runs.itertuples()
    assert row.notes
    assert row.model == "xbench/char-ngram"


def test_settings_of_mteb_and_of_a_part_of_the_languages_are_read(folder):
    assert read(folder).settings["xbench"]["languages"] == ["ar", "de"]
    path = folder / "run_settings.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["xbench"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read(folder).findings == ()
    assert read(folder).settings["version"]["mteb"]
    path.write_text(path.read_text().replace('"splits"', '"split"'))
    found = read(folder)
    assert {finding.field for finding in found.findings} == {"line 3: splits", "line 3: split"}
    assert found.settings is None


def broken(change):
    return lambda result: change(result["scores"]["test"])


RESULTS = {
    "another task": (lambda d: d.update(task_name=MONO), "task_name"),
    "no scores": (lambda d: d.update(scores={}), "scores"),
    "no subset": (lambda d: d.update(scores={"test": []}), "scores"),
    "a subset twice": (broken(lambda own: own.append(own[0])), "scores.test[2].hf_subset"),
    "a score of text": (broken(lambda own: own[1].update(map="1")), "scores.test[1].map"),
    "a score that is no number": (
        broken(lambda own: own[1].update(map=float("nan"))),
        "scores.test[1].map",
    ),
}


@pytest.mark.parametrize(("change", "field"), RESULTS.values(), ids=RESULTS)
def test_a_result_that_does_not_conform_is_excluded_with_the_field(folder, change, field):
    edit(folder / f"{MULTI}.json", change)
    found = read(folder)
    assert found.run is None
    assert field in {finding.field for finding in found.findings if not finding.warning}
    (excluded,) = table(found.path, root=folder.parents[3]).excluded
    assert field in excluded.reason


def test_a_task_that_is_not_in_the_catalogue_is_read_like_one_that_is(folder):
    known = table(folder / f"{MULTI}.json", root=folder.parents[3])
    for suffix in (".json", ".per_query.json.gz"):
        (folder / f"{MULTI}{suffix}").rename(folder / f"Other{suffix}")
    edit(folder / "Other.json", lambda d: d.update(task_name="Other"))
    edit(folder / "Other.per_query.json.gz", lambda d: d.update(task="Other"))
    found = table(folder / "Other.json", root=folder.parents[3])
    assert set(found.scores["dataset"]) == set(found.scores["task"]) == {"Other"}
    assert set(found.scores["setting"]) == {"multilingual"}
    columns = ["query_language", "passage_language", "average", "measure", "value", "n_questions"]
    ours = known.scores[columns].sort_values(columns[:4]).reset_index(drop=True)
    own = found.scores.query("measure != 'main_score'")[columns]
    own = own.sort_values(columns[:4]).reset_index(drop=True)
    assert ours.astype(str).equals(own.astype(str))
    assert found.influence.keys() == {
        (next(iter(found.paths)), m) for m in measures_with_intervals(MULTI) if m != ENGLISH
    }
    (row,) = found.runs.itertuples()
    assert row.zero_shot == "unknown"


def mteb_result(tmp_path, scores, **fields):
    path = tmp_path / "org__model" / "abc" / "FooRetrieval.json"
    path.parent.mkdir(parents=True)
    result = {"task_name": "FooRetrieval", "dataset_revision": "r", "scores": scores, **fields}
    path.write_text(json.dumps(result))
    return path


def test_of_tasks_of_mteb_every_finite_number_is_kept(tmp_path):
    entry = {"main_score": 0.5, "ndcg_at_10": 0.5, "nauc": float("nan"), "runs": [1], "n": None}
    scores = {
        "test": [
            {"hf_subset": "arb", "languages": ["arb-Arab"], **entry},
            {"hf_subset": "lao", "languages": ["lao-Laoo"], **entry, "count": 7},
        ]
    }
    path = mteb_result(tmp_path, scores, date=1.7e9, anything=[1], evaluation_time=None)
    found = table(path, root=tmp_path)
    subsets = found.scores.query("average == ''")
    rows = subsets[["query_language", "passage_language", "measure", "value"]]
    assert [tuple(row) for row in rows.itertuples(index=False)] == [
        ("ar", "ar", "main_score", 0.5),
        ("ar", "ar", "ndcg_at_10", 0.5),
        ("lao", "lao", "main_score", 0.5),
        ("lao", "lao", "ndcg_at_10", 0.5),
        ("lao", "lao", "count", 7.0),
    ]
    assert list(found.scores.query("average == 'macro'")["measure"]) == ["main_score", "ndcg_at_10"]
    assert set(found.scores["setting"]) == {"monolingual"}
    assert set(found.scores["model"]) == {"org/model"}
    assert list(found.runs["date"]) == ["2023-11-14"]


def test_splits_are_datasets_and_subsets_of_two_languages_have_no_setting(tmp_path):
    entry = {"hf_subset": "de-en", "languages": ["deu-Latn", "eng-Latn"], "main_score": 0.5}
    path = mteb_result(tmp_path, {"dev": [entry], "test": [entry]})
    found = table(path, root=tmp_path)
    assert set(found.scores["dataset"]) == {"FooRetrieval, dev", "FooRetrieval, test"}
    assert set(found.scores["setting"]) == {""}
    assert set(found.scores["query_language"]) == {""}
    assert not found.scores.duplicated(list(KEY)).any()


@pytest.mark.integration
def test_all_files_of_the_public_repository_are_read(shared_data):
    root = shared_data / "mteb_results"
    paths = [path for path in sorted(root.glob("*/*/*.json")) if path.name != "model_meta.json"]
    found = table(*paths, root=root)
    assert not found.excluded
    assert len(found.paths) == len(paths) > 100
    assert not found.scores.duplicated(list(KEY)).any()
    assert np.isfinite(found.scores["value"]).all()


@pytest.mark.parametrize("model", ["xbench__bm25", "local__all-MiniLM-L6-v2"])
def test_whole_results_are_read_as_the_gate_reads_them(model):
    paths = sorted((ROOT / "results" / model).glob("*/*Retrieval.json"))
    tables = [
        table(*paths, root=ROOT / "results", check=check) for check in (read_task, check_summarised)
    ]
    assert len(tables[0].paths) == len(paths) > 5
    assert tables[0].scores.equals(tables[1].scores)
    assert set(tables[0].scores["measure"]) <= {
        *SCORES,
        *BY_PASSAGE_LANGUAGE,
        "language_share_at_20",
    }
    for key, values in tables[1].influence.items():
        assert np.array_equal(tables[0].influence[key], values, equal_nan=True)


def test_a_summary_of_other_ranks_is_named_and_the_ranks_count(folder, tmp_path):
    root = tmp_path / "whole"
    path = root / "xbench__bm25" / "1" / "MLQARMonolingualRetrieval.json"
    shutil.copytree(ROOT / "results" / "xbench__bm25" / "1", path.parent)
    ranks = path.with_name("MLQARMonolingualRetrieval.per_query.json.gz")
    ranks.write_bytes(gzip.compress(gzip.decompress(ranks.read_bytes())))
    found = read_task(path, root)
    assert [finding.field for finding in found.findings] == ["ranks"]
    assert found.accepted
    assert found.summary is None
    assert found.ranks is not None


def test_ranks_that_do_not_conform_are_an_error_that_names_file_and_field(folder):
    path = folder / f"{MULTI}.per_query.json.gz"
    edit(path, lambda d: d["subsets"]["de"].pop("pool"))
    with pytest.raises(UserError, match=rf"{MULTI}.*: subsets\.de\.pool: nothing; .* Delete it"):
        read_ranks(path)
