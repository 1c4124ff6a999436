"""Perturbed queries: typing errors, letter case, diacritics and code-switching, by a seed.

Texts are changed by grapheme clusters (Unicode UAX 29), so that no cluster is ever broken or merged
with its neighbour. The changes of a text follow from the seed, the perturbation, the language and
the text alone: equal texts change equally, wherever they occur.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import regex

from xbench._util.errors import UserError, did_you_mean
from xbench.data.graphemes import clusters, number_of
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.data.typing_errors import with_typing_errors

UNSPACED = regex.compile(r"[\p{Han}\p{Thai}\p{Hiragana}\p{Katakana}\p{Lao}\p{Khmer}\p{Myanmar}]")
MARKED = regex.compile(r"[\p{Latin}\p{Greek}\p{Arabic}\p{Hebrew}]")
"""Scripts whose combining marks are left away by people who type fast."""

WITH_TRANSLATIONS = "codeswitch"
"""The kind that needs the text in other languages."""

Generator = np.random.Generator


@dataclass(frozen=True)
class Perturbation:
    """What is done to a text.

    Attributes:
        kind: Name in `KINDS`.
        rate: Share of letters (typo, case, diacritics) or of words (codeswitch) that change.
    """

    kind: str
    rate: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(
                f"perturb: unknown kind {self.kind!r}; expected one of {', '.join(KINDS)}"
                f"{did_you_mean(self.kind, KINDS)}"
            )
        if not 0 <= self.rate <= 1:
            raise UserError(f"perturb: rate of {self.kind} is {self.rate}; expected 0 to 1")

    def __str__(self) -> str:
        return f"{self.kind}:{self.rate:g}"


def parse_perturbations(texts: Sequence[str]) -> tuple[Perturbation, ...]:
    """Return perturbations by how a user writes them.

    Raises:
        UserError: If a kind is unknown or a rate is not a number from 0 to 1.

    >>> parse_perturbations(["typo:0.1"])
    (Perturbation(kind='typo', rate=0.1),)
    """
    found = []
    for text in texts:
        kind, _, rate = text.partition(":")
        try:
            found.append(Perturbation(kind, float(rate)))
        except ValueError as error:
            raise UserError(f"perturb: {text!r}; expected a kind and a rate as in typo:0.1") from (
                error
            )
    return tuple(found)


def perturb(
    texts: Sequence[str],
    perturbations: Sequence[str],
    language: str = "en",
    seed: int = 0,
    translations: Sequence[Sequence[str]] | None = None,
) -> list[str]:
    """Return texts with typing errors and the like.

    Args:
        texts: The texts.
        perturbations: What is done to them, in this order: ``typo:RATE`` (neighbours swapped, a
            letter deleted, doubled, or replaced by its neighbour on the language's keyboard),
            ``case:RATE`` (upper and lower case exchanged), ``diacritics:RATE`` (removed, in Latin,
            Greek, Arabic and Hebrew script) or ``codeswitch:RATE`` (a part of the text replaced by
            the part at the same place of a translation). The rate is the share of the letters that
            can change, of words for ``codeswitch``; the expected number is met to less than one in
            each text.
        language: ISO 639-1 code, for the keyboard.
        seed: Seed of the changes; one seed, the same texts.
        translations: For ``codeswitch``: translations of each text. A text without any stays.

    Raises:
        UserError: If a perturbation is not known, or translations do not match the texts.

    Examples:
        >>> import xbench
        >>> xbench.perturb(["Where is the Eiffel Tower?"], ["typo:0.1"], seed=1)
        ['Wher is the Eiffel Twer?']
    """
    steps = parse_perturbations(perturbations)
    if translations is not None and len(translations) != len(texts):
        raise UserError(
            f"perturb: {len(translations)} lists of translations for {len(texts)} texts"
        )
    others = translations or [()] * len(texts)
    return [
        _perturbed(text, steps, language, seed, own)
        for text, own in zip(texts, others, strict=True)
    ]


def perturbed_queries(
    corpus: ParallelCorpus, perturbations: Sequence[str], seed: int = 0
) -> ParallelCorpus:
    """Return a corpus with perturbed queries and the same passages.

    Code-switching takes the other languages' versions of the question.
    """
    by_id = {
        code: dict(zip(own.ids, own.texts, strict=True)) for code, own in corpus.queries.items()
    }
    queries = {}
    for code, own in corpus.queries.items():
        others = [
            [
                by_id[other][name]
                for other in sorted(by_id)
                if other != code and name in by_id[other]
            ]
            for name in own.ids
        ]
        queries[code] = Texts(own.ids, tuple(perturb(own.texts, perturbations, code, seed, others)))
    return replace(corpus, queries=queries)


def _perturbed(
    text: str,
    steps: Sequence[Perturbation],
    language: str,
    seed: int,
    translations: Sequence[str],
) -> str:
    changed = text
    for step in steps:
        if step.rate:
            generator = _generator(seed, str(step), language, text)
            changed = KINDS[step.kind](changed, step.rate, language, generator, translations)
    return changed


def _generator(*parts: object) -> Generator:
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _of_letters(
    change: Callable[[str], str],
    text: str,
    rate: float,
    _language: str,
    generator: Generator,
    _translations: Sequence[str],
) -> str:
    """Change a share of the letters that a change has an effect on."""
    parts = clusters(text)
    able = [i for i, own in enumerate(parts) if change(own) != own]
    wanted = number_of(rate, len(able), generator)
    for index in generator.permutation(able)[:wanted]:
        parts[index] = change(parts[index])
    return "".join(parts)


def _other_case(cluster: str) -> str:
    """Exchange upper and lower case where one cluster becomes one cluster."""
    changed = cluster.swapcase()
    return changed if len(clusters(changed)) == 1 and changed.swapcase() == cluster else cluster


def _without_marks(cluster: str) -> str:
    if not MARKED.match(cluster):
        return cluster
    split = unicodedata.normalize("NFD", cluster)
    bare = "".join(c for c in split if unicodedata.category(c) != "Mn")
    bare = unicodedata.normalize("NFC", bare)
    return bare if len(clusters(bare)) == 1 else cluster


def _codeswitch(
    text: str, rate: float, language: str, generator: Generator, translations: Sequence[str]
) -> str:
    """Replace a part by that at the same relative place of a translation, whole words of both."""
    others = [own for own in translations if own.strip()]
    if not others or not text.strip():
        return text
    words = _words(text)
    wanted = number_of(rate, len(words), generator)
    if not wanted:
        return text
    start = int(generator.integers(len(words) - wanted + 1))
    other = _words(others[int(generator.integers(len(others)))])
    first = round(start / len(words) * len(other))
    last = max(first + 1, round((start + wanted) / len(words) * len(other)))
    inserted = other[min(first, len(other) - 1) : last]
    parts = [*words[:start], " ", *inserted, " ", *words[start + wanted :]]
    return " ".join("".join(parts).split())


def _words(text: str) -> list[str]:
    """Return words with the space after them; where words are not spaced, clusters."""
    return [
        piece
        for word in regex.findall(r"\S+\s*", text)
        for piece in (clusters(word) if UNSPACED.search(word) else [word])
    ]


Change = Callable[[str, float, str, Generator, Sequence[str]], str]

KINDS: Mapping[str, Change] = {
    "typo": with_typing_errors,
    "case": partial(_of_letters, _other_case),
    "diacritics": partial(_of_letters, _without_marks),
    WITH_TRANSLATIONS: _codeswitch,
}
