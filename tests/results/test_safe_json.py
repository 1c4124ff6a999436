"""JSON that anyone may have written: read as Python's own parser reads it, or refused with why."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xbench.results.findings import Notes
from xbench.results.safe_json import DIGITS, OBJECTS, digest_of, parse
from xbench.results.summaries import digest

text = st.text(st.sampled_from('ab:"\\{ é\n\u2028😀'), max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text
documents = st.recursive(
    scalars.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(text, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{json.dumps(k)} : {v}" for k, v in pairs) + "}"
        )
    ),
    max_leaves=12,
)
"""Texts of JSON whose objects may have a key twice."""


class TwiceError(Exception):
    pass


def without_repetition(pairs):
    if len(dict(pairs)) < len(pairs):
        raise TwiceError
    return dict(pairs)


@given(documents)
@example('{"a": ":", "a": 1}')
@example('{"a": 1, "b": [1, {"c": 2, "c": 3}]}')
@example('{"a": {}, "b": {"a": 1}, "a" : ""}')
def test_a_text_is_read_as_by_python_unless_a_key_is_there_twice(content):
    notes = Notes("x.json")
    found = parse(content.encode(), notes)
    try:
        expected = json.loads(content, object_pairs_hook=without_repetition)
    except TwiceError:
        assert found is None
        assert [finding.found for finding in notes.findings] == ["a key twice in one object"]
        return
    assert repr(found) == repr(expected)
    assert not notes.findings


@pytest.mark.parametrize("before", range(7))
def test_a_long_number_is_refused_wherever_it_starts(before):
    for digits, errors in ((DIGITS, 0), (DIGITS + 1, 1)):
        notes = Notes("x.json")
        parse(b'{"a":' + b" " * before + b"7" * digits + b"}", notes)
        assert len(notes.findings) == errors


@pytest.mark.parametrize(
    "content", [b"[" + b"{}," * OBJECTS + b"{}]", b"[" + b"{},[]," * 99 + b"]"]
)
def test_what_is_beyond_the_limits_or_not_json_is_refused(content):
    notes = Notes("x.json")
    assert parse(content, notes) is None
    assert len(notes.findings) == 1


def test_a_digest_is_that_of_the_content_within_the_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(200_000))
    assert digest_of(path, 200_000) == digest(path.read_bytes())
    assert digest_of(path, 199_999) is None
    assert digest_of(tmp_path, 10) is None
    assert digest_of(tmp_path / "missing", 10) is None
