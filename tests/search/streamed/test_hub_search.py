"""MIRACL from a hub through the command: whatever reads it, every byte is fetched once."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.commands import invoke, start
from tests.hub_server import Fault, repository
from tests.miracl_corpora import write_clone
from tests.search.streamed.conftest import write_language
from xbench.data.datasets import MIRACL
from xbench.data.streamed.miracl_tables import read_qrels, read_topics

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("ray")]
TASKS = ("MIRACLMonolingualRetrieval", "MIRACLMultilingualRetrieval")
PASSAGES = {"ar": 600, "en": 900}

MODEL = """
from pathlib import Path
from xbench.models.baselines.char_ngram import CharNgramEncoder

class Encoder(CharNgramEncoder):
    def encode(self, inputs, *, prompt_type, **kwargs):
        calls = Path({place!r}) / "calls"
        calls.write_text(calls.read_text() + "." if calls.exists() else ".")
        if len(calls.read_text()) == 7:
            raise RuntimeError("interrupted")
        return super().encode(inputs, prompt_type=prompt_type, **kwargs)

def factory():
    return Encoder()
"""


@pytest.fixture(autouse=True)
def small_shards():
    """Leave the shards as they are: each file is one."""


@pytest.fixture
def served(hub, tmp_path):
    """MIRACL in two languages at the pinned commit; thirteen files, each of which is a shard."""
    folder = repository(hub.root, "datasets", MIRACL.hub, MIRACL.revision)
    for code, passages in PASSAGES.items():
        write_language(tmp_path / "miracl", code, passages, queries=8, per_file=120)
        own = tmp_path / "miracl" / f"miracl-v1.0-{code}"
        write_clone(
            folder,
            code,
            tmp_path / "miracl" / f"miracl-corpus-v1.0-{code}",
            topics=read_topics(next(own.rglob("topics.*"))),
            qrels=read_qrels(next(own.rglob("qrels.*"))),
        )
    return hub


@pytest.fixture
def run(served, tmp_path, monkeypatch):
    """Run a command with MIRACL's tasks, whose cache and results are its own."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "model.py").write_text(MODEL.format(place=str(tmp_path)))

    def run(*words, apart=False):
        tasks = [word for task in TASKS for word in ("--tasks", task)]
        arguments = (*words, *tasks, "-l", ",".join(PASSAGES))
        if apart:  # Ray, once imported, keeps what it was told of tokens.
            return start(
                tmp_path, *arguments, real=True, HF_HUB_OFFLINE="0", HF_ENDPOINT=served.address
            ).wait()
        return invoke(tmp_path, *arguments, HF_HUB_OFFLINE="0")

    return run


def corpus_size(hub) -> int:
    return sum(path.stat().st_size for path in hub.root.rglob("*-corpus/*.parquet"))


@pytest.mark.slow
def test_scan_search_resume_bm25_and_workers_fetch_it_once(served, run, tmp_path):
    own = ("--model", f"{tmp_path / 'model.py'}:factory")
    interrupted = run("evaluate", *own)
    assert interrupted.returncode == 2
    assert "interrupted" in interrupted.stderr
    assert run("evaluate", *own).returncode == 0
    assert run("evaluate", "--model", "xbench/bm25").returncode == 0
    if find_spec("ray") is not None:
        workers = ("--backend", "ray", "--ray-workers", "3")
        outcome = run("evaluate", "--model", "xbench/char-ngram", *workers, apart=True)
        assert outcome.returncode == 0, outcome.stderr
    assert len([*tmp_path.rglob("MIRACL*Retrieval.json")]) == 2 * (3 if find_spec("ray") else 2)
    assert served.sent("-corpus/") <= 1.1 * corpus_size(served)
    assert served.sent("_cdn.*-corpus") == corpus_size(served)


def test_an_estimate_fetches_no_corpus(served, run):
    outcome = run("estimate", "--model", "xbench/bm25", "--seconds", "1")
    assert outcome.returncode == 0, outcome.stderr
    assert served.sent() <= 2 * 2e6


def test_download_says_what_it_fetches(served, run, tmp_path):
    first, again = run("download"), run("download", "--offline")
    size = sum(p.stat().st_size for p in served.root.rglob("*.parquet")) / 1e6
    assert f"MIRACL, 2 languages: 17 files, 0 of them there; {size:.1f} MB of" in first.stdout
    assert f"17 files, 17 of them there; 0.0 MB of {size:.1f} MB to fetch" in again.stdout
    requests = len(served.requests)
    assert run("evaluate", "--model", "xbench/bm25", "--offline").returncode == 0
    assert len(served.requests) == requests


def test_a_hub_that_fails_for_too_long_leaves_what_was_fetched(served, run, pauses, tmp_path):
    served.faults = [Fault("_cdn.*en-corpus", skip=2, status=503)]
    outcome = run("evaluate", "--model", "xbench/bm25", "--retry-seconds", "90")
    assert outcome.returncode == 2
    assert "HTTP status 503; tried again for 90 s" in outcome.stderr
    served.faults = []
    assert run("evaluate", "--model", "xbench/bm25").returncode == 0
    assert served.sent("_cdn.*-corpus") <= corpus_size(served) + 1_000
