"""The paragraph and article of every question; `python -m tests.data.test_groups` renews them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from xbench._util.errors import UserError
from xbench.data.datasets import MINI, MLQA_R, XQUAD_R
from xbench.data.download import DataLocation, dataset_files
from xbench.data.groups import question_groups
from xbench.data.lareqa import read_squad_json

TABLE = Path(str(files("xbench.data") / "question_groups.json"))
SHIPPED = Path(str(files("xbench.tasks") / "data" / "mini.jsonl"))


def articles(path: Path) -> list[list[list[str]]]:
    """The questions of each paragraph of each article; the shipped set has paragraphs only."""
    if path.suffix == ".json":
        return [
            [[question.id for question in paragraph.qas] for paragraph in article.paragraphs]
            for article in read_squad_json(path)
        ]
    found: dict[str, list[str]] = {}
    for row in map(json.loads, path.read_text("utf-8").splitlines()):
        found.setdefault(row["paragraph"], []).append(row["id"])
    return [[questions] for questions in found.values()]


def text(table: dict[str, list[list[list[str]]]]) -> str:
    """A line per article."""
    parts = [
        f"{json.dumps(title)}: [\n" + ",\n".join(map(json.dumps, own)) + "\n]"
        for title, own in table.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def made_again(location: DataLocation) -> str:
    """The table, from English files, which have all questions, and from the shipped set."""
    english = {d.title: dataset_files(d, ("en",), location)["en"] for d in (XQUAD_R, MLQA_R)}
    sources = english | {MINI.title: SHIPPED}
    return text({title: articles(path) for title, path in sources.items()})


def test_the_table_follows_from_the_published_files(shared_data, location):
    assert made_again(location) == TABLE.read_text()


@pytest.mark.parametrize("dataset", [XQUAD_R, MLQA_R], ids=lambda d: d.title)
def test_every_language_has_the_same_articles(dataset, shared_data, location):
    for path in dataset_files(dataset, dataset.languages, location).values():
        for article in articles(path):
            ids = [question for paragraph in article for question in paragraph]
            assert len(set(question_groups(dataset.title, ids))) == 1


@pytest.mark.parametrize(
    ("dataset", "questions", "in_paragraphs", "in_articles"),
    [(XQUAD_R, 1190, 240, 48), (MLQA_R, 1148, 978, 520), (MINI, 48, 12, 12)],
    ids=lambda own: getattr(own, "title", ""),
)
def test_how_many_there_are(dataset, questions, in_paragraphs, in_articles):
    for unit, number in zip(
        ("question", "paragraph", "article"), (questions, in_paragraphs, in_articles), strict=True
    ):
        found = question_groups(dataset.task_name("monolingual"), unit=unit)
        assert len(found) == questions
        assert sorted(set(found.tolist())) == list(range(number))


def test_questions_of_one_paragraph_are_together():
    ids = ["rivers-1", "unknown", "rivers-2", "else"]
    assert question_groups("XBench-Mini", ids).tolist() == [0, 1, 0, 2]
    assert question_groups("XBench-Mini", ids, "question").tolist() == [0, 1, 2, 3]


def test_a_set_of_which_nothing_is_known():
    assert question_groups("MIRACL", ["3", "1", "2"]).tolist() == [0, 1, 2]
    assert question_groups("mine", ["a", "b", "c"]).tolist() == [0, 1, 2]


def test_groups_of_an_own_corpus():
    own = {"a": "first", "c": "first", "d": "b"}
    assert question_groups("mine", ["a", "b", "c", "d"], groups=own).tolist() == [0, 1, 0, 2]


def test_another_unit_is_refused():
    with pytest.raises(UserError, match="resample: 'book'; expected one of article, paragraph"):
        question_groups("XQuAD-R", ["a"], "book")


if __name__ == "__main__":
    TABLE.write_text(made_again(DataLocation.from_environment()))
