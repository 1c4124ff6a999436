"""What text in a result may consist of, so that it reads as what it is, wherever it is shown."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import regex

SCRIPTS = (
    *("Latin", "Greek", "Cyrillic", "Armenian", "Georgian", "Hebrew", "Arabic", "Devanagari"),
    *("Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam"),
    *("Sinhala", "Thai", "Lao", "Myanmar", "Khmer", "Ethiopic", "Tibetan", "Han", "Hiragana"),
    *("Katakana", "Bopomofo", "Hangul", "Common", "Inherited"),
)
"""Scripts in everyday use; letters of others are used to imitate these."""

_FOREIGN = regex.compile("[^" + "".join(r"\p{Script=" + script + "}" for script in SCRIPTS) + "]")
_INVISIBLE = regex.compile(
    r"(?<=[\p{Arabic}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}"
    r"\p{Kannada}\p{Malayalam}\p{Sinhala}\p{M}])[\u200c\u200d](?=[\p{L}\p{M}])(*SKIP)(*FAIL)"
    r"|[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u2800]"
)
_STACKED = regex.compile(r"\p{Script=Inherited}{3}|\p{M}{5}")
_SPACES = regex.compile(r"[^\S \n\t]")
_IMITATED = regex.compile(r"\p{Latin}")
_IMITATORS = regex.compile(r"[\p{Greek}\p{Cyrillic}\p{Armenian}--[µΩ]]", regex.V1)
_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_FORMULA_SIGNS = "\uff1d\uff0b\uff0d\uff20"

HOST = regex.compile(
    r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z]"
)
ADDRESS = regex.compile(r"https://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")

KNOWN_HOSTS = ("huggingface.co", "arxiv.org", "github.com", "doi.org", "aclanthology.org")
"""Hosts that addresses pretend to be."""

PATHS = {
    "huggingface.co": regex.compile(r"(/[A-Za-z0-9][A-Za-z0-9._-]*)+/?"),
    "arxiv.org": regex.compile(
        r"/(abs|pdf|html)/(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?(\.pdf)?"
    ),
}
"""What follows some of these hosts in the address of a model or a publication."""


def why_not_text(text: str, *, lines: bool = False) -> str:
    r"""Return what a text must not have; empty if it is sound.

    Args:
        text: The text.
        lines: Whether it may have line breaks and tabs.

    >>> why_not_text("Frage: "), why_not_text("a\u202eb")
    ('', 'expected text without invisible and control characters')
    """
    plain = text.replace("\n", "").replace("\t", "").replace("\r\n", "") if lines else text
    if plain.isascii() and plain.isprintable():
        return ""
    return _why_not(plain)


@lru_cache(maxsize=10_000)
def _why_not(text: str) -> str:
    if _INVISIBLE.search(text):
        return "expected text without invisible and control characters"
    if _FOREIGN.search(text):
        return "expected letters of a script in everyday use"
    if _STACKED.search(text):
        return "expected no marks on top of marks"
    if _SPACES.search(text):
        return "expected plain spaces"
    if any(_is_styled(character) for character in text):
        return "expected plain letters, digits and signs"
    if not unicodedata.is_normalized("NFC", text):
        return "expected composed letters (Unicode's form NFC)"
    if any(_IMITATED.search(word) and _IMITATORS.search(word) for word in _WORDS.findall(text)):
        return "expected letters of one script in a word"
    return ""


def _is_styled(character: str) -> bool:
    """Return whether a character is another form of an ASCII letter, digit or formula sign."""
    plain = unicodedata.normalize("NFKC", character)
    is_form = plain != character and plain.isascii() and plain.isalnum()
    return is_form or character in _FORMULA_SIGNS


@lru_cache(maxsize=10_000)
def why_not_address(text: str) -> str:
    """Return what is wrong with an https address; empty if nothing is.

    >>> why_not_address("https://huggingface.co/intfloat/e5")
    ''
    >>> why_not_address("https://huggingface.co@evil.example/a")
    'expected an address without a user'
    """
    if not ADDRESS.fullmatch(text):
        return (
            "expected an address that starts with https:// and has no other than ASCII characters"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "expected an address with a host"
    if "@" in parts.netloc:
        return "expected an address without a user"
    if port is not None or parts.netloc != host:
        return "expected a host in small letters and without a port"
    if host.removeprefix("www.") in PATHS and parts.query:
        return f"expected an address of {host} without what follows a question mark"
    return _why_not_host(host) or _why_not_path(host, parts.path)


def _why_not_host(host: str) -> str:
    if not HOST.fullmatch(host) or _is_number(host):
        return "expected a host such as huggingface.co"
    if any(label.startswith("xn--") for label in host.split(".")):
        return "expected a host of Latin letters"
    for known in KNOWN_HOSTS:
        owned = host == known or host.endswith(f".{known}")
        if not owned and (known in host or _is_alike(host.removeprefix("www."), known)):
            return f"expected {known} itself, or a host that does not look like it"
    return ""


def _why_not_path(host: str, path: str) -> str:
    pattern = PATHS.get(host.removeprefix("www."))
    if "//" in path or "/../" in f"{path}/" or "@" in path:
        return "expected a plain path"
    if pattern is not None and not pattern.fullmatch(path):
        return f"expected the path of a page of {host}"
    return ""


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_alike(host: str, known: str) -> bool:
    """Return whether a host is a known one with another ending or a letter changed."""
    name, own = host.rpartition(".")[0], known.rpartition(".")[0]
    return skeleton(name) == skeleton(own) or _one_edit(host, known)


def _one_edit(a: str, b: str) -> bool:
    if abs(len(a) - len(b)) > 1:
        return False
    length = min(len(a), len(b))
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), length)
    rest = a[start:], b[start:]
    return a != b and any(rest[0][i:] == rest[1][j:] for i, j in ((1, 1), (0, 1), (1, 0)))


_ALIKE = (
    ("rn", "m"),
    ("vv", "w"),
    ("cl", "d"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("_", "-"),
    (".", "-"),
)


def skeleton(name: str) -> str:
    """Return what names that are easily taken for each other have in common.

    >>> skeleton("org/Model_l") == skeleton("0rg/rnodel-1")
    True
    """
    name = name.casefold()
    for found, same in _ALIKE:
        name = name.replace(found, same)
    return name
