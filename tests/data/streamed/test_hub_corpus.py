"""MIRACL on a hub: every byte is fetched once, and whatever the hub says has the right advice."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xbench.data.streamed.scan
from tests.hub_server import SIGNATURE, Fault, repository
from tests.miracl_corpora import made_up, write_clone, write_corpus
from xbench._util.errors import UserError
from xbench._util.hub import retrying
from xbench.data.datasets import MIRACL
from xbench.data.download import DataLocation
from xbench.data.hub_dataset import HubDataset
from xbench.data.parallel_corpus import Qrels
from xbench.data.streamed.corpus import HubFiles, first_rows
from xbench.data.streamed.miracl_files import language_files, miracl_remote_files
from xbench.data.streamed.scan import scan
from xbench.evaluation.estimate_workloads import HUB_SAMPLE

pytestmark = pytest.mark.integration

LANGUAGE, PASSAGES = "yo", 1_050
TOPICS, QRELS = made_up(LANGUAGE)
CORPUS = "^/_cdn/.*-corpus/"


@pytest.fixture
def clone(tmp_path):
    corpus = tmp_path / "corpus"
    write_corpus(corpus, LANGUAGE, PASSAGES, topics=TOPICS, qrels=QRELS, file_size=420)
    folder = tmp_path / "clone" / MIRACL.hub
    return write_clone(folder, LANGUAGE, corpus, topics=TOPICS, qrels=QRELS)


@pytest.fixture
def served(hub, clone):
    """The hub with MIRACL in one language, at the pinned commit."""
    folder = repository(hub.root, "datasets", MIRACL.hub, MIRACL.revision)
    folder.rmdir()
    clone.rename(folder)
    clone.symlink_to(folder)
    return hub


@pytest.fixture
def location(tmp_path):
    return DataLocation(None, tmp_path / "cache", offline=False)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(xbench.data.streamed.scan, "SHARD", 100)


def corpus_size(hub) -> int:
    return sum(path.stat().st_size for path in hub.root.rglob("*-corpus/*.parquet"))


def scanned(files, location):
    arguments = {"on_bad_line": "stop", "cache_dir": location.cache_dir, "progress": False}
    return scan(LANGUAGE, files.passages, files.qrels, **arguments)


def content(corpus):
    return [corpus.read(shard) for shard in corpus.shards]


def test_a_corpus_is_that_of_the_clone_and_is_fetched_once(served, clone, location, tmp_path):
    there = language_files(MIRACL, LANGUAGE, DataLocation(clone.parent.parent, tmp_path, True))
    found = language_files(MIRACL, LANGUAGE, location)
    assert found.topics == there.topics
    assert found.qrels.judgments == there.qrels.judgments
    corpus, expected = scanned(found, location), scanned(there, location)
    assert corpus.shards == expected.shards
    assert content(corpus) == content(expected)
    for _ in range(3):
        worker = pickle.loads(pickle.dumps(corpus))
        assert worker.read(worker.shards[-1]) == corpus.read(corpus.shards[-1])
    requests = len(served.requests)
    again = language_files(MIRACL, LANGUAGE, location)
    assert content(scanned(again, location)) == content(corpus)
    assert len(served.requests) == requests
    assert served.sent(CORPUS) == corpus_size(served)


def test_what_was_fetched_is_read_offline(served, location):
    before = content(scanned(language_files(MIRACL, LANGUAGE, location), location))
    served.faults = [Fault("", status=500)]
    offline = DataLocation(None, location.cache_dir, offline=True)
    found = language_files(MIRACL, LANGUAGE, offline)
    assert content(scanned(found, location)) == before


def test_what_hugging_face_s_cache_has_is_not_fetched_again(served, location):
    from huggingface_hub import snapshot_download

    snapshot_download(MIRACL.hub, repo_type="dataset", revision=MIRACL.revision)
    before = served.sent(CORPUS)
    corpus = scanned(language_files(MIRACL, LANGUAGE, location), location)
    assert corpus.passages == PASSAGES
    assert served.sent(CORPUS) == before


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("tree", status=404, headers={"X-Error-Code": "RevisionNotFound"}), "gone: choose"),
        (Fault("tree", status=401), "if it is private, log in with"),
        (Fault("resolve", status=403, headers={"X-Error-Code": "GatedRepo"}), "must be granted"),
        (Fault("tree", status=503), "tried again for 0 s"),
        (Fault("resolve", status=503), "tried again for 0 s"),
        (Fault("tree", cut=0), "Check the network"),
        (Fault("_cdn", garble=True), "what arrived is damaged"),
    ],
)
def test_whatever_the_hub_says_has_its_own_advice(served, location, fault, expected):
    served.faults = [fault]
    with retrying(0), pytest.raises(UserError) as caught:
        language_files(MIRACL, LANGUAGE, location)
    message = str(caught.value)
    assert message.startswith(MIRACL.hub)
    assert expected in message
    assert SIGNATURE not in message
    assert served.address not in message


def test_a_hub_that_fails_for_a_while(served, location, pauses):
    served.faults = [Fault("tree", status=503, times=20), Fault("", status=429, times=5)]
    assert scanned(language_files(MIRACL, LANGUAGE, location), location).passages == PASSAGES
    assert pauses


def test_another_language(served, location):
    with pytest.raises(UserError, match=r"HTTP status 404 EntryNotFound.*has no such file"):
        language_files(MIRACL, "sw", location)


def test_a_file_that_is_damaged_later_is_named(served, location):
    corpus = scanned(language_files(MIRACL, LANGUAGE, location), location)
    path = corpus.files.local(1)
    path.write_bytes(b"0" * path.stat().st_size)
    with pytest.raises(UserError, match=r"dev-00001-of-00003\.parquet: is damaged .*Delete it"):
        content(corpus)


def test_a_pointer_of_git_lfs_in_a_clone(clone):
    path = next(clone.glob("*-corpus/*.parquet"))
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(UserError, match=r"is a pointer of Git LFS.*git lfs pull"):
        HubFiles(clone, f"{LANGUAGE}-corpus", "dev").local(0)


def test_the_files_to_fetch_are_known_before_they_are_fetched(served, location):
    files = miracl_remote_files(MIRACL, [LANGUAGE], location)
    assert [file.path.name for file in files] == [
        *("dev-00000-of-00001.parquet",) * 2,
        *(f"dev-0000{n}-of-00003.parquet" for n in range(3)),
    ]
    assert served.sent("_cdn") == 0


def large_file(folder: Path, rows: int, group: int) -> Path:
    """Write a corpus of one file, with texts as long as MIRACL's."""
    random = np.random.default_rng(0)
    words = np.array([random.bytes(1 + n % 5).hex() for n in range(20_000)])
    drawn = random.zipf(1.2, (rows, 60)) % len(words)
    texts = [" ".join(own) for own in words[drawn]]
    table = {"_id": [f"{n}#0" for n in range(rows)], "title": [t[:12] for t in texts]}
    path = folder / "yo-corpus" / "dev-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({**table, "text": texts}), path, row_group_size=group)
    return path


@pytest.mark.parametrize("group", [50, 1_000, 40_000])
def test_a_sample_fetches_little(hub, tmp_path, group):
    path = large_file(repository(hub.root, "datasets", "org/set", "1" * 40), 40_000, group)
    source = HubDataset("org/set", "1" * 40, tmp_path / "cache", offline=False)
    rows = first_rows(HubFiles(source, "yo-corpus", "dev"), HUB_SAMPLE)
    assert [docid for docid, _ in rows] == [f"{n}#0" for n in range(HUB_SAMPLE)]
    assert hub.sent() < 2e6 < path.stat().st_size / 4


@pytest.mark.parametrize("group", [1_000, 40_000])
def test_memory_does_not_grow_with_the_file(tmp_path, group):
    """The reader waits for a slow encoder: what it holds meanwhile is measured."""
    large_file(tmp_path, 40_000, group)
    files = HubFiles(tmp_path, "yo-corpus", "dev")
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    rows = files.rows(0, 20_500)
    assert next(rows)[0] == "20500#0"
    held = pa.total_allocated_bytes() - before + tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 12e6


def test_empty_passages_of_the_hub_are_empty_texts(hub, tmp_path):
    folder = repository(hub.root, "datasets", "org/set", "1" * 40)
    path = folder / "yo-corpus" / "dev-00000-of-00001.parquet"
    path.parent.mkdir()
    table = {"_id": ["a", "b", "c"], "title": ["", "t", ""], "text": [None, "u", " "]}
    pq.write_table(pa.table(table), path)
    location = DataLocation(None, tmp_path / "cache", offline=False)
    none = Qrels({}, "none.tsv", {})
    fingerprints = set()
    (hub.root / "datasets" / "org" / "other").symlink_to(folder.parent)
    for name in ("org/set", "org/other"):
        files = HubFiles(HubDataset.at(name, "1" * 40, location), "yo-corpus", "dev")
        corpus = scan(
            "yo", files, none, on_bad_line="stop", cache_dir=location.cache_dir, progress=False
        )
        assert corpus.read(corpus.shards[0]).texts == ("", "t u", "")
        fingerprints.add(corpus.fingerprint)
    assert len(fingerprints) == 2
    with pytest.raises(UserError, match=r"parquet: line 1: empty passage"):
        scan(
            "yo",
            HubFiles(folder, "yo-corpus", "dev"),
            none,
            on_bad_line="stop",
            cache_dir=location.cache_dir,
            progress=False,
        )
