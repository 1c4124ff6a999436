"""The languages of the benchmark: ISO 639-1 code, mteb's code and English name."""

from __future__ import annotations

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


def language(code: str) -> Language:
    """Return the language with an ISO 639-1 code.

    Raises:
        UserError: If the code is not one of `LANGUAGES`.

    >>> language("el").mteb
    'ell-Grek'
    """
    if code not in LANGUAGES:
        raise UserError(f"unknown language {code!r}; known are {', '.join(LANGUAGES)}")
    return LANGUAGES[code]
