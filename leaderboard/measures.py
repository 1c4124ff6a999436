"""How pages name and write scores, and what they say of the measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xbench.data.datasets import Setting
from xbench.data.languages import LANGUAGES
from xbench.metrics import EFFECTIVENESS, IN_RANKS, SCORES
from xbench.metrics.descriptions import HIGHER, LOWER, explanation, measure_of, title_of
from xbench.metrics.registry import RANK_CORRELATION

SETTING_NAMES: Mapping[Setting, str] = {
    "monolingual": "Monolingual",
    "crosslingual": "Cross-lingual",
    "multilingual": "Multilingual",
}

SETTING_ABBREVIATIONS: Mapping[Setting, str] = {
    "monolingual": "Mo.",
    "crosslingual": "Cr.",
    "multilingual": "Mul.",
}

measure_name = title_of


@dataclass(frozen=True)
class Definition:
    """What a page explains of a function.

    Attributes:
        names: Names of the scores that it gives.
        scores: The same, as result files call them.
        summary: First line of its docstring.
        text: The rest, without the examples.
    """

    names: tuple[str, ...]
    scores: tuple[str, ...]
    summary: str
    text: str


def language_name(code: str) -> str:
    """Return a language's English name, or its code if it is not of xbench's own languages."""
    return LANGUAGES[code].name if code in LANGUAGES else code


def lower_is_better(score: str) -> bool | None:
    """Return whether less of a score is better; None if neither is.

    >>> lower_is_better("map"), lower_is_better("worst_rank"), lower_is_better("peer_at_20")
    (False, True, None)
    """
    about = measure_of(score)
    if about is None:
        return False
    return {LOWER: True, HIGHER: False}.get(about.better)


def score_order(score: str) -> tuple[int, str]:
    """Return what puts scores in order: those of `xbench.metrics` as there, others behind."""
    return (SCORES.index(score) if score in SCORES else len(SCORES)), score


def scale(score: str) -> tuple[int, int]:
    """Return what a score is multiplied by and the decimals it is written with.

    >>> scale("map"), scale("rank_distance"), scale("rank_correlation")
    ((100, 1), (1, 1), (1, 3))
    """
    if score == RANK_CORRELATION:
        return 1, 3
    return (1 if score in IN_RANKS else 100), 1


def written(score: str, value: float) -> str:
    """Return a score's value as pages show it.

    >>> written("map", 0.4321), written("rank_distance", 12001.96)
    ('43.2', '12,002.0')
    """
    factor, decimals = scale(score)
    return f"{factor * value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def definitions() -> tuple[list[Definition], list[Definition]]:
    """Return what defines the scores: of effectiveness, and of language bias."""
    by_text: dict[str, list[str]] = {}
    for score in SCORES:
        by_text.setdefault(explanation(score), []).append(score)
    effectiveness: list[Definition] = []
    bias: list[Definition] = []
    for text, scores in by_text.items():
        summary, _, rest = text.partition("\n")
        own = Definition(tuple(map(title_of, scores)), tuple(scores), summary, rest.strip())
        (effectiveness if scores[0] in EFFECTIVENESS else bias).append(own)
    return effectiveness, bias
