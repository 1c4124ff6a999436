"""Corpora of one's own: the same content in every form, and what is wrong with others."""

from __future__ import annotations

import csv
import gzip
import json

import pandas as pd
import pytest

from xbench._util.errors import UserError
from xbench.data.own.corpus import summary
from xbench.data.own.mappings import corpus_from_dataframe, corpus_from_mappings
from xbench.data.own.reading import read_own_corpus

ROWS = [
    ("1", "de", "Wie bezahle ich?", "Mit Karte;\noder „bar“."),
    ("1", "en", "How do I pay?", "By card, or in cash."),
    ("1", "zh", "怎么付款?", "刷卡或现金。"),
    ("2", "de", "Wo sind Sie?", "In Rom."),
    ("2", "en", "Where are you?", ""),
    ("3", "de", "", "Wir haben einen Hund."),
    ("3", "en", "Have you a dog?", ""),
    ("4", "zh", "", "我们喜欢猫。"),
]
COLUMNS = ("id", "language", "query", "passage")


def write_csv(path, rows=ROWS, columns=COLUMNS, delimiter=",", **options):
    with path.open("w", newline="", **{"encoding": "utf-8", **options}) as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def wide_rows():
    ids = dict.fromkeys(row[0] for row in ROWS)
    cells = {(row[0], row[1]): row[2:] for row in ROWS}
    return [
        [own, *(text for a in ("de", "en", "zh") for text in cells.get((own, a), ("", "")))]
        for own in ids
    ]


WIDE = ("id", *(f"{side}_{a}" for a in ("de", "en", "zh") for side in ("query", "passage")))


def write_beir(folder):
    for code in ("de", "en", "zh"):
        rows = [row for row in ROWS if row[1] == code]
        (folder / code / "qrels").mkdir(parents=True)
        passages = [{"_id": i, "title": "", "text": text} for i, _, _, text in rows if text]
        queries = [{"_id": i, "text": text} for i, _, text, _ in rows if text]
        for name, lines in (("corpus", passages), ("queries", queries)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / code / f"{name}.jsonl").write_text(text)
        qrels = "".join(f"{i}\t{i}\t1\n" for i, _, _, text in rows if text and i != "4")
        (folder / code / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{qrels}")
    return folder


def write_form(form, folder):
    frame = pd.DataFrame(ROWS, columns=COLUMNS)
    path = folder / f"faq.{form}"
    if form in ("csv", "tsv"):
        return write_csv(path, delimiter="\t" if form == "tsv" else ",")
    if form == "semicolons":
        return write_csv(folder / "faq.csv", delimiter=";", encoding="utf-8-sig")
    if form == "csv.gz":
        path.write_bytes(gzip.compress(write_csv(folder / "plain.csv").read_bytes()))
    elif form == "jsonl":
        frame.replace("", None).to_json(path, orient="records", lines=True)
    elif form == "parquet":
        frame.assign(id=frame.id.astype(int)).to_parquet(path)
    elif form == "wide":
        return write_csv(folder / "faq.csv", wide_rows(), WIDE)
    elif form == "shuffled":
        names = {"de": "German", "en": "eng-Latn", "zh": "zh-CN"}
        rows = [(i, names[a], f" {q} ", p, "x") for i, a, q, p in reversed(ROWS)]
        return write_csv(folder / "faq.csv", rows, ("ID", "Language", "Query", "Passage", "note"))
    else:
        return write_beir(folder / "faq")
    return path


FORMS = ("csv", "tsv", "semicolons", "csv.gz", "jsonl", "parquet", "wide", "shuffled", "beir")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_corpus(form, tmp_path):
    own = read_own_corpus(write_form(form, tmp_path))
    expected = corpus_from_dataframe("faq", pd.DataFrame(ROWS, columns=COLUMNS))
    assert own.name == "faq"
    assert own.corpus.fingerprint == expected.corpus.fingerprint
    assert own.dataset.revision == f"sha256-{own.corpus.fingerprint[:40]}"


def test_what_is_understood(tmp_path):
    own = read_own_corpus(write_csv(tmp_path / "faq.csv", [*ROWS, ("", "", "", "")]))
    corpus = own.corpus
    assert {a: corpus.queries[a].ids for a in corpus.languages} == {
        "de": ("1", "2"),
        "en": ("1", "2", "3"),
        "zh": ("1",),
    }
    assert corpus.relevant_passages("en", ("de", "zh")) == {
        "1": ("de:1", "zh:1"),
        "2": ("de:2",),
        "3": ("de:3",),
    }
    assert own.answerable == {
        ("de", "de"): 2, ("de", "en"): 1, ("de", "zh"): 1,
        ("en", "de"): 3, ("en", "en"): 1, ("en", "zh"): 1,
        ("zh", "de"): 1, ("zh", "en"): 1, ("zh", "zh"): 1,
    }  # fmt: skip
    counts = own.counts["zh"]
    assert (counts.passages, counts.pairs, counts.without_question) == (2, 1, 1)
    assert own.counts["en"].without_passage == 2
    assert own.empty == 1


def test_equal_passages_are_one_and_answer_both_questions():
    rows = [("1", "de", "a?", "same"), ("2", "de", "b?", " same "), ("1", "en", "A?", "same")]
    own = corpus_from_dataframe("faq", pd.DataFrame(rows, columns=COLUMNS))
    assert own.corpus.passages["de"].ids == ("de:1",)
    assert own.corpus.relevant["de"] == {"1": ("de:1",), "2": ("de:1",)}
    assert own.corpus.passages["en"].ids == ("en:1",)
    assert own.counts["de"].merged == 1


def test_ids_of_passages_and_relevance_and_groups():
    rows = [
        ("1", "de", "a?", "x", "p1", 1, "g"),
        ("1", "de", "a?", "y", "p2", "0", "g"),
        ("1", "en", "A?", "z", "p1", 2, ""),
        ("2", "en", "B?", "z", "p9", "true", "h"),
    ]
    columns = (*COLUMNS, "passage_id", "relevant", "group")
    own = corpus_from_dataframe("faq", pd.DataFrame(rows, columns=columns))
    assert own.corpus.passages["de"].ids == ("de:p1", "de:p2")
    assert own.corpus.relevant == {
        "de": {"1": ("de:p1",)},
        "en": {"1": ("en:p1",), "2": ("en:p1",)},
    }
    assert own.groups == {"1": "g", "2": "h"}


def test_squad_files_have_paragraphs_as_passages(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in (("dev-de", "Der Hund."), ("dev-zh_Hant", "狗。")):
        question = {"id": "q", "question": "Wer?", "answers": []}
        paragraphs = [{"context": text, "qas": [question]}, {"context": "x", "qas": []}]
        content = {"data": [{"paragraphs": paragraphs}]}
        (folder / f"{name}.json").write_text(json.dumps(content))
    own = read_own_corpus(folder)
    assert own.corpus.languages == ("de", "zh-Hant")
    assert own.corpus.passages["de"].texts == ("Der Hund.", "x")
    assert own.corpus.relevant["zh-Hant"] == {"q": ("zh-Hant:0.0",)}


def test_dictionaries():
    own = corpus_from_mappings(
        "faq",
        {"German": {"1": "a?"}, "en": {"1": "A?", "2": "B?"}},
        {"de": {"p": "x", "q": "y"}, "en": {"p": "X"}},
        {"1": ["p"], "2": {"p": 1, "q": 0}},
    )
    assert own.corpus.relevant["de"] == {"1": ("de:p",), "2": ("de:p",)}
    assert own.corpus.relevant["en"] == {"1": ("en:p",), "2": ("en:p",)}


def test_questions_of_other_ids_in_every_language_are_pointed_out():
    rows = [("d1", "de", "a?", "x"), ("e1", "en", "A?", "X")]
    own = corpus_from_dataframe("faq", pd.DataFrame(rows, columns=COLUMNS))
    assert own.settings == ("monolingual", "multilingual")
    assert any("same id in every language" in line for line in summary(own))


HEADER = "id,language,query,passage\n"
BAD = {
    "no passage column": ("id,language,query,answer\n1,de,a,b\n", "no column 'passage'; the"),
    "a language column of nonsense": (f"{HEADER}1,de,a,b\n2,Klingonese 3,a,b\n", "line 3, lang"),
    "columns of other names": (
        "id,lang,question,answer\n1,de,a,b\n",
        "Rename 'lang' to 'language', 'question' to 'query', 'answer' to 'passage'; expected",
    ),
    "a close language": (f"{HEADER}1,Germn,a,b\n", r"did you mean German \(de\)\?"),
    "an id twice": (f"{HEADER}1,de,a,b\n1,de,other,b\n", "line 3: id '1' has two questions in de"),
    "a passage id twice": (
        f"{HEADER.strip()},passage_id\n1,de,a,b,p\n2,de,c,d,p\n",
        "line 3: passage_id 'p' has two texts in de, 'b' and 'd'",
    ),
    "two groups": (f"{HEADER.strip()},group\n1,de,a,b,x\n1,en,a,b,y\n", "id '1' has two groups"),
    "no id": (f"{HEADER},de,a,b\n", "line 2: the question 'a' has no id"),
    "relevance of nonsense": (
        f"{HEADER.strip()},relevant\n1,de,a,b,perhaps\n",
        "line 2, relevant: 'perhaps'; expected a number",
    ),
    "empty": ("", "is empty; expected a header"),
    "a header only": (HEADER, "has no rows; expected a row per question"),
    "a row too short": (f"{HEADER}1,de,a\n", "line 2: 3 columns; expected 4"),
    "an open quote": (f'{HEADER}1,de,"a,b\n', "line 2: not CSV"),
    "a long id": (f"{HEADER}{'x' * 201},de,a,b\n", "of 201 characters; expected at most 200"),
    "an id with a control character": (f"{HEADER}a\x07,de,a,b\n", "all of them printable"),
    "no pair": (f"{HEADER}1,de,a,\n2,de,,b\n", "no passage belongs to a question"),
    "a wide column of nonsense": ("id,query_de,passage_xx\n1,a,b\n", "column 'passage_xx': unkno"),
    "a wide table without id": ("query_de,passage_de\na,b\n", "no column 'id'; the columns are"),
    "a column twice": ("id,language,query,passage,Passage\n1,de,a,b,c\n", "a name twice"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_tables(content, message, tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_own_corpus(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_other_encodings_name_the_line(tmp_path):
    path = write_csv(tmp_path / "faq.csv", [*ROWS[:2], ("5", "de", "Größe?", "x")])
    path.write_bytes(path.read_bytes().replace("ö".encode(), b"\xf6"))
    with pytest.raises(UserError, match=r"faq.csv: not UTF-8 .* in line 5\); save it as UTF-8"):
        read_own_corpus(path)
    write_csv(path, ROWS, encoding="utf-16")
    with pytest.raises(UserError, match=r"not UTF-8 .* in line 1"):
        read_own_corpus(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("faq.xlsx", b"PK", "unknown kind of file '.xlsx'; expected .csv, .tsv, .jsonl"),
        ("faq.parquet", b"PAR1", "not a Parquet file"),
        ("faq.jsonl", b'{"id": 1}\n{"id": \n', "line 2: not JSON"),
        ("faq.jsonl", b'[{"id": 1}]\n', "expected an object"),
        ("faq.jsonl", b'{"id": "\\ud83d\\ude00"}\n{"id": "\\ud83d"}\n', "line 2: has half of a"),
        ("faq.csv.gz", b"id,language", "cannot be read"),
    ],
)
def test_bad_files(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_own_corpus(path)


def test_bad_folders(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        read_own_corpus(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"has nothing; expected one folder per language"):
        read_own_corpus(tmp_path)
    (tmp_path / "readme.json").write_text("{}")
    with pytest.raises(UserError, match="unknown language 'readme'"):
        read_own_corpus(tmp_path)
    folder = write_beir(tmp_path / "beir")
    (folder / "de" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\tx\t1\n")
    with pytest.raises(UserError, match="passage 'x' of question '1' is not in the corpus"):
        read_own_corpus(folder)
    (folder / "de" / "queries.jsonl").unlink()
    with pytest.raises(UserError, match=r"de: has no queries.jsonl"):
        read_own_corpus(folder)


@pytest.mark.parametrize("name", ["XQuADR", "mlqa-r", "a/b", "", "../x", "ü"])
def test_bad_names(name):
    with pytest.raises(UserError, match="name "):
        corpus_from_dataframe(name, pd.DataFrame(ROWS, columns=COLUMNS))


def test_the_digest_follows_every_part():
    frame = pd.DataFrame(ROWS, columns=COLUMNS)
    digests = {corpus_from_dataframe("faq", frame).dataset.revision}
    for row, column in ((0, "query"), (0, "passage"), (4, "id"), (2, "language")):
        changed = frame.copy()
        changed.loc[row, column] = {"id": "1x", "language": "ja"}.get(column, "other")
        digests.add(corpus_from_dataframe("faq", changed).dataset.revision)
    assert len(digests) == 5
