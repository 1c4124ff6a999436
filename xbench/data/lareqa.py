"""Reading LAReQA's files: SQuAD's JSON with the sentence breaks of every paragraph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xbench._util.errors import UserError
from xbench.data.datasets import Dataset, PassageForm
from xbench.data.download import DataLocation, dataset_files
from xbench.data.parallel_corpus import ParallelCorpus, Texts

LAREQA_CITATION = r"""
@inproceedings{roy2020lareqa,
  address = {Online},
  author = {Roy, Uma and Constant, Noah and Al-Rfou, Rami and Barua, Aditya and Phillips, Aaron and
            Yang, Yinfei},
  booktitle = {Proceedings of the 2020 Conference on Empirical Methods in Natural Language
               Processing (EMNLP)},
  doi = {10.18653/v1/2020.emnlp-main.477},
  pages = {5919--5930},
  title = {LAReQA: Language-agnostic answer retrieval from a multilingual pool},
  year = {2020},
}
"""


@lru_cache(maxsize=8)
def load_lareqa(
    dataset: Dataset,
    languages: tuple[str, ...],
    passage_form: PassageForm,
    location: DataLocation,
) -> ParallelCorpus:
    """Return the corpus of some languages of a LAReQA dataset; the tasks of a dataset share it.

    Raises:
        UserError: If a file is missing, damaged or cannot be fetched.
    """
    return read_lareqa(dataset_files(dataset, languages, location), passage_form)


def read_lareqa(files: Mapping[str, Path], passage_form: PassageForm) -> ParallelCorpus:
    """Read one file per language into a parallel corpus.

    A passage is one sentence of a paragraph. The relevant passage of a question is the sentence
    whose [start, end) break contains the start of the answer (LAReQA, arXiv 2004.05484, section
    3.1).

    Args:
        files: File of each language, by ISO 639-1 code.
        passage_form: Whether a passage is the sentence alone or followed by its paragraph.

    Raises:
        UserError: If a file is not in LAReQA's format.
    """
    queries, passages, relevant = {}, {}, {}
    for code, path in files.items():
        paragraphs = [
            (f"{code}.{a}.{p}", paragraph)
            for a, article in enumerate(read_squad_json(path))
            for p, paragraph in enumerate(article.paragraphs)
        ]
        try:
            queries[code] = _queries(paragraphs)
            passages[code] = _passages(paragraphs, passage_form)
            relevant[code] = _relevant(paragraphs)
        except ValueError as error:
            raise UserError(f"{path}: not in LAReQA's format ({error})") from error
    return ParallelCorpus(queries=queries, passages=passages, relevant=relevant)


class Answer(BaseModel):
    """An answer of SQuAD's format: where in the paragraph it starts, in characters."""

    answer_start: int


class Question(BaseModel):
    """A question of SQuAD's format."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    question: str
    answers: list[Answer]


class Paragraph(BaseModel):
    """A paragraph of SQuAD's format, and the start and end of its sentences as LAReQA adds them."""

    context: str
    qas: list[Question]
    sentence_breaks: list[tuple[int, int]] | None = None


class Article(BaseModel):
    """An article of SQuAD's format."""

    paragraphs: list[Paragraph]


class SquadFile(BaseModel):
    """A file of SQuAD's format (arXiv 1606.05250)."""

    data: list[Article]


def read_squad_json(path: Path) -> list[Article]:
    """Return the articles of a file in SQuAD's format.

    Raises:
        UserError: If it is in another format; the first field that is wrong is named.
    """
    try:
        return SquadFile.model_validate(json.loads(path.read_bytes())).data
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path}: not in SQuAD's format ({field}: {first['msg']}; {error.error_count()} such "
            "fields); expected data, paragraphs, and qas with id, question and answers"
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); expected SQuAD's format") from error


Paragraphs = list[tuple[str, Paragraph]]
"""Paragraphs, with the beginning of the ids of their passages."""


def _queries(paragraphs: Paragraphs) -> Texts:
    questions = [question for _, paragraph in paragraphs for question in paragraph.qas]
    return Texts(
        ids=tuple(question.id for question in questions),
        texts=tuple(question.question.strip() for question in questions),
    )


def _passages(paragraphs: Paragraphs, passage_form: PassageForm) -> Texts:
    ids, texts = [], []
    for place, paragraph in paragraphs:
        for s, (start, end) in enumerate(_breaks(place, paragraph)):
            ids.append(f"{place}.{s}")
            sentence = paragraph.context[start:end].strip()
            texts.append(
                sentence if passage_form == "sentence" else f"{sentence}\n{paragraph.context}"
            )
    return Texts(ids=tuple(ids), texts=tuple(texts))


def _relevant(paragraphs: Paragraphs) -> dict[str, tuple[str, ...]]:
    return {
        question.id: tuple(
            dict.fromkeys(
                f"{place}.{_sentence(_breaks(place, paragraph), answer.answer_start)}"
                for answer in question.answers
            )
        )
        for place, paragraph in paragraphs
        for question in paragraph.qas
    }


def _breaks(place: str, paragraph: Paragraph) -> list[tuple[int, int]]:
    if paragraph.sentence_breaks is None:
        raise ValueError(f"no sentence_breaks in paragraph {place}")
    return paragraph.sentence_breaks


def _sentence(breaks: list[tuple[int, int]], position: int) -> int:
    for s, (start, end) in enumerate(breaks):
        if start <= position < end:
            return s
    raise ValueError(f"no sentence contains the answer at character {position}")
