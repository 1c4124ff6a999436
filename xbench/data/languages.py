"""Languages: those of the published datasets, and any other, as people write them.

Codes are read with langcodes. Names are in ``languages.tsv``, because those of langcodes come in
another package, of 24 MB.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from xbench._util.errors import UserError


@dataclass(frozen=True)
class Language:
    """A language under its three names.

    Attributes:
        code: ISO 639-1 code, as used in subset names and file names (``ar``); ISO 639-3 where there
            is none (``ceb``); with a script that is not the language's usual one (``zh-Hant``).
        mteb: ISO 639-3 code and ISO 15924 script, as mteb writes it (``ara-Arab``).
        name: English name (``Arabic``).
    """

    code: str
    mteb: str
    name: str


LANGUAGES: Mapping[str, Language] = {
    language.code: language
    for language in (
        Language("ar", "ara-Arab", "Arabic"),
        Language("bn", "ben-Beng", "Bengali"),
        Language("de", "deu-Latn", "German"),
        Language("el", "ell-Grek", "Greek"),
        Language("en", "eng-Latn", "English"),
        Language("es", "spa-Latn", "Spanish"),
        Language("fa", "fas-Arab", "Persian"),
        Language("fi", "fin-Latn", "Finnish"),
        Language("fr", "fra-Latn", "French"),
        Language("hi", "hin-Deva", "Hindi"),
        Language("id", "ind-Latn", "Indonesian"),
        Language("ja", "jpn-Jpan", "Japanese"),
        Language("ko", "kor-Kore", "Korean"),
        Language("ro", "ron-Latn", "Romanian"),
        Language("ru", "rus-Cyrl", "Russian"),
        Language("sw", "swa-Latn", "Swahili"),
        Language("te", "tel-Telu", "Telugu"),
        Language("th", "tha-Thai", "Thai"),
        Language("tr", "tur-Latn", "Turkish"),
        Language("vi", "vie-Latn", "Vietnamese"),
        Language("yo", "yor-Latn", "Yoruba"),
        Language("zh", "zho-Hans", "Chinese"),
    )
}
"""Those of the published datasets, by code."""

SCRIPTS = {"ko": "Hang"}
"""Scripts that are a language's usual one, too."""


@cache
def language(text: str) -> Language:
    """Return the language that a code or an English name stands for.

    Args:
        text: A code of ISO 639 or BCP 47, of the language or of its standard variety, such as
            ``ar``, ``ara``, ``arb_Arab``, ``zh-CN`` or the old ``iw``; or the English name. A
            territory has no effect but that of its script: ``zh-TW`` is ``zh-Hant``.

    Raises:
        UserError: If there is no such language; it names the closest.

    >>> language("el").mteb
    'ell-Grek'
    >>> [language(text).code for text in ("arb", "zh-CN", "eng-Latn", "Greek", "iw", "zho_Hant")]
    ['ar', 'zh', 'en', 'el', 'he', 'zh-Hant']
    """
    if known := LANGUAGES.get(text) or all_languages().get(text):
        return known
    found = by_name().get(text.strip().casefold()) or _by_tag(text.strip())
    if found is None:
        raise UserError(
            f"unknown language {text!r}{_similar(text)}; expected a code such as ar, ara or zh-CN, "
            "or an English name such as Arabic"
        )
    return found


def codes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the code of each language, in order, as `language` finds it.

    Raises:
        UserError: If one is not known.
    """
    return tuple(language(text).code for text in texts)


def chosen_languages(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return which of some languages are wanted, in their order; all if none is.

    Args:
        wanted: Codes of languages, as `codes` returns them. One without a script means all scripts
            of the language where the usual one is not among those known, and the other way round.
        known: Codes to choose from.

    >>> chosen_languages(["zh"], ["de", "zh-Hans", "zh-Hant"])
    ('zh-Hans', 'zh-Hant')
    """
    if not wanted:
        return tuple(known)
    found: set[str] = set()
    for code in wanted:
        same = {own for own in known if own.partition("-")[0] == code.partition("-")[0]}
        found |= {code} if code in same else same
    return tuple(code for code in known if code in found)


def distinct_languages(texts: Iterable[str]) -> dict[str, Language]:
    """Return the language of each text; those of one language that differ in more stay different.

    Args:
        texts: The values of a column of languages, or names of folders, each once.

    Raises:
        UserError: If one is not a language.

    >>> [own.code for own in distinct_languages(["pt-BR", "pt-PT", "German", "de"]).values()]
    ['pt-BR', 'pt-PT', 'de', 'de']
    """
    found = {text: language(text) for text in texts}
    tags: dict[str, dict[str, str]] = {}
    for text, own in found.items():
        tags.setdefault(own.code, {}).setdefault(variety(text), _tag(text) or own.code)
    return {
        text: own
        if len(tags[own.code]) == 1
        else Language(tags[own.code][variety(text)], own.mteb, own.name)
        for text, own in found.items()
    }


@cache
def variety(text: str) -> str:
    """Return a language's tag with its script and territory, the usual ones if none is named.

    Raises:
        UserError: If it is not a language.

    >>> variety("German"), variety("de-AT")
    ('de-Latn-DE', 'de-Latn-AT')
    """
    import langcodes

    code = language(text).code
    return langcodes.Language.get(_tag(text) or code).maximize().to_tag()


@cache
def all_languages() -> Mapping[str, Language]:
    """Return every language that has a name here, by code, and the variants of Belebele's."""
    content = files("xbench.data").joinpath("languages.tsv").read_text("utf-8")
    rows = (Language(*line.split("\t")) for line in content.splitlines()[1:])
    return {own.code: own for own in rows}


@cache
def by_name() -> Mapping[str, Language]:
    """Return every language that has a name here, by its English name in lower case."""
    return {own.name.casefold(): own for own in all_languages().values()}


def _by_tag(text: str) -> Language | None:
    """Return the language of a code, of Arabic for Standard Arabic and the like."""
    import langcodes

    tag = _tag(text)
    if not tag:
        return None
    parsed = langcodes.Language.get(tag)
    code = parsed.language or ""
    usual = langcodes.Language.get(code).maximize()
    own = all_languages().get(code) or Language(
        code, f"{usual.to_alpha3()}-{usual.script or 'Latn'}", code
    )
    script = parsed.maximize().script
    if script in (None, usual.script, SCRIPTS.get(code), own.mteb.partition("-")[2]):
        return own
    return Language(f"{code}-{script}", f"{own.mteb[:3]}-{script}", f"{own.name} ({script})")


def _tag(text: str) -> str:
    """Return the standard form of a language tag, empty if it is not one."""
    import langcodes

    try:
        tag = langcodes.standardize_tag(text.strip(), macro=True)
        parsed = langcodes.Language.get(tag)
        code = parsed.language or ""
        if not (parsed.is_valid() and parsed.to_alpha3()):
            return ""
    except (LookupError, ValueError):
        return ""
    private = len(code) == 3 and "qaa" <= code <= "qtz"
    return "" if private or code in ("mis", "mul", "und", "zxx", "") else tag


def _similar(text: str) -> str:
    """Suggest the language that was probably meant."""
    names = by_name()
    close = difflib.get_close_matches(text.strip().casefold(), names, n=1)
    return f"; did you mean {names[close[0]].name} ({names[close[0]].code})?" if close else ""
