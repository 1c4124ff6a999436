"""What training data has in common with the evaluation sets."""

from __future__ import annotations

import json
import re
import unicodedata
from importlib import resources

import polars as pl
import pytest

from xbench._util.errors import UserError
from xbench.training.corpora.contamination import evaluation_overlap, plain, refuse_overlap
from xbench.training.corpora.reading import CorpusSource, read_pairs


def mini_questions():
    content = resources.files("xbench.tasks").joinpath("data/mini.jsonl").read_text("utf-8")
    return [json.loads(line)["questions"] for line in content.splitlines()]


def corpus(tmp_path, queries):
    path = tmp_path / "mine.jsonl"
    rows = [{"query_en": text, "passage_en": f"passage {i}"} for i, text in enumerate(queries)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return read_pairs(CorpusSource(str(path)), tmp_path / "cache")


def by_title(overlap):
    return {found.title: found for found in overlap.sets}


@pytest.mark.integration
def test_a_question_is_found_however_it_is_written(tmp_path, location):
    english, german = mini_questions()[0]["en"], mini_questions()[1]["de"]
    shouted = f"  {english.upper().rstrip('?')} ?!".replace(" ", " \u00a0")
    pairs = corpus(tmp_path, ["Is it new?", shouted, german])
    overlap = evaluation_overlap(pairs, location)
    found = by_title(overlap)["XBench-Mini"]
    assert (found.questions, found.first_rows, found.example) == (2, (2, 3), shouted)
    with pytest.raises(
        UserError, match=r"mine: .*2 of XBench-Mini, rows 2, 3.*allow-evaluation-data"
    ):
        refuse_overlap(overlap, ("XQuAD-R",))
    refuse_overlap(overlap, ("XBench-Mini",))


@pytest.mark.integration
def test_new_questions_are_let_through(tmp_path, location):
    overlap = evaluation_overlap(corpus(tmp_path, ["Is it new?", "Quite?"]), location)
    assert by_title(overlap)["XBench-Mini"].questions == 0
    refuse_overlap(overlap, ())


def test_a_set_that_is_not_there_is_not_checked_and_not_fetched(tmp_path, location, monkeypatch):
    monkeypatch.setattr("xbench.data.fetch.fetch", lambda *_: pytest.fail("fetched"))
    nowhere = type(location)(None, tmp_path / "empty", offline=True)
    overlap = evaluation_overlap(corpus(tmp_path, ["Is it new?"]), nowhere)
    assert by_title(overlap)["XQuAD-R"].not_checked
    assert "XQuAD-R not checked" in overlap.summary
    json.dumps(overlap.as_dict())


@pytest.mark.integration
def test_real_sets_overlap_with_themselves_and_not_with_each_other(shared_data, tmp_path, location):
    pairs = read_pairs(CorpusSource(str(shared_data / "mlqa-r")), tmp_path)
    found = by_title(evaluation_overlap(pairs, location))
    assert (found["MLQA-R"].questions, found["MLQA-R"].passages) == (1148, 1148)
    assert (found["XQuAD-R"].questions, found["XQuAD-R"].passages) == (0, 0)


def test_letters_are_folded_as_casefold_does(shared_data):
    texts = [
        question["question"]
        for path in sorted((shared_data / "xquad-r").glob("*.json"))
        for article in json.loads(path.read_bytes())["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    assert len(texts) == 11 * 1190
    found = pl.DataFrame({"text": texts}).select(plain(pl.col("text")))
    assert found["text"].to_list() == [slowly_plain(text) for text in texts]


def slowly_plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = re.sub(r"\s+", " ", folded)
    while spaced and (spaced[-1] == " " or unicodedata.category(spaced[-1]).startswith("P")):
        spaced = spaced[:-1]
    return spaced.strip()
