"""Mining hard negatives with a real encoder."""

from __future__ import annotations

import json

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import cos_sim

from tests.commands import invoke
from tests.conftest import make_tiny_transformer
from xbench.training.corpora.reading import read_pairs
from xbench.training.corpora.source import CorpusSource


@pytest.fixture(scope="module")
def mined(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    make_tiny_transformer().save(str(folder / "teacher"))
    rows = [
        {
            **{f"query_{a}": f"query {a} {n * 7919}" for a in ("de", "it")},
            **{f"passage_{a}": f"passage {a} {n * 104729}" for a in ("de", "it")},
        }
        for n in range(12)
    ]
    del rows[3]["query_it"], rows[4]["passage_it"]
    rows[6]["passage_de"] = f" {rows[5]['passage_de'].upper()} !"
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["mine", "pairs.jsonl", "mined.jsonl", "--teacher", "teacher"]
    outcome = invoke(folder, *words, "--negatives", 3, "--margin", 0.01)
    assert outcome.returncode == 0, outcome.stderr
    found = [json.loads(line) for line in (folder / "mined.jsonl").read_text().splitlines()]
    return folder, rows, found


def test_negatives_are_the_nearest_passages_below_the_margin(mined):
    folder, rows, found = mined
    teacher = SentenceTransformer(str(folder / "teacher"), device="cpu")
    texts = [text for row in rows if (text := row.get("passage_it"))]
    passages = torch.tensor(teacher.encode(texts))
    for row, own in zip(rows, found, strict=True):
        assert {name: text for name, text in own.items() if not name.startswith("neg")} == row
        if "passage_it" not in row:
            assert "negatives_it" not in own
            continue
        query = teacher.encode([row.get("query_it", row["query_de"])])
        scores = cos_sim(torch.tensor(query), passages)[0]
        positive = scores[texts.index(row["passage_it"])]
        below = [
            (float(score), text)
            for score, text in zip(scores, texts, strict=True)
            if score <= positive - 0.01 * abs(positive) and text != row["passage_it"]
        ]
        nearest = [text for _, text in sorted(below, reverse=True)[:3]]
        assert sorted(own.get("negatives_it", [])) == sorted(nearest)


def test_a_passage_with_the_same_text_is_no_negative_and_the_file_can_be_trained_on(mined):
    folder, rows, found = mined
    for one, other in ((5, 6), (6, 5)):
        assert rows[other]["passage_de"] not in found[one].get("negatives_de", [])
    pairs = read_pairs(CorpusSource(str(folder / "mined.jsonl")), folder / "cache")
    assert pairs.negatives == 3
