"""MIRACL's topics and qrels, real and malformed; where a language's files are looked for."""

from __future__ import annotations

import shutil

import pytest

from tests.miracl_corpora import REAL, made_up, write_clone, write_miracl
from xbench._util.errors import UserError
from xbench.data.datasets import MIRACL, MIRACL_HARD_NEGATIVES
from xbench.data.download import DataLocation
from xbench.data.streamed.corpus import HubFiles, LocalFiles
from xbench.data.streamed.miracl_files import language_files
from xbench.data.streamed.miracl_tables import read_qrels, read_topics
from xbench.data.streamed.scan import scan

COUNTS = {
    **{"ar": (2896, 29197, 5658), "bn": (411, 4206, 863), "de": (305, 3144, 811)},
    **{"en": (799, 8350, 2326), "es": (648, 6443, 2987), "fa": (632, 6571, 1314)},
    **{"fi": (1271, 12008, 2447), "fr": (343, 3429, 731), "hi": (350, 3494, 752)},
    **{"id": (960, 9668, 3088), "ja": (860, 8354, 1790), "ko": (213, 3057, 547)},
    **{"ru": (1252, 13100, 3560), "sw": (482, 5092, 910), "te": (828, 1606, 854)},
    **{"th": (733, 7573, 1343), "yo": (119, 1188, 144), "zh": (393, 3928, 994)},
}


def counts(files) -> tuple[int, int, int]:
    judged = [j for judgments in files.qrels.judgments.values() for j in judgments.values()]
    return len(files.topics), len(judged), sum(relevance > 0 for relevance in judged)


@pytest.mark.parametrize("language", COUNTS)
def test_the_real_topics_and_qrels(shared_data, tmp_path, language):
    folder = tmp_path / "miracl"
    (folder / "miracl-corpus" / f"miracl-corpus-v1.0-{language}").mkdir(parents=True)
    for kind in ("topics", "qrels"):
        name = f"{kind}.miracl-v1.0-{language}-dev.tsv"
        shutil.copy(shared_data / "miracl" / name, folder / name)
    found = language_files(MIRACL, language, DataLocation(tmp_path, tmp_path / "cache", True))
    assert counts(found) == COUNTS[language]
    assert set(found.topics.ids) == set(found.qrels.judgments)


def test_the_catalogue_has_these_languages():
    assert MIRACL.languages == tuple(sorted(COUNTS))


def test_a_topic_is_read_as_it_stands(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes("\ufeff0\tWho? \r\n10#0\t谁？\n\n".encode())
    topics = read_topics(path)
    assert dict(zip(topics.ids, topics.texts, strict=True)) == {"0": "Who?", "10#0": "谁？"}


def test_a_judgment_knows_its_line(tmp_path):
    path = tmp_path / "q.tsv"
    path.write_text("0\tQ0\t7#0\t1\n0\tQ0\t8#0\t0\n1 Q0 7#0 2\n")
    qrels = read_qrels(path)
    assert qrels.judgments == {"0": {"7#0": 1, "8#0": 0}, "1": {"7#0": 2}}
    assert qrels.lines == {"0": {"7#0": 1, "8#0": 2}, "1": {"7#0": 3}}
    assert qrels.file == str(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("0\ta\n0\tb\n", r"t\.tsv: line 2: query '0' occurs a second time"),
        ("0\ta\tb\n", r"t\.tsv: line 1: 3 columns instead of 2"),
        ("0\t \n", r"t\.tsv: line 1: query '0' has no id or no question"),
        ("\n", r"t\.tsv: has no query"),
        ("0\ta\n1\t\udcff\n", r"t\.tsv: line 2: is not UTF-8"),
    ],
)
def test_malformed_topics(tmp_path, content, problem):
    path = tmp_path / "t.tsv"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=problem):
        read_topics(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("0\tQ0\ta\t1\n0\tQ0\ta\t0\n", r"line 2: query '0', docid 'a': occurs a second time"),
        ("0\tQ0\ta\n", r"q\.tsv: line 1: 3 columns instead of 4"),
        ("0\tQ0\ta\t0.5\n", r"line 1: relevance '0\.5' is not an integer"),
        ("0\tQ0\ta\t\n", r"line 1: relevance '' is not an integer"),
        ("0\tQ0\t\t1\n", r"line 1: no query id or no docid"),
        ("0\tQ0\ta\t0\n", r"no query has a relevant passage"),
        ("", r"no query has a relevant passage"),
    ],
)
def test_malformed_qrels(tmp_path, content, problem):
    path = tmp_path / "q.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match=problem):
        read_qrels(path)


def local(data_dir) -> DataLocation:
    return DataLocation(data_dir, data_dir / "cache", offline=True)


def test_miracl_s_own_layout(tmp_path):
    write_miracl(tmp_path, {"yo": 300}, real=False)
    found = language_files(MIRACL, "yo", local(tmp_path))
    assert found.passages == LocalFiles(tmp_path / "miracl" / "miracl-corpus-v1.0-yo")
    assert counts(found) == (20, 80, 40)


@pytest.mark.parametrize("places", [("topics", "qrels"), (".", ".")])
def test_other_places_of_topics_and_qrels(tmp_path, places):
    write_miracl(tmp_path, {"yo": 300}, real=False)
    folder = tmp_path / "miracl"
    for kind, place in zip(("topics", "qrels"), places, strict=True):
        (folder / place).mkdir(exist_ok=True)
        name = f"{kind}.miracl-v1.0-yo-dev.tsv"
        (folder / "miracl-v1.0-yo" / kind / name).rename(folder / place / name)
    assert counts(language_files(MIRACL, "yo", local(tmp_path))) == (20, 80, 40)


def test_a_clone_of_the_hub_s_repository(tmp_path):
    write_miracl(tmp_path, {"yo": 300}, real=False, file_size=120)
    own = language_files(MIRACL, "yo", local(tmp_path))
    topics, qrels = made_up("yo")
    clone = tmp_path / "mteb" / "MIRACLRetrievalHardNegatives"
    corpus = tmp_path / "miracl" / "miracl-corpus-v1.0-yo"
    write_clone(clone, "yo", corpus, topics=topics, qrels=qrels)
    found = language_files(MIRACL_HARD_NEGATIVES, "yo", local(tmp_path))
    assert found.topics == own.topics
    assert found.qrels.judgments == own.qrels.judgments
    assert found.passages == HubFiles(clone, "yo-corpus", "dev")
    arguments = {"on_bad_line": "stop", "cache_dir": tmp_path / "cache", "progress": False}
    shards = [scan("yo", f.passages, f.qrels, **arguments).shards for f in (own, found)]
    assert shards[0] == shards[1]


def test_a_clone_without_the_columns(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_miracl(tmp_path, {"yo": 300}, real=False, folder="own")
    topics, qrels = made_up("yo")
    clone = tmp_path / MIRACL.hub
    corpus = tmp_path / "own" / "miracl-corpus-v1.0-yo"
    write_clone(clone, "yo", corpus, topics=topics, qrels=qrels)
    path = clone / "yo-qrels" / "dev-00000-of-00001.parquet"
    pq.write_table(pa.table({"query": ["0"], "corpus-id": ["7#0"], "score": [1]}), path)
    with pytest.raises(UserError, match=r"yo-qrels\): columns .*expected one named query-id"):
        language_files(MIRACL, "yo", local(tmp_path))


def test_missing_files_are_named_with_their_places(tmp_path):
    with pytest.raises(UserError, match=r"(?s)the topics of sw are missing; looked for:.*mteb/MIR"):
        language_files(MIRACL, "sw", local(tmp_path))
    write_miracl(tmp_path, {"yo": 300}, real=False)
    shutil.rmtree(tmp_path / "miracl" / "miracl-corpus-v1.0-yo")
    with pytest.raises(
        UserError, match=r"(?s)passages of yo.*miracl-corpus/miracl-corpus-v1\.0-yo"
    ):
        language_files(MIRACL, "yo", local(tmp_path))


def test_topics_and_qrels_that_do_not_belong_together(tmp_path):
    write_miracl(tmp_path, {"yo": 300}, real=False)
    folder = tmp_path / "miracl" / "miracl-v1.0-yo" / "qrels"
    (folder / "qrels.miracl-v1.0-yo-dev.tsv").write_text("other\tQ0\t7#0\t1\n")
    with pytest.raises(UserError, match="judges none of the 20 queries"):
        language_files(MIRACL, "yo", local(tmp_path))


def test_offline_without_a_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        UserError,
        match=r"mteb/MIRACLRetrieval: yo-queries was not fetched.*--data-dir",
    ):
        language_files(MIRACL, "yo", DataLocation(None, tmp_path, offline=True))


@pytest.mark.integration
def test_the_generator_repeats_itself_and_holds_what_is_judged(tmp_path):
    sizes = {"yo": 1_500, "zh": 4_200}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_miracl(tmp_path / name, sizes, seed=seed, file_size=1_000)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("docs-*.gz")]
    assert len(files) == 7
    for path in files:
        content = (tmp_path / "a" / path).read_bytes()
        assert content == (tmp_path / "b" / path).read_bytes()
        assert content != (tmp_path / "c" / path).read_bytes()
    for language, passages in sizes.items():
        found = language_files(MIRACL, language, local(tmp_path / "a"))
        arguments = {"on_bad_line": "stop", "cache_dir": tmp_path, "progress": False}
        corpus = scan(language, found.passages, found.qrels, **arguments)
        assert (corpus.passages, corpus.skipped) == (passages, {})
        assert counts(found) == (COUNTS[language] if REAL.is_dir() else (20, 80, 40))


def test_offline_with_the_hugging_face_cache(tmp_path, monkeypatch):
    write_miracl(tmp_path, {"yo": 300}, real=False, file_size=120)
    topics, qrels = made_up("yo")
    kept = tmp_path / "hub" / "datasets--mteb--MIRACLRetrieval" / "snapshots" / MIRACL.revision
    corpus = tmp_path / "miracl" / "miracl-corpus-v1.0-yo"
    kept.mkdir(parents=True)
    write_clone(kept, "yo", corpus, topics=topics, qrels=qrels)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    found = language_files(MIRACL, "yo", DataLocation(None, tmp_path / "cache", offline=True))
    assert found.passages.place == f"{kept} (yo-corpus)"
    assert counts(found) == (20, 80, 40)


@pytest.mark.parametrize("language", ["en", "th"])
def test_generated_relevant_passages_hold_words_of_their_query(tmp_path, language):
    write_miracl(tmp_path, {language: 2_000}, real=False)
    found = language_files(MIRACL, language, local(tmp_path))
    arguments = {"on_bad_line": "stop", "cache_dir": tmp_path, "progress": False}
    corpus = scan(language, found.passages, found.qrels, **arguments)
    passages = corpus.read(corpus.shards[0])
    texts = dict(zip(passages.ids, passages.texts, strict=True))
    for query, question in zip(found.topics.ids, found.topics.texts, strict=True):
        start = question[: len(question) // 3]
        holding = {docid for docid, text in texts.items() if start in text}
        relevant = {docid for docid, r in found.qrels.judgments[query].items() if r > 0}
        assert relevant <= holding
        assert len(holding) < 100
