"""Runs, qrels and tables of languages, in every form that they come in."""

from __future__ import annotations

import gzip
import json
from typing import Any, NamedTuple

import pandas as pd
import pytest

from xbench._util.errors import UserError
from xbench.data.run_languages import read_table
from xbench.data.trec_files import places, read_qrels, read_run

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
        ("q Q0 a 1 nan t\nq Q0 b 2 1 t\n", ["Correct the score, or remove the line"]),
        (
            "q Q0 a 1 2 t\n\nq Q0 a 2 1 t\n",
            ["line 3", "'a': occurs a second time, with the score 1 after 2", "remove the line"],
        ),
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
        ("q 0 a 1\nq 0 b 1\nq 0 a 0\n", ["line 3", "with the relevance 0 after 1"]),
        ("query-id\tcorpus-id\tscore\nq\ta\n", ["line 2: 2 columns instead of 3"]),
        ("query-id\tcorpus-id\tscore\nq\ta\tx\n", ["line 2", "relevance 'x' is not a number"]),
        ("query-id\tcorpus-id\tscore\nq\t\t1\n", ["line 2", "an id is empty"]),
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
        ({"q": ["a"]}, "query 'q' has a list, not a dictionary"),
        (pd.DataFrame({"query_id": [1], "doc_id": ["a"], "score": [1.0]}), "row 1: query 1"),
        (pd.DataFrame([["q", "a", 1, 2]], columns=["qid", "pid", "score", "score"]), "each once"),
        (pd.DataFrame({"query": ["q"], "text": ["a"]}), "the columns are query, text; expected"),
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


def test_tables_with_a_header(tmp_path):
    path = tmp_path / "test.tsv"
    rows = [(q, p, v) for q, found in QRELS.items() for p, v in found.items()]
    path.write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{p}\t{v}\n" for q, p, v in rows)
    )
    assert read_qrels(path) == QRELS
    frame = pd.DataFrame(rows, columns=["query_id", "doc_id", "relevance"])
    frame[["doc_id", "relevance", "query_id"]].to_csv(path, index=False, quoting=1)
    assert path.read_text().startswith('"doc_id","relevance","query_id"')
    assert read_qrels(path) == QRELS
    assert read_qrels(frame) == QRELS
    assert read_run(frame.rename(columns={"relevance": "score"})) == QRELS


@pytest.mark.parametrize("indent", [None, 2])
def test_json(tmp_path, indent):
    path = tmp_path / "run.json.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(RUN, indent=indent).encode()))
    assert read_run(path) == RUN
    (tmp_path / "qrels").write_text(json.dumps(QRELS, indent=indent))
    assert read_qrels(tmp_path / "qrels") == QRELS


def test_a_query_id_may_begin_like_json(tmp_path):
    (tmp_path / "run").write_text("{q} Q0 a 1 0.5 t\n")
    assert read_run(tmp_path / "run") == {"{q}": {"a": 0.5}}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"q": {"a": 1,\n', ["line 2: is not JSON"]),
        ('{"q": {"a": NaN}}', ["query 'q', passage 'a': score nan is not a number"]),
        ('{"q": {"a": 1, "a": 2}}', ["'a': occurs a second time, with the score 2 after 1"]),
        ('{"q": {"a": 1}, "q": {"a": 2}}', ["'a': occurs a second time"]),
        ('{"q": [1]}', ["query 'q' has a list", "Expected {query id: {passage id: score}}"]),
    ],
)
def test_malformed_json(tmp_path, text, parts):
    (tmp_path / "run.json").write_text(text)
    refused(read_run, tmp_path / "run.json", str(tmp_path / "run.json"), *parts)


def test_predictions_of_mteb(tmp_path):
    path = tmp_path / "predictions.json"
    document = {
        "mteb_model_meta": {"model_name": "a/b", "revision": "1"},
        "de": {"test": {"q1": RUN["q1"]}},
        "en": {"test": {"q2": RUN["q2"]}},
    }
    path.write_text(json.dumps(document))
    assert read_run(path) == read_run(document) == RUN
    assert read_run(path, "en") == {"q2": RUN["q2"]}
    refused(lambda p: read_run(p, "fr"), path, "unknown subset", "'fr'; known are de, en")
    document["en"]["test"]["q1"] = {"z": 1.0}
    path.write_text(json.dumps(document))
    refused(read_run, path, "the subsets de, en have queries of the same id; name the subset")
    assert read_run(path, "de") == {"q1": RUN["q1"]}
    document["de"]["dev"] = {"q3": {"z": 1.0}}
    path.write_text(json.dumps(document))
    assert read_run(path, "de/dev") == {"q3": {"z": 1.0}}
    for part in ([1], {"test": [1]}):
        path.write_text(json.dumps({**document, "en": part}))
        refused(read_run, path, "subset 'en': expected {split: {query id")
    path.write_text(json.dumps(RUN))
    refused(lambda p: read_run(p, "de"), path, "is not a file of mteb's predictions")


def test_a_line_twice_with_one_number_is_noted(tmp_path, caplog):
    path, notes = tmp_path / "qrels", []
    path.write_text(trec_qrels(QRELS) + "q1 0 a 1\nq2 0 c 2\n")
    assert read_qrels(path, notes) == QRELS
    assert notes == [
        f"{path}: passages that occur twice for a query with the same relevance count once: 2 "
        "(line 4, line 5)"
    ]
    assert read_qrels(path) == QRELS
    assert notes[0] in caplog.text


def test_where_something_first_occurs(tmp_path):
    path = tmp_path / "run"
    path.write_text("\n" + trec_run(RUN) + "q3 Q0 b 1 2 t\n")
    assert places(path, ["b", "c", "z"]) == {"b": "line 3", "c": "line 4"}
    assert places(path, ["q3"], of_queries=True) == {"q3": "line 5"}
    assert places(RUN, ["b"]) == {}
    assert places((item for item in ()), ["b"]) == {}


def test_tables(tmp_path):
    path = tmp_path / "languages"
    path.write_text('ID, language\n"a,1", en \n\nb,de\n')
    rows = [(2, {"id": "a,1", "language": "en"}), (4, {"id": "b", "language": "de"})]
    assert [*read_table(path)] == rows
    path.write_text('"id","language"\r\n"a,1","en"\r\n')
    assert [*read_table(path)] == rows[:1]
    path.write_text('id\tlanguage\n"a,1\ten\n')
    assert [*read_table(path)] == [(2, {"id": '"a,1', "language": "en"})]
    path.write_text("a,en\n")
    refused(lambda p: [*read_table(p)], path, "the first line is 'a,en'", "id,language")
    path.write_text("id,language\na\n")
    refused(lambda p: [*read_table(p)], path, "line 2: 1 columns; expected 2")
