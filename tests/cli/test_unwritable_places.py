"""Places that cannot be written: a message that names them, and no traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import make_tiny_transformer
from tests.ordinary_user import as_ordinary_user, read_only, remove
from tests.search.streamed.conftest import write_language
from xbench.cli import main
from xbench.data.catalogue import BENCHMARKS

pytestmark = pytest.mark.integration

MONO = BENCHMARKS["XBenchMini"][0]
NGRAM = ["evaluate", "--model", "xbench/char-ngram", "-t", MONO, "--no-progress"]
BM25 = ["evaluate", "--model", "xbench/bm25", "--no-progress"]
MIRACL = [*BM25, "-t", "MIRACLMonolingualRetrieval", "-l", "ar,en,sw", "--data-dir", "data"]
TRAIN = ["train", "--base-model", "tiny", "--data", "pairs.jsonl", "--max-steps", "1"]


def invoke(words, cache="open/cache"):
    environment = {"XBENCH_CACHE_DIR": cache, "HOME": "open", "XBENCH_DATA_DIR": None}
    done = CliRunner(env=environment).invoke(main, words)
    return done.exit_code, done.output, repr(done.exception)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the inputs, of which only the folder ``open`` may be written."""
    folder, before = tmp_path_factory.mktemp("places"), Path.cwd()
    os.chdir(folder)
    try:
        write_inputs()
        read_only(folder)
        Path("open").chmod(0o755)
        yield folder
    finally:
        os.chdir(before)
        remove(folder)


def write_inputs():
    Path("closed").mkdir()
    Path("open").mkdir()
    for code in ("ar", "en", "sw"):
        write_language(Path("data/miracl"), code, 30, 8, 20)
    for words in ([*BM25, "-b", "XBenchMini"], [*NGRAM, "-o", "closed/ngram"]):
        exit_code, output, _ = invoke(words, cache="closed/cache")
        assert exit_code == 0, output
    for path in Path("closed/cache").rglob("*.safetensors"):
        path.write_bytes(b"damaged")
    make_tiny_transformer().save("tiny")
    rows = [{"query_en": f"query {n}", "passage_en": f"passage {n}"} for n in range(40)]
    Path("pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("run").write_text("q1 Q0 d1 1 2.0 x\nq1 Q0 d2 2 1.0 x\n")
    Path("qrels").write_text("q1 0 d1 1\n")
    Path("languages").write_text("id,language,kind\nq1,en,query\nd1,en,passage\nd2,de,passage\n")
    Path("dev-en.tsv").write_text("He ran.\tHe moved.\tentailment\n")


@pytest.mark.parametrize(
    ("words", "cache", "named"),
    [
        ([*NGRAM, "-o", "closed/out"], "open/cache", "closed/out: cannot be written"),
        ([*NGRAM, "-o", "run/out"], "open/cache", "(run is not a folder)"),
        ([*NGRAM, "--overwrite", "-o", "results"], "open/cache", "results: cannot be written"),
        ([*NGRAM, "-o", "open/out"], "closed/new", "closed/new/embeddings/"),
        ([*NGRAM, "-o", "open/out"], "closed/cache", "closed/cache/embeddings/"),
        ([*NGRAM, "-o", "open/out"], "run", "run/embeddings/"),
        ([*MIRACL, "-o", "open/out"], "closed/new", "closed/new/scans"),
        (["leaderboard", "build", "-o", "closed/site"], "open/cache", "closed/site/"),
        (["compare", "xbench/bm25", "--plot", "closed/a.svg"], "open/cache", "closed/a.svg"),
        (["submit", "xbench/bm25", "-o", "closed/sub"], "open/cache", "closed/sub"),
        (["validate", "results", "--write-summaries"], "open/cache", "summary"),
        (["bias", "run", "qrels", "--languages", "languages", "-o", "closed/b"], "", "closed/b"),
        (["study", "xnli", ".", "closed/pairs.jsonl"], "open/cache", "closed/pairs.jsonl"),
        ([*TRAIN, "-o", "closed/model"], "open/cache", "closed/model: cannot be written"),
        ([*TRAIN, "-o", "open/model"], "closed/new", "closed/new"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else value,
)  # fmt: skip
def test_what_cannot_be_written_is_named(place, words, cache, named):
    exit_code, output, error = as_ordinary_user(lambda: invoke(words, cache))
    assert exit_code == 2, f"{output}\n{error}"
    assert named in output
    assert error == "SystemExit(2)"


def test_pages_need_no_cache(place):
    words = ["leaderboard", "build", "-o", "open/site"]
    exit_code, output, error = as_ordinary_user(lambda: invoke(words, "closed/new"))
    assert exit_code == 0, f"{output}\n{error}"
    assert Path("open/site/index.html").is_file()


def test_a_search_that_was_begun_where_nothing_may_be_written(place):
    """A corpus that was scanned before, in a cache that has become read-only."""
    closed = Path("closed")
    closed.chmod(0o755)
    assert invoke([*MIRACL, "-o", "open/first"], cache="closed/miracl")[0] == 0
    for path in Path("closed/miracl").glob("search/*/finished/*"):
        path.unlink()
    read_only(closed)
    exit_code, output, _ = as_ordinary_user(
        lambda: invoke([*MIRACL, "-o", "open/b"], "closed/miracl")
    )
    assert exit_code == 2, output
    assert "Error: closed/miracl/" in output


def test_errors_that_no_place_causes_stay_defects(monkeypatch):
    def fail(*_, **__):
        raise ConnectionResetError(104, "reset")

    monkeypatch.setattr(main.commands["tasks"], "callback", fail)
    done = CliRunner().invoke(main, ["tasks"])
    assert isinstance(done.exception, ConnectionResetError)
