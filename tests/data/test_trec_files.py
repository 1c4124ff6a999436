"""Runs, qrels and tables of languages, in every form that they come in."""

from __future__ import annotations

import gzip
from typing import Any, NamedTuple

import pytest

from xbench._util.errors import UserError
from xbench.data.trec_files import read_qrels, read_run, read_table

RUN = {"q1": {"a": 1.5, "b": -0.25}, "q2": {"c": 3e-7}}
QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"c": 2}}


class ScoredDoc(NamedTuple):
    query_id: str
    doc_id: str
    score: Any


class Qrel(NamedTuple):
    query_id: str
    doc_id: str
    relevance: int
    iteration: str = "0"


class WithToDict:
    def __init__(self, content):
        self.content = content

    def to_dict(self):
        return self.content


class WithRun:
    run = RUN


def trec_run(run) -> str:
    return "".join(
        f"{query} Q0 {passage} {rank} {score!r} tag\n"
        for query, passages in run.items()
        for rank, (passage, score) in enumerate(passages.items(), 1)
    )


def trec_qrels(qrels) -> str:
    return "".join(f"{q} 0 {p} {v}\n" for q, found in qrels.items() for p, v in found.items())


def refused(function, source, *parts):
    with pytest.raises(UserError) as error:
        function(source)
    for part in parts:
        assert part in str(error.value)


def test_a_file_written_from_a_dictionary_comes_back(tmp_path):
    (tmp_path / "run").write_text(trec_run(RUN))
    (tmp_path / "qrels").write_text(trec_qrels(QRELS))
    assert read_run(tmp_path / "run") == read_run(str(tmp_path / "run")) == RUN
    assert read_qrels(tmp_path / "qrels") == QRELS


def test_compressed_with_marks_and_blank_lines(tmp_path):
    path = tmp_path / "run.gz"
    text = "\ufeff" + trec_run(RUN).replace(" ", "\t").replace("\n", "\r\n\r\n")
    path.write_bytes(gzip.compress(text.encode()))
    assert read_run(path) == RUN


@pytest.mark.parametrize("source", [RUN, WithToDict(RUN), WithRun()])
def test_objects(source):
    assert read_run(source) == RUN


def test_tuples():
    assert read_run(ScoredDoc(q, p, s) for q, ps in RUN.items() for p, s in ps.items()) == RUN
    assert read_qrels([Qrel(q, p, v) for q, ps in QRELS.items() for p, v in ps.items()]) == QRELS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("q Q0 a 1 0.5 t\nq Q0 b 2 t\n", ["line 2: 5 columns instead of 6", "score tag"]),
        ("q Q0 a 1 high t\n", ["line 1", "score 'high' is not a number"]),
        ("q Q0 a 1 nan t\n", ["line 1", "score 'nan' is not a number"]),
        ("q Q0 a 1 2 t\n\nq Q0 a 2 1 t\n", ["line 3", "'a': occurs a second time"]),
        ("x\n" * 9, ["9 problems", "line 5:", "and 4 more"]),
        ("\n", ["has no retrieved passage"]),
    ],
)
def test_malformed_run_files(tmp_path, text, parts):
    path = tmp_path / "run"
    path.write_text(text)
    refused(read_run, path, str(path), *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("q 0 a\n", ["line 1: 3 columns instead of 4", "passage relevance"]),
        ("q 0 a yes\n", ["relevance 'yes' is not a number"]),
        ("q 0 a 0\n", ["no query has a relevant passage"]),
    ],
)
def test_malformed_qrels_files(tmp_path, text, parts):
    path = tmp_path / "qrels"
    path.write_text(text)
    refused(read_qrels, path, str(path), *parts)


def test_unreadable_files(tmp_path):
    refused(read_run, tmp_path / "missing", "missing", "No such file")
    (tmp_path / "run.gz").write_text("q Q0 a 1 0.5 t\n")
    refused(read_run, tmp_path / "run.gz", "run.gz", "gzip-compressed")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(trec_run(RUN).encode())[:-9])
    refused(read_run, tmp_path / "cut.gz", "cut.gz: cannot be read")
    (tmp_path / "latin").write_bytes(b"q Q0 \xe9 1 0.5 t\n")
    refused(read_run, tmp_path / "latin", "is not UTF-8")


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({}, "has no retrieved passage"),
        ({"q": {}}, "has no retrieved passage"),
        ({"q": ["a"]}, "query 'q' has a list"),
        ({"q": {1: 0.5}}, "an id is not a string"),
        ({"q": {"a": None}}, "score None is not a number"),
        ({"q": {"a": float("nan")}}, "score nan is not a number"),
        ([("q", "a", 1.0)], "item 1: 'tuple' object has no attribute 'query_id'"),
        ([ScoredDoc("q", "a", 1), ScoredDoc("q", "a", 2)], "item 2: query 'q', passage 'a': occ"),
        (5, "run: is a int"),
    ],
)
def test_malformed_objects(source, part):
    refused(read_run, source, "run: ", part)


def test_tables(tmp_path):
    path = tmp_path / "languages"
    path.write_text('ID, language\n"a,1", en \n\nb,de\n')
    rows = [(2, {"id": "a,1", "language": "en"}), (4, {"id": "b", "language": "de"})]
    assert [*read_table(path)] == rows
    path.write_text('id\tlanguage\n"a,1\ten\n')
    assert [*read_table(path)] == [(2, {"id": '"a,1', "language": "en"})]
    path.write_text("a,en\n")
    refused(lambda p: [*read_table(p)], path, "the first line is 'a,en'", "id,language")
    path.write_text("id,language\na\n")
    refused(lambda p: [*read_table(p)], path, "line 2: 1 columns; expected 2")
