"""Reading passages shard by shard: in order, at random, in other processes, after a change."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mteb._create_dataloaders import _corpus_to_dict

import xbench.data.streamed.local_files
import xbench.data.streamed.scan
from tests.miracl_corpora import made_up, write_clone, write_corpus
from xbench._util.errors import UserError
from xbench.data.parallel_corpus import Qrels
from xbench.data.streamed.corpus import HubFiles, LocalFiles, Shard
from xbench.data.streamed.parsing import Defect, parse, passage
from xbench.data.streamed.scan import scan

NO_QRELS = Qrels({}, "none.tsv", {})
TOPICS, QRELS = made_up("yo")


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(xbench.data.streamed.scan, "SHARD", 100)


@pytest.fixture
def folder(tmp_path):
    return write_corpus(tmp_path / "yo", "yo", 1_050, topics=TOPICS, qrels=QRELS, file_size=420)


def scanned(files, tmp_path, qrels=QRELS, mode="stop"):
    cache = tmp_path / "cache"
    return scan("yo", files, qrels, on_bad_line=mode, cache_dir=cache, progress=False)


def expected(folder: Path) -> list[tuple[str, str]]:
    found = []
    for number in range(3):
        for line in gzip.decompress((folder / f"docs-{number}.jsonl.gz").read_bytes()).splitlines():
            row = json.loads(line)
            found.append((row["docid"], f"{row['title']} {row['text']}".strip()))
    return found


def content(corpus, shards=None):
    texts = [corpus.read(shard) for shard in shards or corpus.shards]
    return [pair for t in texts for pair in zip(t.ids, t.texts, strict=True)]


def test_shards_hold_everything_in_order(small_shards, folder, tmp_path):
    corpus = scanned(LocalFiles(folder), tmp_path)
    assert corpus.passages == 1_050
    assert corpus.skipped == {}
    assert corpus.shards[4:6] == (Shard(0, 400, 20, 20), Shard(1, 0, 100, 100))
    assert content(corpus) == expected(folder)
    assert corpus.longest_id == max(len(docid) for docid, _ in expected(folder))


def test_random_access_finds_what_reading_in_order_finds(small_shards, folder, tmp_path):
    corpus = scanned(LocalFiles(folder), tmp_path)
    in_order = {shard: content(corpus, [shard]) for shard in corpus.shards}
    for shard in [*reversed(corpus.shards), corpus.shards[1], corpus.shards[3], corpus.shards[3]]:
        assert content(corpus, [shard]) == in_order[shard]


def test_reading_in_order_opens_each_file_once(small_shards, folder, tmp_path, monkeypatch):
    corpus = scanned(LocalFiles(folder), tmp_path)
    opened = []
    told = xbench.data.streamed.local_files.HashingReader

    def counting(path, seen):
        opened.append(path.name)
        return told(path, seen)

    monkeypatch.setattr(xbench.data.streamed.local_files, "HashingReader", counting)
    content(corpus)
    assert opened == [f"docs-{number}.jsonl.gz" for number in range(3)]


def test_a_pickled_corpus_reads_on(small_shards, folder, tmp_path):
    corpus = scanned(LocalFiles(folder), tmp_path)
    before = content(corpus, corpus.shards[:3])
    copy = pickle.loads(pickle.dumps(corpus))
    assert before + content(copy, copy.shards[3:]) == expected(folder)
    assert (copy.fingerprint, copy.shards) == (corpus.fingerprint, corpus.shards)


def test_a_file_with_other_docids_of_the_same_number_is_noticed(small_shards, folder, tmp_path):
    corpus = scanned(LocalFiles(folder), tmp_path)
    write_corpus(folder, "yo", 1_050, topics=TOPICS, qrels=QRELS, file_size=420, seed=1)
    with pytest.raises(UserError, match=r"docs-0\.jsonl\.gz: rows 1 to 100 are not those"):
        corpus.read(corpus.shards[0])


def test_a_file_that_lost_lines_is_noticed(small_shards, folder, tmp_path):
    corpus = scanned(LocalFiles(folder), tmp_path)
    path = folder / "docs-2.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-5])))
    with pytest.raises(UserError, match=r"found 5 passages, expected 10\); the file has changed"):
        corpus.read(corpus.shards[-1])
    path.unlink()
    with pytest.raises(UserError, match=r"docs-2\.jsonl\.gz: cannot be read"):
        pickle.loads(pickle.dumps(corpus)).read(corpus.shards[-1])


def test_files_stand_in_the_order_of_their_numbers(tmp_path):
    for number in range(12):
        line = json.dumps({"docid": f"{number}#0", "title": "", "text": "x"})
        (tmp_path / f"docs-{number}.jsonl").write_text(line)
    (tmp_path / "README.md").write_text("docs-99.jsonl")
    corpus = scanned(LocalFiles(tmp_path), tmp_path, NO_QRELS)
    assert [docid for docid, _ in content(corpus)] == [f"{number}#0" for number in range(12)]


def test_no_files_and_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"no docs-\*\.jsonl\.gz there"):
        _ = LocalFiles(tmp_path).names
    for number in (0, 1, 3):
        (tmp_path / f"docs-{number}.jsonl").touch()
    with pytest.raises(UserError, match=r"docs-3\.jsonl where docs-2 was expected; found 3 files"):
        _ = LocalFiles(tmp_path).names


optional_text = st.none() | st.text(max_size=8)


@pytest.mark.integration
@given(title=st.text(max_size=8), text=st.text(max_size=8))
def test_the_text_of_a_passage_is_mteb_s(title, text):
    theirs = _corpus_to_dict({"id": "1", "title": title, "text": text})["text"]
    ours = passage("1", title, text)
    assert ours == ("1", theirs) if theirs else isinstance(ours, Defect)


@given(title=optional_text, text=optional_text, ascii_only=st.booleans())
def test_a_line_is_what_was_written(title, text, ascii_only):
    row = {"docid": "1#0", "title": title, "text": text}
    line = json.dumps(row, ensure_ascii=ascii_only).encode() + b"\n"
    assert parse(line) == passage("1#0", title, text)


@given(st.binary(max_size=60))
def test_no_line_raises(line):
    found = parse(line)
    assert found is None or isinstance(found, (tuple, Defect))


@pytest.fixture
def clone(folder, tmp_path):
    return write_clone(tmp_path / "hub", "yo", folder, topics=TOPICS, qrels=QRELS)


def test_a_clone_of_the_hub_equals_the_files(small_shards, folder, clone, tmp_path):
    local = scanned(LocalFiles(folder), tmp_path)
    hub = scanned(HubFiles(clone, "yo-corpus", "dev"), tmp_path)
    assert hub.shards == local.shards
    assert content(hub) == content(local)
    assert content(pickle.loads(pickle.dumps(hub)), hub.shards[6:7]) == content(
        local, local.shards[6:7]
    )


def test_a_clone_that_lacks_a_file(clone):
    (clone / "yo-corpus" / "dev-00001-of-00003.parquet").unlink()
    with pytest.raises(UserError, match=r"yo-corpus\): 2 of 3 parquet files are there"):
        _ = HubFiles(clone, "yo-corpus", "dev").names


def test_a_clone_without_the_language(clone):
    with pytest.raises(UserError, match=r"sw-corpus\): has no parquet files.*check the name"):
        _ = HubFiles(clone, "sw-corpus", "dev").names
