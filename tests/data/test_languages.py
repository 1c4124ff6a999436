"""Languages as people write them."""

from __future__ import annotations

import pytest

from xbench._util.errors import UserError
from xbench.data.languages import LANGUAGES, codes, language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ara", "ar"),
        ("arb", "ar"),
        ("ar-EG", "ar"),
        ("zh-CN", "zh"),
        ("zh_Hans", "zh"),
        ("cmn", "zh"),
        ("ENG", "en"),
        ("swh-Latn", "sw"),
        ("pes", "fa"),
        ("in", "id"),
        (" Greek", "el"),
        ("german", "de"),
    ],
)
def test_codes_and_names(text, code):
    assert language(text).code == code


def test_every_language_is_found_by_its_other_names():
    for own in LANGUAGES.values():
        three_letters = own.mteb.partition("-")[0]
        assert codes((own.mteb, three_letters, own.name)) == (own.code,) * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arabik", r"unknown language 'arabik'; did you mean Arabic \(ar\)\?; known are ar, bn"),
        ("iw", r"unknown language 'iw' \(he\); known are"),
        ("arz", "unknown language 'arz'; known are"),
        ("yue", "unknown language 'yue'; known are"),
        ("xx", "unknown language 'xx'; known are"),
        ("", "unknown language ''; known are"),
        ("not a code", "unknown language 'not a code'; known are"),
    ],
)
def test_unknown_languages(text, message):
    with pytest.raises(UserError, match=message):
        language(text)
