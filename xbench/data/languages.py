"""The languages of the benchmark: ISO 639-1 code, mteb's code and English name.

Other codes for them are read with langcodes. The few names are here, because those of langcodes
come in another package, of 24 MB.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from xbench._util.errors import UserError


@dataclass(frozen=True)
class Language:
    """A language under its three names.

    Attributes:
        code: ISO 639-1 code, as used in subset names and file names (``ar``).
        mteb: ISO 639-3 code and ISO 15924 script, as mteb writes it (``ara-Arab``).
        name: English name (``Arabic``).
    """

    code: str
    mteb: str
    name: str


LANGUAGES = {
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


BY_NAME = {language.name.casefold(): language for language in LANGUAGES.values()}


def language(text: str) -> Language:
    """Return the language that a code or an English name stands for.

    Args:
        text: A code of ISO 639 or BCP 47, of the language or of its standard variety, such as
            ``ar``, ``ara``, ``arb`` or ``ar-EG``; mteb's code; or the English name. A script or a
            territory has no effect.

    Raises:
        UserError: If it is not one of `LANGUAGES`.

    >>> language("el").mteb
    'ell-Grek'
    >>> [language(text).code for text in ("arb", "zh-Hans", "eng-Latn", "Greek")]
    ['ar', 'zh', 'en', 'el']
    """
    if text in LANGUAGES:
        return LANGUAGES[text]
    code = _iso_639(text)
    found = BY_NAME.get(text.strip().casefold()) or LANGUAGES.get(code)
    if found is None:
        meaning = f" ({code})" if code not in ("", text) else ""
        raise UserError(
            f"unknown language {text!r}{meaning}{_similar(text)}; known are {', '.join(LANGUAGES)}"
        )
    return found


def codes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ISO 639-1 code of each language, in order, as `language` finds it.

    Raises:
        UserError: If one is not known.
    """
    return tuple(language(text).code for text in texts)


def _iso_639(text: str) -> str:
    """Return the shortest code of a language, of Arabic for Standard Arabic and the like."""
    import langcodes

    try:
        tag = langcodes.standardize_tag(text.strip(), macro=True)
        return langcodes.Language.get(tag).language or ""
    except (LookupError, ValueError):
        return ""


def _similar(text: str) -> str:
    """Suggest the language that was probably meant."""
    close = difflib.get_close_matches(text.strip().casefold(), BY_NAME, n=1)
    return f"; did you mean {BY_NAME[close[0]].name} ({BY_NAME[close[0]].code})?" if close else ""
