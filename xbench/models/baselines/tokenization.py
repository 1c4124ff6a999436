"""Tokenization of text in any language, for lexical retrieval.

One set of rules covers every script: `normalize` folds away spelling variants, `tokenize` then
cuts words where the script marks them and character bigrams where it does not, and reduces the
words to stems where the Snowball project has a stemmer for the language.
"""

from __future__ import annotations

import importlib
import unicodedata
from functools import lru_cache
from itertools import pairwise

import regex

_STEMMERS = {
    "ar": "Arabic",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "ru": "Russian",
    "tr": "Turkish",
}
"""Snowball stemming algorithm by ISO 639-1 language code."""

_CODE = regex.compile(r"([a-z]{2,3}(?:-[A-Z][a-z]{3})?)(?:-(?:[A-Z]{2}|\d{3}))?")
"""A code, with the part that decides how words are stemmed: all but the territory."""

_DOTLESS_I, _DOTTED_CAPITAL_I = "\u0131", "\u0130"
_TEH_MARBUTA, _HEH = "\u0629", "\u0647"

_LETTER_VARIANTS = str.maketrans(
    # Greek tonos and dialytika (Lucene's GreekLowerCaseFilter).
    "άέήίόύώϊϋΐΰ"
    # Arabic alef with madda or hamza, and dotless yeh (Lucene's ArabicNormalizer).
    "\u0622\u0623\u0625\u0649",
    "αεηιουωιυιυ\u0627\u0627\u0627\u064a",
    # Arabic tatweel and harakat.
    "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652",
)

# A zero-width space separates words, and so does a zero-width non-joiner between Arabic letters
# (as Persian uses it); every other invisible character may stand inside a word.
_IGNORABLE = regex.compile(
    r"(?V1)(?<!\p{scx=Arabic})\u200c|[\p{Default_Ignorable_Code_Point}--[\u200b\u200c]]"
)
_NON_ASCII_DIGIT = regex.compile(r"(?V1)[\p{Nd}--[0-9]]")

# Script_Extensions also assigns the shared kana length mark and iteration marks. Runs of the two
# families are kept apart: no bigram spans, say, a Chinese and a Thai character.
_CJK = r"[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]&&[\p{L}\p{N}]]"
_SOUTHEAST_ASIAN = r"[[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&[\p{L}\p{N}]]"
_RUN = regex.compile(
    rf"""(?V1)(?x)
    (?P<unspaced> (?:{_CJK}\p{{M}}*)+ | (?:{_SOUTHEAST_ASIAN}\p{{M}}*)+ )
    | (?:[[\p{{L}}\p{{N}}]--{_CJK}--{_SOUTHEAST_ASIAN}]\p{{M}}*)+
    """
)
_GRAPHEME_CLUSTER = regex.compile(r"\X")


def tokenize(text: str, language: str | None = None) -> list[str]:
    """Split a text into normalized index terms, in reading order.

    Words are runs of letters, combining marks and digits, stemmed by the language's Snowball
    algorithm if there is one. Runs of a script written without spaces between words (Han, kana,
    Thai, Lao, Khmer, Myanmar) become overlapping bigrams of grapheme clusters, and a run of one
    cluster a unigram, as in Lucene's CJKAnalyzer. The script decides this, not the language, so
    mixed text is handled too. No stop words are removed: inverse document frequency discounts them.

    Args:
        text: Text in any script.
        language: Code of the text's language, such as ``en``, ``ceb``, ``pt-BR`` or ``zh-Hant``, or
            None if unknown: no stemming then.

    Returns:
        The terms, repeated as often as they occur.

    Raises:
        ValueError: If `language` does not have the form of a code.

    >>> tokenize("The Panthers' defenses", "en")
    ['the', 'panther', 'defens']
    >>> tokenize("NFL的黑豹隊")
    ['nfl', '的黑', '黑豹', '豹隊']
    """
    if language is not None:
        match = _CODE.fullmatch(language)
        if match is None:
            raise ValueError(f"language must be a code such as 'en' or 'pt-BR', not {language!r}")
        language = match[1]
    terms: list[str] = []
    for run in _RUN.finditer(normalize(text, language)):
        if run["unspaced"]:
            clusters = _grapheme_clusters(run[0])
            terms += [first + second for first, second in pairwise(clusters)] or clusters
        else:
            terms.append(_stem(run[0], language))
    return terms


def normalize(text: str, language: str | None = None) -> str:
    r"""Fold the variants in which a word may be written into one form.

    Applies Unicode NFKC and full case folding, writes every decimal digit in ASCII, removes
    invisible formatting characters, Greek tonos and dialytika, Arabic tatweel and harakat, and
    unifies the Arabic variants of alef and of yeh. Other accents are kept.

    Args:
        text: Text in any script.
        language: ISO 639-1 code of the text's language. For 'tr', capital I without a dot becomes
            dotless; capital I with a dot becomes an ordinary i in every language.

    >>> normalize("Straße ΑΘΉΝΑ \u0662\u0660")
    'strasse αθηνα 20'
    >>> normalize("DİYARBAKIR", "tr") == "diyarbak\u0131r"
    True
    """
    text = _IGNORABLE.sub("", unicodedata.normalize("NFKC", text))
    text = text.replace(_DOTTED_CAPITAL_I, "i")
    if language == "tr":
        text = text.replace("I", _DOTLESS_I)
    text = unicodedata.normalize("NFKC", text.casefold()).translate(_LETTER_VARIANTS)
    return str(_NON_ASCII_DIGIT.sub(_ascii_digit, text))


def _grapheme_clusters(unspaced: str) -> list[str]:
    """Split a run of an unspaced script; each letter without a mark is a cluster by itself."""
    return list(unspaced) if unspaced.isalnum() else _GRAPHEME_CLUSTER.findall(unspaced)


def _ascii_digit(match: regex.Match[str]) -> str:
    return str(unicodedata.decimal(match[0], match[0]))


@lru_cache(maxsize=2**18)
def _stem(word: str, language: str | None) -> str:
    """Reduce a normalized word to its stem.

    Teh marbuta is unified with heh last, unlike in Lucene's ArabicAnalyzer: Snowball's algorithm,
    unlike Lucene's stemmer, needs to see it to match a noun with and without the article.

    >>> _stem("جامعة", "ar") == _stem("الجامعة", "ar")
    True
    """
    algorithm = _STEMMERS.get(language or "")
    if algorithm is not None:
        # The classes directly: `snowballstemmer.stemmer` hands over to whichever version of
        # PyStemmer is installed, and the same text would not give the same terms everywhere.
        module = importlib.import_module(f"snowballstemmer.{algorithm.lower()}_stemmer")
        word = getattr(module, f"{algorithm}Stemmer")().stemWord(word) or word
    return word.replace(_TEH_MARBUTA, _HEH)
