"""Languages as people write them."""

from __future__ import annotations

import pytest

from xbench._util.errors import UserError
from xbench.data.languages import (
    LANGUAGES,
    all_languages,
    chosen_languages,
    codes,
    distinct_languages,
    language,
)


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
        ("iw", "he"),
        ("arz", "arz"),
        ("yue", "yue"),
        ("hebrew", "he"),
        ("arb_Arab", "ar"),
        ("arb_Latn", "ar-Latn"),
        ("zh-TW", "zh-Hant"),
        ("zho_Hant", "zh-Hant"),
        ("kor_Hang", "ko"),
    ],
)
def test_codes_and_names(text, code):
    assert language(text).code == code


def test_every_language_is_found_by_its_other_names():
    for own in LANGUAGES.values():
        three_letters = own.mteb.partition("-")[0]
        assert codes((own.mteb, three_letters, own.name)) == (own.code,) * 3


@pytest.mark.parametrize("text", ["arabik", "xx", "", "not a code", "42", "qaa", "und", "mul"])
def test_unknown_languages(text):
    with pytest.raises(UserError, match=f"unknown language '{text}'.*; expected a code such as ar"):
        language(text)


def test_the_closest_name_is_suggested():
    with pytest.raises(UserError, match=r"did you mean Portuguese \(pt\)\?"):
        language("Portugese")


def test_every_language_has_the_codes_that_mteb_knows():
    from mteb.languages.iso_mappings import ISO_TO_LANGUAGE, ISO_TO_SCRIPT

    for own in [*all_languages().values(), language("arb_Latn"), language("zh-TW")]:
        code, script = own.mteb.split("-")
        assert code in ISO_TO_LANGUAGE
        assert script in ISO_TO_SCRIPT
    names = [own.name for own in all_languages().values()]
    assert len(set(names)) == len(names)
    assert {code: all_languages()[code] for code in LANGUAGES} == LANGUAGES


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["German", "deu_Latn", "de", "de-DE"], ["de"] * 4),
        (["zh-CN", "zh", "zh-TW", "zho_Hant"], ["zh", "zh", "zh-Hant", "zh-Hant"]),
        (["pt-PT", "pt-BR", "pt"], ["pt-PT", "pt-BR", "pt-BR"]),
        (["en-GB"], ["en"]),
    ],
)
def test_varieties_stay_different_only_where_there_are_several(texts, expected):
    assert [own.code for own in distinct_languages(texts).values()] == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], ("ar", "pt-BR", "pt-PT", "zh")),
        (["pt"], ("pt-BR", "pt-PT")),
        (["pt-PT", "ar"], ("ar", "pt-PT")),
        (["zh-Hant"], ("zh",)),
        (["de"], ()),
    ],
)
def test_chosen_languages(wanted, expected):
    assert chosen_languages(wanted, ["ar", "pt-BR", "pt-PT", "zh"]) == expected
