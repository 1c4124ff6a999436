"""Parallel pairs made from data of other tasks."""

from __future__ import annotations

import pytest

from xbench._util.errors import UserError
from xbench.training.study import Estimate, Outcome, markdown, xnli_pairs


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("multilingual", (-0.0004, -0.0005, -0.0003), "0.0 [-0.1, 0.0], equal"),
        ("multilingual", (0.02, 0.01, 0.03), "2.0 [1.0, 3.0], better; 1 of 1 seeds"),
        ("monolingual", (-0.02, -0.03, 0.001), "-2.0 [-3.0, 0.1], not distinguished"),
        ("rank_distance", (-53.2, -65, -41), "-53 [-65, -41], better; 1 of 1 seeds"),
        ("rank_distance", (-0.3, -0.4, -0.2), "0 [0, 0], equal"),
    ],
)
def test_a_difference_that_is_printed_as_zero_is_neither_better_nor_worse(name, values, expected):
    found = Estimate(*values, seeds=(values[0],))
    (line,) = markdown(Outcome({}, {("monolingual", name): found})).split("\n")[3:]
    assert expected in line
    assert "-0" not in line.replace("-0.1", "")


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
