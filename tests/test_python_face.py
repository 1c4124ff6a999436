"""What `import xbench` offers: evaluation, results, comparison and bias as tables."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time

import mteb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import xbench
from tests.conftest import make_tiny_transformer
from xbench.cli import main
from xbench.data.catalogue import BENCHMARKS
from xbench.results.reading import read_ranks
from xbench.results.score_table import COLUMNS, KEY

pytestmark = pytest.mark.integration

TASK = "XBenchMiniMonolingualRetrieval"


@pytest.fixture(scope="module")
def results(mini_results):
    return xbench.load_results(mini_results)


def test_the_public_names_are_these_and_importing_them_is_light():
    assert dir(xbench) == sorted(xbench.__all__)
    for name in xbench.__all__:
        assert getattr(xbench, name) is not None
        if name != "__version__":
            assert inspect.getdoc(getattr(xbench, name))
    code = (
        "import sys, xbench; print(*(m for m in ('numpy', 'pandas', 'torch') if m in sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        xbench.nothing  # noqa: B018


def test_options_are_those_of_the_command_with_the_same_defaults():
    command = {p.name: p for p in main.commands["evaluate"].params if p.name != "help"}
    face = inspect.signature(xbench.evaluate).parameters
    assert {name.replace("benchmarks", "benchmark") for name in command} == set(face)
    for name, parameter in face.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            default = False if command[name].is_flag else command[name].default
            assert default == parameter.default, name


def test_the_tidy_table_has_unique_rows_and_the_scores_of_the_files(results, mini_results):
    frame = results.to_dataframe()
    assert list(frame.columns) == list(COLUMNS)
    assert not frame.duplicated(list(KEY)).any()
    document = mteb.TaskResult.from_disk(mini_results / "xbench__bm25" / "1" / f"{TASK}.json")
    own = frame[(frame["model"] == "xbench/bm25") & (frame["task"] == TASK)]
    for entry in document.scores["test"]:
        rows = own[own["subset"] == entry["hf_subset"]].set_index("measure")["value"]
        assert {m: v for m, v in entry.items() if m in rows} == rows.to_dict()
        assert entry["main_score"] == rows["map"]
    mean = own.query("average == 'macro' and measure == 'map'").squeeze()
    single = own.query("subset != '' and measure == 'map'")["value"]
    assert mean["value"] == pytest.approx(single.mean())
    assert mean["low"] < mean["value"] < mean["high"]
    assert mean["n_questions"] == 48


def test_columns_can_be_chosen_and_a_wrong_one_is_refused(results):
    assert list(results.to_dataframe(["model", "value"]).columns) == ["model", "value"]
    with pytest.raises(xbench.UserError, match=r"unknown column 'modl'.*Did you mean 'model'"):
        results.to_dataframe(["modl"])


def test_ranks_of_questions_are_those_of_the_files(results, mini_results):
    frame = results.per_question()
    own = frame[(frame["model"] == "xbench/char-ngram") & (frame["task"] == TASK)]
    stored = read_ranks(mini_results / "xbench__char-ngram" / "1" / f"{TASK}.per_query.json.gz")
    for name, ranks in stored.subsets.items():
        rows = own[own["subset"] == name]
        assert rows["rank"].fillna(0).astype(int).tolist() == ranks.rank.tolist()
        assert rows["question"].tolist() == [ranks.questions[q] for q in ranks.query]
        assert rows["passage_language"].tolist() == ranks.language.tolist()


def test_the_table_is_what_the_command_prints(mini_results):
    arguments = ["evaluate", "--model", "xbench/bm25", "-b", "XBenchMini", "-o", str(mini_results)]
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code == 0, outcome.output
    own = xbench.load_results(mini_results / "xbench__bm25")
    assert own.table() in outcome.output


def test_results_show_themselves(results):
    assert repr(results).startswith("Results of xbench/bm25, xbench/char-ngram on 3 tasks: ")
    assert "<table" in results._repr_html_()
    assert "xbench/bm25" in results._repr_html_()


def test_evaluating_again_returns_what_is_there(mini_results):
    started = time.time()
    again = xbench.evaluate("xbench/char-ngram", benchmark="XBenchMini", output=mini_results)
    assert {path.stem for path in again.files.values()} == set(BENCHMARKS["XBenchMini"])
    assert all(path.stat().st_mtime < started for path in again.files.values())


def test_a_sentence_transformer_is_evaluated_as_its_folder_is(tmp_path):
    model = make_tiny_transformer()
    model.save(str(tmp_path / "tiny"))
    options = {"tasks": TASK, "no_progress": True, "cache_dir": tmp_path / "cache"}
    of_object = xbench.evaluate(model, output=tmp_path / "object", **options)
    of_folder = xbench.evaluate(tmp_path / "tiny", output=tmp_path / "folder", **options)
    values = [r.to_dataframe(["measure", "subset", "value"]) for r in (of_object, of_folder)]
    pd.testing.assert_frame_equal(*values)


def test_options_leave_an_object_as_it_was(tmp_path):
    model = make_tiny_transformer()
    before = model.max_seq_length
    results = xbench.evaluate(model, tasks=TASK, output=tmp_path, max_length=8, no_progress=True)
    assert model.max_seq_length == before
    assert set(results.to_dataframe()["settings"]) == {"max_length=8"}


def test_mteb_encoders_and_search_models_are_evaluated(hash_encoder, tmp_path, mini_results):
    results = xbench.evaluate(hash_encoder, tasks=TASK, output=tmp_path, no_progress=True)
    assert set(results.to_dataframe()["model"]) == {"test/hash-encoder"}
    from xbench.models.baselines.bm25 import BM25

    of_object = xbench.evaluate(BM25(), tasks=TASK, output=tmp_path, no_progress=True)
    stored = xbench.load_results(mini_results / "xbench__bm25" / "1" / f"{TASK}.json")
    columns = ["measure", "subset", "value"]
    pd.testing.assert_frame_equal(of_object.to_dataframe(columns), stored.to_dataframe(columns))


def test_what_mteb_evaluate_returns_is_read(hash_encoder, tmp_path):
    tasks = xbench.get_tasks(TASK)
    returned = mteb.evaluate(hash_encoder, tasks, cache=None, show_progress_bar=False)
    frame = xbench.load_results(returned).to_dataframe()
    own = xbench.evaluate(hash_encoder, tasks=TASK, output=tmp_path, no_progress=True)
    both = [f.query("subset != ''") for f in (frame, own.to_dataframe())]
    values = [f.set_index(["subset", "measure"])["value"].sort_index() for f in both]
    np.testing.assert_allclose(*values, atol=1e-6)


def test_models_are_compared_by_name_and_by_results(mini_results, results):
    names = ["xbench/bm25", "xbench/char-ngram"]
    by_name = xbench.compare(names, results=mini_results)
    by_results = xbench.compare(results)
    pd.testing.assert_frame_equal(by_name.to_dataframe(), by_results.to_dataframe())
    frame = by_name.to_dataframe().query("table == 'settings'")
    assert set(frame["model"]) == set(names)
    assert "| xbench/bm25" in by_name.to_markdown()
    assert r"\begin{tabular}" in by_name.to_latex()
    assert "<table" in by_name._repr_html_()
    assert repr(by_name) == "Comparison of xbench/bm25, xbench/char-ngram on 3 tasks"


@pytest.mark.integration
def test_a_comparison_is_drawn_for_a_notebook_or_to_a_file(results, tmp_path):
    comparison = xbench.compare(results)
    assert "<svg" in comparison.plot()._repr_html_()
    (file,) = comparison.plot(tmp_path / "languages.png")
    assert file.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(xbench.UserError, match=r"expected one of .*\.svg"):
        comparison.plot(tmp_path / "languages.xyz")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xbench.evaluate("xbench/bm25", tasks="XBenchMini"), "unknown task 'XBenchMini'"),
        (lambda: xbench.evaluate("xbench/bm25", benchmark="Mini"), "unknown benchmark 'Mini'"),
        (lambda: xbench.evaluate("xbench/bm25", languages="xx"), "unknown language 'xx'"),
        (lambda: xbench.evaluate("xbench/bm25", bach_size=1), "Did you mean 'batch_size'"),
        (lambda: xbench.evaluate("xbench/bm25", batch_size=0), "whole number of at least 1"),
        (lambda: xbench.evaluate("xbench/bm25", batch_size="32"), "batch_size: '32'; expected"),
        (lambda: xbench.evaluate("xbench/bm25", dtype="int8"), "float32, float16, bfloat16"),
        (lambda: xbench.evaluate("xbench/bm25", data_dir="nowhere"), "data_dir: nowhere"),
        (lambda: xbench.evaluate("xbench/bm25", tasks=3), "tasks: 3; expected a name"),
        (
            lambda: xbench.evaluate(object(), tasks=TASK),
            "a name or a folder, too: got a object; expected one of",
        ),
        (lambda: xbench.evaluate("nowhere", tasks=TASK), "--model 'nowhere': expected"),
        (lambda: xbench.get_tasks("nothing"), "unknown task 'nothing'"),
        (lambda: xbench.get_tasks(overwrite=True), "unknown option 'overwrite'"),
        (lambda: xbench.load_results("nowhere"), "nowhere: no such file or folder"),
        (lambda: xbench.load_results("."), "no results there"),
        (lambda: xbench.load_results(3), "got a int; expected a path"),
        (lambda: xbench.compare([]), "no model is named"),
        (lambda: xbench.compare([3]), "got a int"),
        (lambda: xbench.compare("org/none"), "neither a folder nor a model"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_written(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(xbench.UserError, match=message):
        call()
    assert list(tmp_path.iterdir()) == []


def test_results_that_were_written_again_are_not_taken_for_those_that_were_read(tmp_path):
    options = {"benchmark": "XBenchMini", "languages": "de,en", "output": tmp_path / "results"}
    first = xbench.evaluate("xbench/bm25", **options)
    second = xbench.evaluate("xbench/char-ngram", **options)
    assert len(xbench.compare(first, second).to_dataframe())
    path = next(iter(first.files.values()))
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(xbench.UserError, match=r"written again.*name= of its own"):
        xbench.compare(first, second)


def test_how_an_object_is_set_up_is_part_of_its_revision():
    from xbench.models.objects import object_source
    from xbench.models.options import ModelOptions

    def revision(model):
        return object_source(model, ModelOptions("model")).meta.revision

    model = make_tiny_transformer()
    found = {revision(model)}
    model.truncate_dim = 8
    found.add(revision(model))
    model.prompts = {"query": "query: ", "document": "passage: "}
    found.add(revision(model))
    model.similarity_fn_name = "dot"
    found.add(revision(model))
    assert len(found) == 4
