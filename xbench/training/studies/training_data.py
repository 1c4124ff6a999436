"""Training corpora made of datasets: a question and its passage in every language, as a file."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import unknown_name
from xbench.data.datasets import MTOP, PARALLEL_DATASETS, Dataset
from xbench.data.download import DataLocation
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.tasks import TASK_CLASSES
from xbench.tasks.mtop import utterances
from xbench.training.studies.evaluations import Evaluation, TaskEvaluation
from xbench.training.studies.measuring import dataset_of
from xbench.training.studies.measuring_tasks import load_task, task_texts
from xbench.training.study import xnli_pairs

Row = dict[str, str]

XNLI = "XNLI"
MTOP_DEV = "MTOP-dev"


def write_dataset(title: str, path: Path, location: DataLocation) -> None:
    """Write a dataset as a training corpus with a row per question, unless it is there.

    Args:
        title: Title of a parallel dataset; ``MTOP-dev`` for MTOP's development set, whose
            utterances are both query and passage, without those that are in the test set in any
            language; ``XNLI`` for the entailments of XNLI's.
        path: The file.
        location: Where the dataset is; XNLI is a folder ``xnli`` of the local data.

    Raises:
        UserError: If there is no such dataset, or its files are missing.
    """
    if path.exists():
        return
    lines = [json.dumps(row, ensure_ascii=False) for row in _rows(title, location)]
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())


def _rows(title: str, location: DataLocation) -> Iterable[Row]:
    if title == XNLI:
        return xnli_pairs((location.data_dir or location.cache_dir) / "xnli")
    if title == MTOP_DEV:
        return _of_utterances(location)
    found = {own.title: own for own in PARALLEL_DATASETS}
    if title not in found:
        raise unknown_name("dataset", title, [*found, MTOP_DEV, XNLI])
    return _of_corpus(load_corpus(found[title], found[title].languages, location))


def load_corpus(
    dataset: Dataset, languages: tuple[str, ...], location: DataLocation
) -> ParallelCorpus:
    """Return a dataset's questions and passages in some languages.

    Raises:
        UserError: If its files are missing.
    """
    setting = dataset.settings[-1]
    classes = {cls.metadata.name: cls for cls in TASK_CLASSES}
    task: Any = classes[dataset.task_name(setting)](languages=languages, location=location)
    corpus: ParallelCorpus = task.load_corpus(languages or dataset.languages)
    return corpus


def _of_corpus(corpus: ParallelCorpus) -> Iterator[Row]:
    """Yield a row per question: its versions, and the first relevant passage of each language."""
    queries = {a: dict(zip(t.ids, t.texts, strict=True)) for a, t in corpus.queries.items()}
    passages = {a: dict(zip(t.ids, t.texts, strict=True)) for a, t in corpus.passages.items()}
    for question in dict.fromkeys(name for own in corpus.queries.values() for name in own.ids):
        row = {"id": question}
        for code in corpus.languages:
            relevant = corpus.relevant[code].get(question)
            if question in queries[code] and relevant:
                row[f"query_{code}"] = queries[code][question]
                row[f"passage_{code}"] = passages[code][relevant[0]]
        if len(row) > 1:
            yield row


def _of_utterances(location: DataLocation) -> Iterator[Row]:
    """Yield a row per utterance of the development set that the test set does not have."""
    tested = {_folded(own) for _, texts in utterances("test", location) for own in texts.values()}
    for name, texts in utterances("dev", location):
        if not tested.isdisjoint(map(_folded, texts.values())):
            continue
        row = {"id": name}
        for code in MTOP.languages:
            row |= {f"query_{code}": texts[code], f"passage_{code}": texts[code]}
        yield row


def load_evaluation(evaluation: Evaluation, location: DataLocation) -> None:
    """Load the data of an evaluation, so that it is there when models are measured.

    Raises:
        UserError: If it cannot be had.
    """
    if isinstance(evaluation, TaskEvaluation):
        load_task(evaluation)
    else:
        dataset = dataset_of(evaluation)
        load_corpus(dataset, evaluation.languages or dataset.languages, location)


def evaluation_texts(evaluation: Evaluation, location: DataLocation) -> dict[str, set[str]]:
    """Return the texts of an evaluation by role, ``query`` and ``passage``.

    Raises:
        UserError: If its data cannot be had.
    """
    if isinstance(evaluation, TaskEvaluation):
        return task_texts(load_task(evaluation))
    dataset = dataset_of(evaluation)
    corpus = load_corpus(dataset, evaluation.languages or dataset.languages, location)
    return {
        role: {text for texts in own.values() for text in texts.texts}
        for role, own in (("query", corpus.queries), ("passage", corpus.passages))
    }


def common_texts(path: Path, tested: Mapping[str, set[str]]) -> Mapping[str, int]:
    """Count the texts of a training corpus that are in an evaluation, too.

    Texts are compared up to Unicode form, case and white space.

    Args:
        path: A file that `write_dataset` wrote.
        tested: The texts of the evaluation by role.

    Returns:
        ``queries`` and ``passages``: distinct texts of that role in both; and ``training_queries``
        and ``training_passages``, of how many.
    """
    found = {}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for role, plural in (("query", "queries"), ("passage", "passages")):
        trained = {
            _folded(text)
            for row in rows
            for name, text in row.items()
            if name.startswith(f"{role}_")
        }
        found[plural] = len(trained & set(map(_folded, tested[role])))
        found[f"training_{plural}"] = len(trained)
    return found


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
