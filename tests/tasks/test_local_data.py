"""Local data that change: what a result was measured on is part of what it is."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.search.streamed.conftest import write_language
from xbench.data.catalogue import CONTENT_REVISION
from xbench.data.datasets import MIRACL
from xbench.evaluation.evaluate import evaluate

TASK = "MIRACLMonolingualRetrieval"


@pytest.fixture
def data(tmp_path):
    write_language(tmp_path / "data" / "miracl", "en", 90, queries=8, per_file=60)
    return tmp_path / "data"


def run(data):
    results = evaluate(
        "xbench/char-ngram",
        tasks=TASK,
        languages="en",
        data_dir=data,
        output=data.parent / "results",
        cache_dir=data.parent / "cache",
        offline=True,
        no_progress=True,
    )
    (path,) = results.files.values()
    scores = results.to_dataframe().query("measure == 'ndcg_at_10' and average == 'macro'")
    return json.loads(path.read_text()), float(scores["value"].iloc[0])


def correct(kind, data):
    own = data / "miracl" / "miracl-v1.0-en"
    name = "miracl-v1.0-en-dev.tsv"
    if kind == "qrels":
        path = own / "qrels" / f"qrels.{name}"
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        flipped = ["\t".join([*cells[:3], str(1 - int(cells[3]))]) for cells in lines]
        path.write_text("\n".join(flipped) + "\n")
    elif kind == "topics":
        path = own / "topics" / f"topics.{name}"
        lines = path.read_text().splitlines()
        path.write_text("\n".join(f"{n}\tsun tree {n}?" for n in range(len(lines))) + "\n")
    else:
        path = data / "miracl" / "miracl-corpus-v1.0-en" / "docs-0.jsonl.gz"
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        for row in rows:
            row["text"] = " ".join(reversed(row["text"].split())) + " sea"
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode() + b"\n"))


@pytest.mark.parametrize("published", [False, True], ids=["own passages", "the published number"])
@pytest.mark.parametrize("kind", ["qrels", "topics", "passages"])
@pytest.mark.integration
def test_corrected_files_are_evaluated_again(kind, published, data, monkeypatch):
    if published:
        monkeypatch.setitem(MIRACL.passages, "en", 90)
    (first, before), (again, same) = run(data), run(data)
    assert (again, same) == (first, before)
    correct(kind, data)
    (corrected, after) = run(data)
    assert after != before
    assert corrected["date"] > first["date"]
    revisions = {first["dataset_revision"], corrected["dataset_revision"]}
    if published:
        assert revisions == {MIRACL.revision}
    else:
        assert len(revisions) == 2
        assert all(revision.startswith(CONTENT_REVISION) for revision in revisions)
    assert run(data) == (corrected, after)
