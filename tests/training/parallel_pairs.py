"""Small corpora for tests: texts that say which row and language they are of."""

from __future__ import annotations

import numpy as np
from datasets import Dataset, Features, Value

from xbench.training.corpora.pairs import ParallelPairs
from xbench.training.corpora.presence import pack


def make_pairs(queries, passages=None, *, group=None, languages=None, name="made", negatives=0):
    """Return a corpus from masks: shape (rows, languages), True where there is a text."""
    queries = np.asarray(queries, bool)
    passages = queries if passages is None else np.asarray(passages, bool)
    languages = languages or tuple(
        ["ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh"][: queries.shape[1]]
    )
    columns = {}
    for i, code in enumerate(languages):
        columns[f"query_{code}"] = texts("q", code, queries[:, i])
        columns[f"passage_{code}"] = texts("p", code, passages[:, i])
    features = Features({column: Value("string") for column in columns})
    table = Dataset.from_dict(columns, features=features)
    if negatives:
        for i, code in enumerate(languages):
            own = [
                [f"n{n} {code} {row}" for n in range(negatives)] if there else None
                for row, there in enumerate(passages[:, i])
            ]
            table = table.add_column(f"negatives_{code}", own)
    return ParallelPairs(
        name=name,
        languages=languages,
        table=table,
        queries=pack(queries),
        passages=pack(passages),
        group=None if group is None else np.asarray(group, np.int32),
        negatives=negatives,
        report=None,
    )


def complete(rows, languages=3, **options):
    return make_pairs(np.ones((rows, languages), bool), **options)


def texts(side, code, there):
    return [f"{side} {code} {row}" if present else None for row, present in enumerate(there)]
