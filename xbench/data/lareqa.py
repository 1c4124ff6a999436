"""Reading LAReQA's files: SQuAD's JSON with the sentence breaks of every paragraph."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import Dataset, PassageForm
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
        try:
            paragraphs = list(_paragraphs(json.loads(path.read_bytes())))
            queries[code] = _queries(paragraphs)
            passages[code] = _passages(paragraphs, code, passage_form)
            relevant[code] = _relevant(paragraphs, code)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UserError(
                f"{path}: not in LAReQA's format ({type(error).__name__}: {error}); expected "
                "SQuAD's JSON with sentence_breaks in every paragraph"
            ) from error
    return ParallelCorpus(queries=queries, passages=passages, relevant=relevant)


Paragraph = tuple[str, dict[str, Any]]


def _paragraphs(content: dict[str, Any]) -> Iterator[Paragraph]:
    for a, article in enumerate(content["data"]):
        for p, paragraph in enumerate(article["paragraphs"]):
            yield f"{a}.{p}", paragraph


def _queries(paragraphs: list[Paragraph]) -> Texts:
    questions = [question for _, paragraph in paragraphs for question in paragraph["qas"]]
    return Texts(
        ids=tuple(question["id"] for question in questions),
        texts=tuple(question["question"].strip() for question in questions),
    )


def _passages(paragraphs: list[Paragraph], code: str, passage_form: PassageForm) -> Texts:
    ids, texts = [], []
    for place, paragraph in paragraphs:
        context = paragraph["context"]
        for s, (start, end) in enumerate(paragraph["sentence_breaks"]):
            ids.append(f"{code}.{place}.{s}")
            sentence = context[start:end].strip()
            texts.append(sentence if passage_form == "sentence" else f"{sentence}\n{context}")
    return Texts(ids=tuple(ids), texts=tuple(texts))


def _relevant(paragraphs: list[Paragraph], code: str) -> dict[str, tuple[str, ...]]:
    return {
        question["id"]: tuple(
            dict.fromkeys(
                f"{code}.{place}.{_sentence(paragraph['sentence_breaks'], answer['answer_start'])}"
                for answer in question["answers"]
            )
        )
        for place, paragraph in paragraphs
        for question in paragraph["qas"]
    }


def _sentence(breaks: list[list[int]], position: int) -> int:
    for s, (start, end) in enumerate(breaks):
        if start <= position < end:
            return s
    raise ValueError(f"no sentence contains the answer at character {position}")
