"""Reading Belebele's files: a question and the passage that answers it in every line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xbench._util.errors import UserError
from xbench.data.belebele_tags import PASSAGES, QUESTIONS, TAGS
from xbench.data.datasets import BELEBELE
from xbench.data.download import DataLocation
from xbench.data.fetch import RemoteFile
from xbench.data.hub_dataset import HubDataset
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.data.text_files import opened

_FOLDER = "data"


class Line(BaseModel):
    """What is read of a line.

    Attributes:
        link: Where the passage is from, which is the same in all languages.
        question_number: Number of the question among those of the passage.
        flores_passage: The passage.
        question: The question.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    link: str
    question_number: str
    flores_passage: str
    question: str


@lru_cache(maxsize=4)
def load_belebele(languages: tuple[str, ...], location: DataLocation) -> ParallelCorpus:
    """Return the corpus of some languages; the tasks share it.

    Args:
        languages: Codes, as in the catalogue.
        location: With ``data_dir``: a folder that has ``facebook/belebele``, a clone of the
            repository.

    Raises:
        UserError: If a file is missing, malformed or cannot be fetched.
    """
    return read_belebele({code: _file(code, location) for code in languages})


def belebele_remote_files(languages: tuple[str, ...], location: DataLocation) -> list[RemoteFile]:
    """Return the files on the hub that some languages are read from.

    Raises:
        UserError: If the hub cannot be asked for them.
    """
    hub = HubDataset.at(BELEBELE.hub, BELEBELE.revision, location)
    there = {file.path.stem: file for file in hub.files(_FOLDER)}
    return [there[TAGS[code]] for code in languages]


def _file(code: str, location: DataLocation) -> Path:
    path = Path(_FOLDER) / f"{TAGS[code]}.jsonl"
    if location.data_dir is not None:
        return location.data_dir / BELEBELE.hub / path
    hub = HubDataset.at(BELEBELE.hub, BELEBELE.revision, location)
    if (snapshot := hub.snapshot(_FOLDER)) is not None:
        return snapshot / path
    (file,) = belebele_remote_files((code,), location)
    return hub.fetched(file)


def read_belebele(files: Mapping[str, Path]) -> ParallelCorpus:
    """Read one file per language into a parallel corpus.

    A question's id is that of its passage and its number, in every language; the relevant passage
    is the one that it was asked of.

    Args:
        files: File of each language, by code.

    Raises:
        UserError: If a line is malformed, or contradicts another.
    """
    queries, passages, relevant = {}, {}, {}
    for code, path in files.items():
        texts, asked = _read(path)
        queries[code] = Texts(tuple(asked), tuple(asked.values()))
        passages[code] = Texts(tuple(f"{code}.{own}" for own in texts), tuple(texts.values()))
        relevant[code] = {question: (f"{code}.{passage_of(question)}",) for question in asked}
    return ParallelCorpus(queries, passages, relevant)


def passage_of(question: str) -> str:
    """Return the id of the passage that a question was asked of, the same in all languages."""
    return question.partition(".")[0]


def _read(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the passages and the questions of a language, by id."""
    passages: dict[str, str] = {}
    questions: dict[str, str] = {}
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                row = Line.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(map(str, first["loc"])) or "the line"
                raise UserError(
                    f"{path}: line {number}: {field}: {first['msg']}; expected a line of Belebele "
                    "with link, question_number, flores_passage and question. Fetch the file again"
                ) from error
            passage = hashlib.sha256(row.link.encode()).hexdigest()[:12]
            question = f"{passage}.{row.question_number}"
            text = passages.setdefault(passage, row.flores_passage.strip())
            if text != row.flores_passage.strip() or question in questions:
                raise UserError(
                    f"{path}: line {number}: link {row.link!r} has two passages, or two questions "
                    f"with number {row.question_number}; expected one. Fetch the file again"
                )
            questions[question] = row.question.strip()
    found = (len(questions), len(passages))
    if found != (QUESTIONS, PASSAGES):
        raise UserError(
            f"{path}: {found[0]} questions and {found[1]} passages; expected {QUESTIONS} and "
            f"{PASSAGES}. Fetch the file again"
        )
    return passages, questions
