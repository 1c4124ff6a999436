"""Whatever a file holds, a check ends with findings."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.results.validation.conftest import MULTILINGUAL, WITHOUT_SUMMARIES, Submission
from xbench._util.errors import UserError
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.validation import check_summarised, read_imported, read_upstream
from xbench.results.validation.report import as_json, as_markdown, as_text

pytestmark = pytest.mark.slow

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def spoilt(sound, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzed") / "results"
    return Submission(Path(shutil.copytree(sound, folder, ignore=WITHOUT_SUMMARIES)))


@pytest.fixture(scope="module")
def originals(spoilt):
    return {
        path: path.read_bytes()
        for path in (spoilt.result, spoilt.ranks, spoilt.meta, spoilt.settings)
    }


def places(document, path=()):
    """List the paths of all values, of long lists the first two."""
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document[:2]):
            yield from places(value, (*path, index))


def replaced(document, path, value):
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


def check_shows(submission):
    found = submission.check()
    for shown in (as_text([found]), as_json([found]), as_markdown([found])):
        shown.encode()
    return found


def main_scores(result):
    return {entry["hf_subset"]: entry["main_score"] for entry in result["scores"]["test"]}


@fuzzed
@given(data=st.data())
def test_any_value_in_any_field_is_a_finding_or_harmless(spoilt, originals, data):
    path = data.draw(st.sampled_from(list(originals)))
    content = originals[path]
    if path == spoilt.ranks:
        content = gzip.decompress(content)
    if path == spoilt.settings:
        line = next(x for x in content.splitlines() if MULTILINGUAL.encode() in x)
        content = line
    document = json.loads(content)
    place = data.draw(st.sampled_from(list(places(document))))
    text = json.dumps(replaced(document, place, data.draw(values))).encode()
    try:
        path.write_bytes(gzip.compress(text, 1) if path == spoilt.ranks else text)
        found = check_shows(spoilt)
        if found.accepted:
            assert main_scores(found.result) == main_scores(json.loads(originals[spoilt.result]))
    finally:
        path.write_bytes(originals[path])


@fuzzed
@given(data=st.data())
def test_any_byte_flipped_is_a_finding_or_harmless(spoilt, originals, data):
    path = data.draw(st.sampled_from(list(originals)))
    content = bytearray(originals[path])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        path.write_bytes(content)
        check_shows(spoilt)
    finally:
        path.write_bytes(originals[path])


@fuzzed
@given(content=st.binary(max_size=200) | values.map(lambda v: json.dumps(v).encode()))
def test_any_content_of_an_upstream_file_is_a_finding(tmp_path, content):
    folder = tmp_path / "org__model" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "XQuADRetrieval.json"
    path.write_bytes(content)
    (folder / "model_meta.json").write_bytes(content)
    rows, findings = read_upstream(path, tmp_path)
    assert not rows
    assert any(not finding.warning for finding in findings)


@fuzzed
@given(content=st.binary(max_size=200) | values.map(lambda v: json.dumps(v).encode()))
def test_any_content_of_an_imported_file_is_an_error_of_the_user(tmp_path, content):
    path = tmp_path / "mteb.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="mteb"):
        read_imported(path)


@fuzzed
@given(data=st.data())
def test_any_content_of_a_summary_ends_with_findings(sound, tmp_path_factory, data):
    root = tmp_path_factory.getbasetemp() / "summarised"
    submission = Submission(root)
    if not root.exists():
        shutil.copytree(sound, root)
    path = submission.folder / f"{MULTILINGUAL}{SUMMARY_SUFFIX}"
    content = (sound / path.relative_to(root)).read_bytes()
    document = json.loads(gzip.decompress(content))
    changed = replaced(
        document, data.draw(st.sampled_from(list(places(document)))), data.draw(values)
    )
    path.write_bytes(gzip.compress(json.dumps(changed).encode()))
    check_summarised(submission.result, root)
    accepted = check_shows(submission).accepted
    assert accepted or json.dumps(changed) != json.dumps(document)
