import json

import pytest

from xbench._util.errors import UserError
from xbench.data.datasets import MLQA_R, XQUAD_R
from xbench.data.download import DataLocation
from xbench.data.lareqa import load_lareqa, read_lareqa

# "Ann ran. Bob sat." : sentences [0, 8) and [9, 17).
PARAGRAPH = {
    "context": "Ann ran. Bob sat.",
    "sentence_breaks": [[0, 8], [9, 17]],
    "qas": [
        {"id": "q1", "question": " Who sat? ", "answers": [{"answer_start": 9, "text": "Bob"}]},
        {"id": "q2", "question": "Who ran?", "answers": [{"answer_start": 0, "text": "Ann"}]},
    ],
}


def write(tmp_path, paragraph):
    path = tmp_path / "en.json"
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))
    return {"en": path}


def test_a_passage_is_a_sentence(tmp_path):
    corpus = read_lareqa(write(tmp_path, PARAGRAPH), "sentence")
    assert corpus.passages["en"].texts == ("Ann ran.", "Bob sat.")
    assert corpus.queries["en"].texts == ("Who sat?", "Who ran?")
    assert corpus.relevant["en"] == {"q1": ("en.0.0.1",), "q2": ("en.0.0.0",)}


def test_a_passage_with_its_context(tmp_path):
    corpus = read_lareqa(write(tmp_path, PARAGRAPH), "context")
    assert corpus.passages["en"].texts[1] == "Bob sat.\nAnn ran. Bob sat."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sentence_breaks": [[0, 8]]}, "LAReQA.*no sentence contains the answer at character 9"),
        ({"sentence_breaks": None}, r"LAReQA.*no sentence_breaks in paragraph en\.0\.0"),
        ({"context": None}, r"SQuAD.*data\.0\.paragraphs\.0\.context: Input should be"),
        ({"qas": [{"question": "x"}]}, r"data\.0\.paragraphs\.0\.qas\.0\.id: Field required; 2"),
    ],
)
def test_another_format_is_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=rf"en\.json: not in .*{message}"):
        read_lareqa(write(tmp_path, {**PARAGRAPH, **change}), "sentence")


COUNTS = {
    XQUAD_R: {
        "ar": (1190, 1222), "de": (1190, 1276), "el": (1190, 1234), "en": (1190, 1180),
        "es": (1190, 1215), "hi": (1190, 1244), "ru": (1190, 1219), "th": (1190, 852),
        "tr": (1190, 1167), "vi": (1190, 1209), "zh": (1190, 1196),
    },
    MLQA_R: {
        "ar": (517, 2545), "de": (512, 2362), "en": (1148, 6264), "es": (500, 1787),
        "hi": (507, 2426), "vi": (511, 2828), "zh": (504, 2322),
    },
}  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize("dataset", COUNTS, ids=lambda dataset: dataset.title)
def test_counts_of_the_real_sets(dataset, shared_data, tmp_path):
    location = DataLocation(shared_data, tmp_path, offline=True)
    corpus = load_lareqa(dataset, dataset.languages, "sentence", location)
    counts = {a: (len(corpus.queries[a]), len(corpus.passages[a])) for a in corpus.languages}
    assert counts == COUNTS[dataset]
    for code in corpus.languages:
        assert set(corpus.relevant[code]) == set(corpus.queries[code].ids)
        assert all(len(passages) == 1 for passages in corpus.relevant[code].values())


def test_an_mlqa_question_exists_in_two_to_four_languages(shared_data, tmp_path):
    location = DataLocation(shared_data, tmp_path, offline=True)
    corpus = load_lareqa(MLQA_R, MLQA_R.languages, "sentence", location)
    everywhere = [q for code in corpus.languages for q in corpus.queries[code].ids]
    assert {everywhere.count(question) for question in set(everywhere)} == {2, 3, 4}
