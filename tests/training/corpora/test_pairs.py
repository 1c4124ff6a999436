"""Masks, shared passages and duplicates of a table."""

from __future__ import annotations

import numpy as np
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from xbench.training.corpora.pair_index import _scan, scan

TEXTS = st.sampled_from(["a", "b", "c", "d", "e", "f", "", " ", None])
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=12)
COLUMNS = ("query_de", "query_en", "passage_de", "passage_en")


def table(rows) -> Dataset:
    return Dataset.from_dict(
        {c: list(own) for c, own in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
    )


def there(text) -> bool:
    return bool(text and text.strip())


def connected(rows) -> list[set[int]]:
    """Merge rows that share a passage until nothing changes."""
    groups = [{i} for i in range(len(rows))]
    for i, row in enumerate(rows):
        for j, other in enumerate(rows):
            shares = any(there(a) and a == b for a, b in zip(row[2:], other[2:], strict=True))
            if shares and groups[i] is not groups[j]:
                merged = groups[i] | groups[j]
                for k in merged:
                    groups[k] = merged
    return groups


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_masks_and_groups_are_those_of_the_texts(rows):
    texts = {c: [row[i] or None for row in rows] for i, c in enumerate(COLUMNS)}
    found = _scan(Dataset.from_dict(texts).cast(_strings()), ("de", "en"))
    assert found.queries.tolist() == [there(r[0]) + 2 * there(r[1]) for r in rows]
    assert found.passages.tolist() == [there(r[2]) + 2 * there(r[3]) for r in rows]
    groups = connected(rows)
    if all(len(group) == 1 for group in groups):
        assert not len(found.passage_group)
    else:
        same = found.passage_group[:, None] == found.passage_group
        assert [set(np.flatnonzero(row).tolist()) for row in same] == groups


def _strings():
    from datasets import Features, Value

    return Features({column: Value("string") for column in COLUMNS})


def test_a_question_of_an_earlier_row_counts_once_whatever_its_languages(tmp_path):
    rows = [("q", "r", "1", "2"), ("q", "r", "3", "4"), ("s", "q", "5", "6"), ("s", "t", "7", "8")]
    assert scan(table(rows), ("de", "en"), tmp_path).repeated == 2


def test_a_damaged_file_of_masks_is_made_anew(tmp_path):
    data = table([("q", "r", "p", "p"), ("s", "t", "p", "u")])
    first = scan(data, ("de", "en"), tmp_path)
    (kept,) = (tmp_path / "scans").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert scan(data, ("de", "en"), tmp_path).passage_group.tolist() == first.passage_group.tolist()
    assert scan(data, ("de", "en"), tmp_path).queries.tolist() == [3, 3]
