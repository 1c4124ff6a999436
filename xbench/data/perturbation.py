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
from xbench.data.keyboards import neighbours
from xbench.data.parallel_corpus import ParallelCorpus, Texts

CLUSTER = regex.compile(r"\X")
UNSPACED = regex.compile(r"[\p{Han}\p{Thai}\p{Hiragana}\p{Katakana}\p{Lao}\p{Khmer}\p{Myanmar}]")
MARKED = regex.compile(r"[\p{Latin}\p{Greek}\p{Arabic}\p{Hebrew}]")
"""Scripts whose combining marks are left away by people who type fast."""

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


def clusters(text: str) -> list[str]:
    """Return the grapheme clusters of a text.

    >>> clusters("नमस्ते")[:2]
    ['न', 'म']
    """
    return list(CLUSTER.findall(text))


def _number(rate: float, of: int, generator: Generator) -> int:
    """Return rate · of, rounded up or down at random so that its mean is exact."""
    return int(rate * of + generator.random())


def _is_letter(cluster: str) -> bool:
    return bool(cluster) and unicodedata.category(cluster[0])[0] in "LN"


def _typo(text: str, rate: float, language: str, generator: Generator, _: Sequence[str]) -> str:
    parts = clusters(text)
    letters = [i for i, own in enumerate(parts) if _is_letter(own)]
    wanted = _number(rate, len(letters), generator)
    order = generator.permutation(letters)
    done = 0
    for index in order:
        if done == wanted:
            break
        for edit in generator.permutation(len(EDITS)):
            made = EDITS[edit](parts, int(index), language, generator)
            if made is not None and _holds(made, int(index)):
                parts = made
                done += 1
                break
    return "".join(parts)


def _swap(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Exchange a letter and the next."""
    after = index + 1
    if after >= len(parts) or not all(map(_is_letter, parts[index : after + 1])):
        return None
    if parts[index] == parts[after]:
        return None
    return [*parts[:index], parts[after], parts[index], *parts[after + 1 :]]


def _delete(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Leave a place empty, so that the places of the other letters stay."""
    return [*parts[:index], "", *parts[index + 1 :]] if _letters(parts) > 1 else None


def _double(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    if clusters(parts[index] * 2) != [parts[index]] * 2:
        return None
    return [*parts[:index], parts[index] * 2, *parts[index + 1 :]]


def _slip(parts: list[str], index: int, language: str, generator: Generator) -> list[str] | None:
    """Replace a letter by one next to it on the keyboard."""
    near = neighbours(parts[index], language)
    if not near:
        return None
    return [*parts[:index], near[int(generator.integers(len(near)))], *parts[index + 1 :]]


EDITS = (_swap, _delete, _double, _slip)


def _letters(parts: Sequence[str]) -> int:
    return sum(map(_is_letter, parts))


def _holds(parts: Sequence[str], index: int) -> bool:
    """Return whether the clusters around a changed place are still those that were put there."""
    near = [own for own in parts[max(index - 2, 0) : index + 4] if own]
    expected = [own for part in near for own in clusters(part)]
    return clusters("".join(near)) == expected


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
    wanted = _number(rate, len(able), generator)
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
    return unicodedata.normalize("NFC", bare) or cluster


def _codeswitch(
    text: str, rate: float, language: str, generator: Generator, translations: Sequence[str]
) -> str:
    """Replace a part by that at the same relative place of a translation, whole words of both."""
    others = [own for own in translations if own.strip()]
    if not others or not text.strip():
        return text
    words = _words(text)
    wanted = _number(rate, len(words), generator)
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
    "typo": _typo,
    "case": partial(_of_letters, _other_case),
    "diacritics": partial(_of_letters, _without_marks),
    "codeswitch": _codeswitch,
}
