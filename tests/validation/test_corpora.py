"""The table of pools and relevant passages is what the data say.

``python -m tests.validation.test_corpora`` writes the table anew from the data.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xbench.catalogue import DATASETS, MINI
from xbench.plugin import find_task
from xbench.sources import DataLocation
from xbench.validation import corpora

TABLE = Path(corpora.__file__).with_name("corpora.json")


def of_data(dataset, location=None):
    task = find_task(dataset.task_name("multilingual"))(location=location)
    task.load_data()
    corpus = task.corpus_data
    relevant = {
        query_language: {
            passage_language: corpora.digest(
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


def test_the_demonstration_set_is_as_the_table_says():
    assert of_data(MINI) == json.loads(TABLE.read_text())[MINI.prefix]


@pytest.mark.parametrize("dataset", [d for d in DATASETS if d != MINI], ids=lambda d: d.title)
def test_the_real_sets_are_as_the_table_says(dataset, shared_data, tmp_path):
    location = DataLocation(shared_data, tmp_path, offline=True)
    assert of_data(dataset, location) == json.loads(TABLE.read_text())[dataset.prefix]


if __name__ == "__main__":
    TABLE.write_text(json.dumps({d.prefix: of_data(d) for d in DATASETS}, indent=1) + "\n")
