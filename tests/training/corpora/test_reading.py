"""Corpora as users have them, and the mistakes in them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from xbench._util.errors import UserError
from xbench.training.corpora.presence import has_language
from xbench.training.corpora.reading import CorpusSource, read_pairs

ROWS = [
    {
        "id": "1",
        "query_de": "Wer?",
        "query_en": "Who?",
        "passage_de": "Er.",
        "passage_en": "He.",
        "topic": "people",
    },
    {"id": "2", "query_en": "Where?", "passage_en": "Here.", "passage_de": " ", "query_de": ""},
    {"id": "3", "query_de": "Wann?", "passage_de": "Jetzt.", "passage_en": "Now."},
]
LONG = [
    {
        "id": row["id"],
        "language": code,
        "query": row[f"query_{code}"],
        "passage": row[f"passage_{code}"],
    }
    for row, code in [(ROWS[0], "de"), (ROWS[1], "en"), (ROWS[0], "en")]
] + [
    {"id": "3", "language": "en", "query": None, "passage": "Now."},
    {"id": "3", "language": "de", "query": "Wann?", "passage": "Jetzt."},
]


def write_lines(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_csv(path: Path, rows) -> Path:
    columns = sorted({column for row in rows for column in row})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows) -> Path:
    columns = sorted({column for row in rows for column in row})
    Dataset.from_dict({c: [row.get(c) for row in rows] for c in columns}).to_parquet(path)
    return path


def save_to_disk(path: Path, rows) -> Path:
    columns = sorted({column for row in rows for column in row})
    Dataset.from_dict({c: [row.get(c) for row in rows] for c in columns}).save_to_disk(path)
    return path


WRITERS = {
    "a.jsonl": write_lines,
    "a.csv": write_csv,
    "a.parquet": write_parquet,
    "saved": save_to_disk,
}


def refusal(path, cache, **options) -> str:
    with pytest.raises(UserError) as caught:
        read_pairs(CorpusSource(str(path), **options), cache)
    return str(caught.value)


@pytest.mark.parametrize("rows", [ROWS, LONG], ids=["wide", "long"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_pairs(tmp_path, name, rows):
    path = WRITERS[name](tmp_path / name, rows)
    pairs = read_pairs(CorpusSource(str(path), name="mine"), tmp_path / "cache")
    texts = {
        c: [t if t and t.strip() else None for t in pairs.table[c]]
        for c in pairs.table.column_names
    }
    order = [texts["passage_en"].index(p) for p in ("He.", "Here.", "Now.")]
    assert (pairs.name, pairs.languages) == ("mine", ("de", "en"))
    assert [texts["query_de"][i] for i in order] == ["Wer?", None, "Wann?"]
    assert [texts["passage_de"][i] for i in order] == ["Er.", None, "Jetzt."]
    assert pairs.queries[order].tolist() == [[0b11], [0b10], [0b01]]
    assert pairs.passages[order].tolist() == [[0b11], [0b10], [0b11]]
    report = pairs.report
    assert report.rows_by_language == {"de": 2, "en": 2}
    assert report.one_sided == {"de": 0, "en": 1}
    assert (report.monolingual_pairs, report.crosslingual_pairs) == (4, 3)
    assert report.ignored_columns == (("topic",) if rows is ROWS else ())


def test_a_language_that_only_a_late_row_has_is_read(tmp_path):
    rows = [{"query_en": f"q{i}", "passage_en": f"p{i}"} for i in range(3000)]
    rows.append({"query_ru": "вопрос", "passage_ru": "ответ"})
    pairs = read_pairs(CorpusSource(str(write_lines(tmp_path / "a.jsonl", rows))), tmp_path)
    assert pairs.languages == ("en", "ru")
    assert pairs.table[3000]["query_ru"] == "вопрос"


def test_texts_that_look_like_numbers_or_nothing_stay_texts(tmp_path):
    rows = [{"query_en": "1984", "passage_en": "NA"}, {"query_en": "007", "passage_en": "null"}]
    pairs = read_pairs(CorpusSource(str(write_csv(tmp_path / "a.csv", rows))), tmp_path)
    assert pairs.table["query_en"][:] == ["1984", "007"]
    assert pairs.table["passage_en"][:] == ["NA", "null"]


def test_a_changed_file_is_read_again(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", ROWS)
    before = read_pairs(CorpusSource(str(path)), tmp_path)
    again = read_pairs(CorpusSource(str(path)), tmp_path)
    assert again.table._fingerprint == before.table._fingerprint
    write_lines(path, [{**ROWS[0], "query_de": "Was?"}])
    os.utime(path, ns=(1, 1))
    after = read_pairs(CorpusSource(str(path)), tmp_path)
    assert after.table["query_de"][:] == ["Was?"]
    assert after.table._fingerprint != before.table._fingerprint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{not JSON", ["line 2: not JSON"]),
        ("[1]", ["line 2: list found"]),
        ('{"query_en": 5, "passage_en": "p"}', ["line 2: query_en is 5; expected a text"]),
        ('{"query_xx": "q"}', ["column query_xx", "'xx' is not a known language", "passage_xx"]),
        ('{"query_en": "q", "query_en": "r"}', ["line 2", "'query_en' is given twice"]),
        ('{"query_en": "q", "passage_en": " "}', ["line 2: no query with a passage"]),
        (
            '{"query_en": "q", "passage_en": "p", "negatives_en": "n"}',
            ["line 2: negatives_en is 'n'; expected a list"],
        ),
        (r'{"query_en": "\ud800", "passage_en": "p"}', ["line 2: query_en is", "not Unicode"]),
    ],
)
def test_a_mistake_in_a_line_is_named_by_its_number(tmp_path, line, expected):
    path = tmp_path / "a.jsonl"
    good = json.dumps(ROWS[0])
    path.write_text(f"{good}\n{line}\n{good}\n", "utf-8")
    message = refusal(path, tmp_path / "cache")
    for part in [str(path), *expected]:
        assert part in message


def test_of_many_mistakes_the_first_are_shown_and_the_rest_counted(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [ROWS[0], *[{"query_en": 1}] * 10])
    message = refusal(path, tmp_path)
    assert "line 2:" in message
    assert "line 7:" not in message
    assert "more" in message


def test_a_broken_file_is_not_kept(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [ROWS[0], {"query_en": 1}])
    assert refusal(path, tmp_path) == refusal(path, tmp_path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_question_given_twice_in_a_language_names_both_rows(tmp_path, name):
    path = WRITERS[name](tmp_path / name, [*LONG, LONG[2]])
    assert "3 and 6 ('1', en)" in refusal(path, tmp_path)


def test_rows_without_a_pair_in_a_table_are_named(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [ROWS[0], {"query_en": "q"}, {"passage_en": "p"}])
    assert "rows 2, 3" in refusal(path, tmp_path)


def test_a_column_of_numbers_is_refused(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [{"query_en": 1, "passage_en": "p"}])
    assert "column query_en holds" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("query_en,query_en\nq,r\n", "query_en is given twice"),
        ("query_en,passage_en\nq,p\nq\n", "row 2: 1 fields; expected 2"),
        ("question,answer\nq,a\n", "its columns are question, answer"),
        ("query_en,passage_en\n", "no rows"),
    ],
)
def test_a_mistake_in_a_csv_file_is_named(tmp_path, content, expected):
    path = tmp_path / "a.csv"
    path.write_text(content, "utf-8")
    assert expected in refusal(path, tmp_path)


def test_what_is_nowhere_to_be_found_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    assert "a.jsonl: cannot be read" in refusal(tmp_path / "a.jsonl", tmp_path)
    assert "nobody/nothing, split train: cannot be loaded" in refusal("nobody/nothing", tmp_path)


def test_chosen_languages_that_are_absent_are_reported(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", ROWS)
    pairs = read_pairs(CorpusSource(str(path), languages=("en", "th")), tmp_path)
    assert pairs.languages == ("en",)
    assert pairs.report.absent == ("th",)
    assert pairs.report.without_pair == 1
    assert "it has de, en" in refusal(path, tmp_path, languages=("th",))
    with pytest.raises(UserError, match="one twice"):
        CorpusSource(str(path), languages=("en", "en"))


def test_rows_may_have_any_number_of_hard_negatives(tmp_path):
    row = {"query_en": "q", "passage_en": "p"}
    rows = [{**row, "negatives_en": ["a", "b"]}, {**row, "negatives_en": ["c", "d", "e"]}]
    pairs = read_pairs(CorpusSource(str(write_lines(tmp_path / "a.jsonl", rows))), tmp_path)
    assert (pairs.negatives, pairs.table["negatives_en"][1]) == (3, ["c", "d", "e"])
    pairs = read_pairs(CorpusSource(str(write_lines(tmp_path / "b.jsonl", [*rows, row]))), tmp_path)
    assert (pairs.negatives, pairs.report.without_negatives) == (3, 1)
    few = CorpusSource(str(tmp_path / "b.jsonl"), negatives=1)
    assert read_pairs(few, tmp_path).negatives == 1


@pytest.mark.parametrize("name", WRITERS)
def test_a_single_negative_is_a_list_of_one(tmp_path, name):
    rows = [{"query_en": f"q{i}", "passage_en": f"p{i}", "negative_en": f"n{i}"} for i in range(3)]
    pairs = read_pairs(CorpusSource(str(WRITERS[name](tmp_path / name, rows))), tmp_path / "c")
    assert pairs.negatives == 1
    fetched = pairs.table.select_columns(["negatives_en"]).with_format("arrow")[[2, 0]]
    assert fetched.column(0).to_pylist() == [["n2"], ["n0"]]


@pytest.mark.parametrize("name", WRITERS)
def test_any_language_is_read_by_any_usual_code(tmp_path, name):
    tags = ["ita", "nl", "pt_BR", "arb_Arab", "zho_Hant", "Old Norse"]
    wide = [{f"{side}_{tag}": f"{side} {tag}" for side in ("query", "passage") for tag in tags}]
    long = [
        {"id": "1", "language": tag, "query": f"query {tag}", "passage": f"passage {tag}"}
        for tag in tags
    ]
    for place, rows in (("wide", wide), ("long", long)):
        (tmp_path / place).mkdir()
        path = WRITERS[name](tmp_path / place / name, rows)
        pairs = read_pairs(CorpusSource(str(path)), tmp_path / "cache")
        assert pairs.languages == ("Old Norse", "ar", "it", "nl", "pt", "zh-Hant")
        assert pairs.table["query_zh-Hant"][:] == ["query zho_Hant"]
        chosen = CorpusSource(str(path), languages=("por", "Old Norse"))
        assert read_pairs(chosen, tmp_path / "cache").languages == ("Old Norse", "pt")


def test_two_columns_of_one_language_and_an_empty_one_are_refused(tmp_path):
    row = {"query_zh": "q", "query_cmn": "q", "passage_zh": "p"}
    path = write_lines(tmp_path / "a.jsonl", [row])
    assert "columns query_zh and query_cmn both hold query_zh" in refusal(path, tmp_path)
    path = write_lines(tmp_path / "b.jsonl", [{**ROWS[0], "query_th": " ", "passage_th": "p"}])
    assert "column query_th has no text" in refusal(path, tmp_path)


TRIPLETS = [
    {"anchor": "q0", "positive": "p0", "negative": "n0", "negative_1": "m0"},
    {"anchor": "q1", "positive": "p1", "negative": None, "negative_1": "m1"},
    {"anchor": "q2", "positive": "p2", "negative": "", "negative_1": ""},
]


@pytest.mark.parametrize("name", WRITERS)
def test_anchors_positives_and_negatives_are_read_in_the_language_given(tmp_path, name):
    path = WRITERS[name](tmp_path / name, TRIPLETS)
    pairs = read_pairs(CorpusSource(str(path), language="ita"), tmp_path / "cache")
    assert (pairs.languages, pairs.negatives) == (("it",), 2)
    assert pairs.table["query_it"][:] == ["q0", "q1", "q2"]
    assert pairs.table["negatives_it"][:] == [["n0", "m0"], ["m1"], None]
    by_column = {"anchor": "de", "positive": "en", "negative": "en", "negative_1": "fr"}
    pairs = read_pairs(CorpusSource(str(path), language=by_column), tmp_path / "cache")
    assert sorted(pairs.table.column_names) == [
        *("negatives_en", "negatives_fr", "passage_en", "query_de")
    ]
    assert pairs.report.crosslingual_pairs == 3


def test_columns_with_other_names_and_a_column_of_languages(tmp_path):
    rows = [{"frage": "q", "text": "p", "language": "deu"}, {"frage": "r", "text": "s"}]
    path = write_lines(tmp_path / "a.jsonl", [{**rows[1], "language": "nl"}, rows[0]])
    source = CorpusSource(str(path), columns={"frage": "query", "text": "passage"})
    pairs = read_pairs(source, tmp_path)
    assert pairs.table["query_nl"][:] == ["r", None]
    assert pairs.table["passage_de"][:] == [None, "p"]
    path = write_lines(tmp_path / "b.jsonl", rows)
    columns = {"frage": "query", "text": "passage"}
    assert "line 2: language is None" in refusal(path, tmp_path, columns=columns)
    assert "no antwort" in refusal(path, tmp_path, columns={"antwort": "passage"})
    path = write_lines(tmp_path / "c.jsonl", TRIPLETS)
    assert "no language of anchor, positive" in refusal(path, tmp_path)
    assert "no language of positive" in refusal(path, tmp_path, language={"anchor": "de"})


def test_mmarco_is_put_together_from_a_table_per_language(tmp_path):
    for name, rows in (("german", 3), ("arabic", 2)):
        folder = tmp_path / "copy" / name / "partial-train"
        folder.mkdir(parents=True)
        sides = ("query", "positive", "negative")
        columns = {side: [f"{name} {side} {i}" for i in range(rows)] for side in sides}
        Dataset.from_dict(columns).to_parquet(folder / "0000.parquet")
    source = CorpusSource(str(tmp_path / "copy"), format="mmarco", languages=("ar", "de", "th"))
    pairs = read_pairs(source, tmp_path / "cache")
    assert pairs.languages == ("ar", "de")
    assert pairs.table["passage_ar"][:] == ["arabic positive 0", "arabic positive 1"]
    assert pairs.table["query_de"][:] == ["german query 0", "german query 1"]
    assert pairs.table["negatives_de"][1] == ["german negative 1"]
    assert (pairs.negatives, pairs.report.absent) == (1, ("th",))
    assert "first 2 of 3 rows in de" in " ".join(pairs.report.lines())


def test_the_sentence_with_the_answer_is_the_passage(tmp_path):
    for code, text in (("en", "It rained. He left."), ("de", "Es regnete. Er ging.")):
        start = text.index("He" if code == "en" else "Er")
        question = {"id": "a", "question": f"{code}?", "answers": [{"answer_start": start}]}
        open_one = {"id": "b", "question": "unanswerable", "answers": []}
        breaks = [[0, start], [start, len(text)]]
        paragraph = {"context": text, "qas": [question, open_one], "sentence_breaks": breaks}
        content = {"data": [{"paragraphs": [paragraph]}]}
        (tmp_path / f"{code}.json").write_text(json.dumps(content), "utf-8")
    pairs = read_pairs(CorpusSource(str(tmp_path)), tmp_path / "cache")
    assert pairs.table["passage_de"][:] == ["Er ging."]
    paragraphs = CorpusSource(str(tmp_path / "{lang}.json"), passage="paragraph")
    pairs = read_pairs(paragraphs, tmp_path / "cache")
    assert pairs.table["passage_en"][:] == ["It rained. He left."]


@pytest.mark.integration
def test_the_real_sets_are_read_whole(shared_data, tmp_path):
    pairs = read_pairs(CorpusSource(str(shared_data / "mlqa-r")), tmp_path)
    expected = {"ar": 517, "de": 512, "en": 1148, "es": 500, "hi": 507, "vi": 511, "zh": 504}
    assert pairs.report.rows_by_language == expected
    english = pairs.languages.index("en")
    assert np.all(has_language(pairs.queries, english))
    assert pairs.group is not None
