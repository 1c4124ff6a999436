"""Masks, shared passages and duplicates of a table."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xbench.training.corpora import equal_texts
from xbench.training.corpora.pair_index import scan, scan_once
from xbench.training.corpora.presence import unpack

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
    """Merge rows that share a question or a passage until nothing changes."""
    groups = [{i} for i in range(len(rows))]
    for i, row in enumerate(rows):
        for j, other in enumerate(rows):
            shares = any(
                there(a) and a == b
                for side in (slice(0, 2), slice(2, 4))
                for a in row[side]
                for b in other[side]
            )
            if shares and groups[i] is not groups[j]:
                merged = groups[i] | groups[j]
                for k in merged:
                    groups[k] = merged
    return groups


@pytest.mark.integration
@pytest.mark.parametrize("in_memory", [2, equal_texts.IN_MEMORY])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS)
def test_masks_and_groups_are_those_of_the_texts(rows, in_memory, monkeypatch):
    monkeypatch.setattr(equal_texts, "IN_MEMORY", in_memory)
    texts = {c: [row[i] or None for row in rows] for i, c in enumerate(COLUMNS)}
    with tempfile.TemporaryDirectory() as spill:
        made = Dataset.from_dict(texts).cast(_strings())
        found = scan_once(made, ("de", "en"), Path(spill))
    assert unpack(found.queries, 2).tolist() == [[there(r[0]), there(r[1])] for r in rows]
    assert unpack(found.passages, 2).tolist() == [[there(r[2]), there(r[3])] for r in rows]
    groups = connected(rows)
    if all(len(group) == 1 for group in groups):
        assert not len(found.group)
    else:
        same = found.group[:, None] == found.group
        assert [set(np.flatnonzero(row).tolist()) for row in same] == groups


def test_texts_are_equal_up_to_form_case_and_white_space(tmp_path):
    rows = [
        ("q1", "r1", "Die STRASSE", "x1"),
        ("q2", "r2", "p2", "die  Straße ."),
        ("q3", "r3", "p3", "x3"),
        ("Q\u00a03?", "r4", "p4", "x4"),
        ("q 3", "r5", "p5", "x5"),
    ]
    found = scan(table(rows), ("de", "en"), tmp_path)
    assert len(set(found.group[:2])) == 1
    assert len(set(found.group[3:])) == 1
    assert len(set(found.group)) == 3
    assert (found.repeated, found.shared) == (1, 2)


def _strings():
    from datasets import Features, Value

    return Features({column: Value("string") for column in COLUMNS})


def test_a_question_of_an_earlier_row_counts_once_whatever_its_languages(tmp_path):
    rows = [("q", "r", "1", "2"), ("q", "r", "3", "4"), ("s", "q", "5", "6"), ("s", "t", "7", "8")]
    assert scan(table(rows), ("de", "en"), tmp_path).repeated == 3


def test_a_damaged_file_of_masks_is_made_anew(tmp_path):
    data = table([("q", "r", "p", "p"), ("s", "t", "p", "u")])
    first = scan(data, ("de", "en"), tmp_path)
    (kept,) = (tmp_path / "scans").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert scan(data, ("de", "en"), tmp_path).group.tolist() == first.group.tolist()
    assert scan(data, ("de", "en"), tmp_path).queries.tolist() == [[3], [3]]
