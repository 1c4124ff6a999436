"""Every defect that a corpus can have, in both modes; what is kept; memory."""

from __future__ import annotations

import gzip
import json
import logging
import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbench.data.streamed.scan
from tests.miracl_corpora import made_up, write_corpus
from xbench._util.errors import UserError
from xbench.data.parallel_corpus import Qrels
from xbench.data.streamed.corpus import LocalFiles
from xbench.data.streamed.duplicate_ids import IdHashes
from xbench.data.streamed.scan import scan

NO_QRELS = Qrels({}, "none.tsv", {})


def line(docid, title="A title", text="and a text") -> bytes:
    return json.dumps({"docid": docid, "title": title, "text": text}).encode() + b"\n"


def lines(start, count) -> list[bytes]:
    return [line(f"{number}#0") for number in range(start, start + count)]


class Corpus:
    """A folder of two files of ten passages, and its scan."""

    def __init__(self, tmp_path):
        self.folder, self.cache = tmp_path / "corpus", tmp_path / "cache"
        self.folder.mkdir()
        self.contents = [lines(0, 10), lines(10, 10)]

    def write(self):
        for number, content in enumerate(self.contents):
            path = self.folder / f"docs-{number}.jsonl.gz"
            path.write_bytes(gzip.compress(b"".join(content), mtime=0))

    def scan(self, mode="stop", qrels=NO_QRELS, write=True):
        if write:
            self.write()
        files = LocalFiles(self.folder)
        return scan("yo", files, qrels, on_bad_line=mode, cache_dir=self.cache, progress=False)

    def ids(self, corpus):
        return [docid for shard in corpus.shards for docid in corpus.read(shard).ids]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(xbench.data.streamed.scan, "SHARD", 4)
    return Corpus(tmp_path)


@pytest.mark.parametrize(
    ("bad", "kind", "detail"),
    [
        (b"{not json}\n", "no JSON object", "Expecting property name"),
        (b'["a", "list"]\n', "no JSON object", "a list"),
        (b"[" * 100_000 + b"\n", "no JSON object", "recursion"),
        (b'{"docid": "1#9", "text": "\xff"}\n', "invalid UTF-8", "byte 26 of the line"),
        (b'{"docid": "1#9", "text": "\\ud800"}\n', "invalid UTF-8", "half a character"),
        (b'{"title": "t", "text": "x"}\n', "no docid", "no docid"),
        (line(""), "no docid", "no docid"),
        (line(7), "field of the wrong type", "docid is a int, no string"),
        (line("1#9", title=["t"]), "field of the wrong type", "title is a list"),
        (line("1#9", text={}), "field of the wrong type", "text is a dict"),
        (line("1#9", title=" ", text="\t"), "empty passage", "'1#9' has neither title nor text"),
        (line("1#9", title=None, text=None), "empty passage", "'1#9' has neither"),
        (line("3#0"), "duplicate docid", "'3#0' is at docs-0.jsonl.gz: line 4 before"),
        (line("11#0"), "duplicate docid", "'11#0' is at docs-1.jsonl.gz: line 2 before"),
    ],
)
def test_a_bad_line(corpus, caplog, bad, kind, detail):
    corpus.contents[1].insert(5, bad)
    with pytest.raises(UserError) as raised:
        corpus.scan()
    message = str(raised.value)
    assert f"docs-1.jsonl.gz: line 6: {kind}: " in message
    assert detail in message
    assert f"In all: {kind}: 1." in message
    assert "--on-bad-line skip" in message
    with caplog.at_level(logging.WARNING, "xbench"):
        found = corpus.scan("skip")
    assert found.skipped == {kind: 1}
    assert [record.message for record in caplog.records] == [
        f"{corpus.folder}: skipped of the yo passages: {kind}: 1"
    ]
    assert corpus.ids(found) == [f"{number}#0" for number in range(20)]
    assert found.passages == 20
    assert [shard.passages for shard in found.shards] == [4, 4, 2, 4, 4, 2]


def test_a_line_without_end_is_no_passage(corpus, monkeypatch):
    monkeypatch.setattr("xbench.data.streamed.local_files.LONGEST_LINE", 100)
    corpus.contents[0].insert(1, line("1#9", text="x" * 950))
    found = corpus.scan("skip")
    assert found.skipped == {"no JSON object": 1}
    assert corpus.ids(found) == [f"{number}#0" for number in range(20)]


def test_blank_lines_and_a_byte_order_mark_are_no_defects(corpus):
    corpus.contents[0] = [b"\xef\xbb\xbf" + corpus.contents[0][0], b"\n", *corpus.contents[0][1:]]
    corpus.contents[1].append(b" \n\n")
    found = corpus.scan()
    assert corpus.ids(found) == [f"{number}#0" for number in range(20)]
    assert found.skipped == {}


@pytest.mark.integration
@pytest.mark.parametrize("damage", ["truncated", "garbled", "empty", "garbage"])
def test_a_damaged_file(corpus, damage):
    corpus.contents = [
        [line(f"{n}#0", text=os.urandom(200).hex()) for n in range(first, first + 5_000)]
        for first in (0, 5_000)
    ]
    corpus.write()
    path = corpus.folder / "docs-0.jsonl.gz"
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    if damage == "garbled":
        content[half : half + 50] = b"\xff" * 50
    path.write_bytes(
        {"truncated": content[:half], "empty": b"", "garbage": content + b"<html>"}.get(
            damage, bytes(content)
        )
    )
    with pytest.raises(UserError, match=r"docs-0\.jsonl\.gz: line .*damaged gzip: .*the rest of"):
        corpus.scan(write=False)
    found = corpus.scan("skip", write=False)
    assert found.skipped["damaged gzip"] == 1
    ids = corpus.ids(found)
    assert ids[-5_000:] == [f"{number}#0" for number in range(5_000, 10_000)]
    assert len(ids) == found.passages
    lost = 10_000 - len(ids)
    assert lost in {"empty": (5_000,), "garbage": (0,)}.get(damage, range(1_000, 4_000))


def test_a_truncated_uncompressed_file(corpus):
    corpus.write()
    for path in corpus.folder.iterdir():
        path.unlink()
    (corpus.folder / "docs-0.jsonl").write_bytes(b"".join(lines(0, 10))[:-20])
    with pytest.raises(UserError, match=r"docs-0\.jsonl: line 10: no JSON object"):
        corpus.scan(write=False)
    assert corpus.scan("skip", write=False).passages == 9


QRELS = Qrels({"q1": {"3#0": 1, "99#9": 1}}, "q.tsv", {"q1": {"3#0": 1, "99#9": 2}})


def test_a_judged_docid_that_the_corpus_lacks(corpus):
    sound = corpus.scan()
    with pytest.raises(UserError, match=r"q\.tsv: line 2: judged docid .*'99#9' of query 'q1'"):
        corpus.scan(qrels=QRELS)
    found = corpus.scan("skip", QRELS)
    assert found.skipped == {"judged docid that the corpus lacks": 1}
    assert found.fingerprint == sound.fingerprint


def test_of_many_defects_the_first_are_named_and_all_are_counted(corpus):
    corpus.contents[0][2:2] = [b"?\n"] * 7
    corpus.contents[1] += lines(0, 5)
    with pytest.raises(UserError) as raised:
        corpus.scan()
    message = str(raised.value)
    assert message.count("no JSON object: Expecting") == 3
    assert message.count("duplicate docid: '") == 3
    assert "and 6 more" in message
    assert "In all: no JSON object: 7, duplicate docid: 5." in message


def test_the_first_of_duplicates_stays(corpus):
    corpus.contents[0][8] = line("2#0", text="second")
    corpus.contents[1][0] = line("2#0", text="third")
    found = corpus.scan("skip")
    assert found.skipped == {"duplicate docid": 2}
    texts = [text for shard in found.shards for text in found.read(shard).texts]
    assert set(texts) == {"A title and a text"}
    assert len(texts) == found.passages == 18


def test_equal_hashes_of_different_docids_are_no_duplicates(corpus, monkeypatch):
    monkeypatch.setattr("builtins.hash", lambda text: len(text))
    found = corpus.scan()
    assert found.passages == 20


def test_too_many_duplicates_are_never_left_out(corpus, monkeypatch):
    monkeypatch.setattr(xbench.data.streamed.scan, "MOST_DUPLICATES", 5)
    corpus.contents[1] = lines(0, 10)
    with pytest.raises(
        UserError, match=r"(?s)at least: duplicate docid: 6\..*So many \w+ \(more than 5\)"
    ):
        corpus.scan("skip")


def test_nothing_but_defects(corpus):
    corpus.contents = [[b"?\n"]]
    with pytest.raises(UserError, match="has no passage"):
        corpus.scan("skip")


def test_the_fingerprint_follows_the_content_only(corpus, tmp_path):
    first = corpus.scan().fingerprint
    assert corpus.scan("skip").fingerprint == first
    moved = Corpus(tmp_path / "elsewhere") if (tmp_path / "elsewhere").mkdir() is None else corpus
    assert moved.scan().fingerprint == first
    moved.contents[1][3] = line("13#0", text="and a test")
    assert moved.scan().fingerprint != first
    moved.contents[1][3] = b"?\n"
    assert moved.scan("skip").fingerprint != first


def test_a_scan_is_kept_until_a_file_or_the_qrels_change(corpus, monkeypatch):
    found = corpus.scan()
    scanned = []
    own = xbench.data.streamed.scan._scan
    monkeypatch.setattr(xbench.data.streamed.scan, "_scan", lambda *a: scanned.append(1) or own(*a))
    again = corpus.scan("skip", write=False)
    assert (again.fingerprint, again.shards, scanned) == (found.fingerprint, found.shards, [])
    corpus.scan("skip", QRELS, write=False)
    assert len(scanned) == 1
    os.utime(corpus.folder / "docs-1.jsonl.gz", ns=(1, 1))
    assert corpus.scan(write=False).fingerprint == found.fingerprint
    assert len(scanned) == 2
    for kept in (corpus.cache / "scans").iterdir():
        kept.write_bytes(kept.read_bytes()[:-5])
    assert corpus.scan(write=False).fingerprint == found.fingerprint
    assert len(scanned) == 3


def test_defects_are_kept_as_well(corpus, monkeypatch):
    corpus.contents[0][1] = line("0#0")
    with pytest.raises(UserError) as first:
        corpus.scan()
    monkeypatch.setattr(xbench.data.streamed.scan, "_scan", None)
    with pytest.raises(UserError) as second:
        corpus.scan(write=False)
    assert str(first.value) == str(second.value)
    assert len(corpus.ids(corpus.scan("skip", write=False))) == 19


def test_a_file_that_changes_while_it_is_scanned(corpus, monkeypatch):
    own = xbench.data.streamed.scan._scan

    def changing(*arguments):
        found = own(*arguments)
        os.utime(corpus.folder / "docs-1.jsonl.gz", ns=(1, 1))
        return found

    monkeypatch.setattr(xbench.data.streamed.scan, "_scan", changing)
    with pytest.raises(UserError, match="a file changed while it was read; start again"):
        corpus.scan()


def test_nothing_but_the_outcome_is_left_in_the_cache(corpus):
    corpus.scan()
    assert [path.suffix for path in (corpus.cache / "scans").iterdir()] == [".json"]


@settings(max_examples=30)
@given(st.lists(st.text(max_size=2), max_size=50))
def test_repeated_ids(tmp_path_factory, ids):
    with IdHashes(tmp_path_factory.mktemp("hashes")) as hashes:
        hashes.add(ids[:20])
        hashes.add(ids[20:])
        repeated = hashes.repeated(100)
        assert repeated == {hash(i) for i in ids if ids.count(i) > 1}
        assert len(hashes.repeated(1)) == min(1, len(repeated))


@pytest.mark.slow
@pytest.mark.integration
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    topics, qrels = made_up("yo")
    peaks = []
    for passages in (70_000, 280_000):
        folder = tmp_path / str(passages)
        write_corpus(folder, "yo", passages, topics=topics, qrels=qrels, file_size=100_000)
        tracemalloc.start()
        cache = tmp_path / "cache"
        files = LocalFiles(folder)
        corpus = scan("yo", files, qrels, on_bad_line="stop", cache_dir=cache, progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert corpus.passages == passages
    assert peaks[1] < 1.2 * peaks[0] + 1e6
