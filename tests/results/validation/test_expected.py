"""The table of pools and relevant passages is what the data say.

``python -m tests.results.validation.test_expected`` writes the table again from the data.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xbench.data.datasets import BELEBELE, DATASETS, MINI, MIRACL, MIRACL_HARD_NEGATIVES
from xbench.data.download import DataLocation
from xbench.data.streamed.miracl_tables import read_qrels
from xbench.evaluation.mteb_plugin import find_task
from xbench.results.validation import expected

TABLED = [dataset for dataset in DATASETS if dataset != BELEBELE]
TABLE = Path(expected.__file__).with_name("corpora.json")


def of_data(dataset, location=None):
    if dataset.streamed:
        return of_judgments(dataset, location.data_dir)
    task = find_task(dataset.task_name("multilingual"))(location=location)
    task.load_data()
    corpus = task.corpus_data
    relevant = {
        query_language: {
            passage_language: expected.digest(
                question
                for question in corpus.queries[query_language].ids
                for _ in corpus.relevant[passage_language].get(question, ())
            )
            for passage_language in dataset.languages
        }
        for query_language in dataset.languages
    }
    passages = {a: len(corpus.passages[a]) for a in dataset.languages}
    return {"passages": passages, "relevant": relevant}


DRAWN = {"ar": 1982, "fi": 1918, "ru": 2833}
"""Relevant passages of the languages of which mteb drew 1000 questions, as its statistics say."""


def of_judgments(dataset, data_dir):
    relevant = {}
    for code in dataset.languages:
        if dataset is MIRACL_HARD_NEGATIVES and code in DRAWN:
            relevant[code] = {code: DRAWN[code]}
            continue
        qrels = read_qrels(data_dir / MIRACL.folder / f"qrels.miracl-v1.0-{code}-dev.tsv")
        ids = [
            f"{code}/{question}"
            for question, judged in qrels.judgments.items()
            for grade in judged.values()
            if grade > 0
        ]
        relevant[code] = {code: expected.digest(ids)}
    return {"passages": dict(dataset.passages), "relevant": relevant}


def test_the_demonstration_set_is_as_the_table_says():
    assert of_data(MINI) == json.loads(TABLE.read_text())[MINI.title]


@pytest.mark.parametrize("dataset", [d for d in TABLED if d != MINI], ids=lambda d: d.title)
def test_the_real_sets_are_as_the_table_says(dataset, shared_data, tmp_path):
    location = DataLocation(shared_data, tmp_path, offline=True)
    assert of_data(dataset, location) == json.loads(TABLE.read_text())[dataset.title]


if __name__ == "__main__":
    own = DataLocation.from_environment()
    TABLE.write_text(json.dumps({d.title: of_data(d, own) for d in TABLED}, indent=1) + "\n")
