"""Parallel pairs made from data of other tasks."""

from __future__ import annotations

import pytest

from xbench._util.errors import UserError
from xbench.training.study import xnli_pairs


def write(folder, code, *examples):
    text = "".join("\t".join(example) + "\n" for example in examples)
    (folder / f"dev-{code}.tsv").write_text(text, "utf-8")


def test_an_entailed_hypothesis_asks_for_its_premise(tmp_path):
    write(
        tmp_path,
        "en",
        ("It rains.", "It is dry.", "contradiction"),
        ("He ran.", "He moved.", "entailment"),
    )
    write(
        tmp_path,
        "de",
        ("Es regnet.", "Es ist trocken.", "contradiction"),
        ("Er lief.", "Er bewegte sich.", "entailment"),
    )
    assert list(xnli_pairs(tmp_path)) == [
        {
            "id": "dev-2",
            "query_de": "Er bewegte sich.",
            "passage_de": "Er lief.",
            "query_en": "He moved.",
            "passage_en": "He ran.",
        }
    ]


def test_files_that_are_not_parallel_are_refused(tmp_path):
    write(tmp_path, "en", ("a", "b", "entailment"))
    write(tmp_path, "es", ("a", "b", "neutral"))
    with pytest.raises(UserError, match=r"dev-es.tsv: its 1 labels"):
        list(xnli_pairs(tmp_path))
    write(tmp_path, "es", ("a", "b"))
    with pytest.raises(UserError, match=r"dev-es.tsv, line 1: 2 columns"):
        list(xnli_pairs(tmp_path))
    with pytest.raises(UserError, match=r"no files such as dev-en.tsv"):
        list(xnli_pairs(tmp_path / "nothing"))


def test_the_real_set_has_830_entailments_in_eleven_languages(shared_data):
    rows = list(xnli_pairs(shared_data / "xnli"))
    assert len(rows) == 830
    assert all(len(row) == 1 + 2 * 11 and all(row.values()) for row in rows)
