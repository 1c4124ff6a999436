"""The scores as pages name, write and explain them; their definitions are their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xbench.data.catalogue import Setting
from xbench.data.languages import LANGUAGES
from xbench.metrics import EFFECTIVENESS, IN_RANKS, SCORES
from xbench.metrics.across_languages import rank_correlation
from xbench.metrics.effectiveness import (
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)
from xbench.metrics.fairness import awrf, awrf_uniform, peer
from xbench.metrics.language_bias import complete, rank_distance, worst_rank
from xbench.metrics.mixed_index import ndcg_lost, other_language_share, same_language_preference
from xbench.metrics.preference import first_place, same_language_first, same_language_rank_gain
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

MEASURES: dict[str, tuple[str, Callable[..., Any]]] = {
    "map": ("mAP", average_precision),
    "ndcg": ("nDCG", ndcg),
    "recall": ("Recall", recall),
    "precision": ("Precision", precision),
    "mrr": ("MRR", reciprocal_rank),
    "rank_distance": ("Rank distance", rank_distance),
    "rank_distance_median": ("Median rank distance", rank_distance),
    "worst_rank": ("Worst rank", worst_rank),
    "complete": ("Complete", complete),
    "same_language_rank_gain": ("Same-language rank gain", same_language_rank_gain),
    "same_language_first": ("Same-language-first rate minus chance", same_language_first),
    "first_place_right_own": ("First place: right, own language", first_place),
    "first_place_right_other": ("First place: right, other language", first_place),
    "first_place_wrong_own": ("First place: wrong, own language", first_place),
    "first_place_wrong_other": ("First place: wrong, other language", first_place),
    "awrf": ("AWRF", awrf),
    "awrf_uniform": ("AWRF, uniform", awrf_uniform),
    "ndcg_at_10_lost": ("nDCG@10 lost", ndcg_lost),
    "other_language_share": ("Share of other languages", other_language_share),
    "same_language_preference": ("Same-language preference", same_language_preference),
    "peer": ("PEER", peer),
    "rank_correlation": ("Rank correlation", rank_correlation),
}
"""Name of each measure, by its name or the part before ``_at_``, and what defines it."""

LOWER_IS_BETTER = ("rank_distance", "rank_distance_median", "worst_rank", "ndcg_at_10_lost")
"""The scores of which less is better."""

NEITHER_IS_BETTER = (
    same_language_rank_gain,
    same_language_first,
    same_language_preference,
    other_language_share,
    first_place,
    peer,
    rank_correlation,
)
"""What gives the scores that are better neither high nor low."""


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


def measure_name(score: str) -> str:
    """Return a score's name for readers.

    >>> measure_name("ndcg_at_10"), measure_name("rank_distance")
    ('nDCG@10', 'Rank distance')
    """
    if score in MEASURES:
        return MEASURES[score][0]
    stem, at, k = score.partition("_at_")
    return f"{MEASURES[stem][0]}{at and '@'}{k}" if stem in MEASURES else score


def lower_is_better(score: str) -> bool | None:
    """Return whether less of a score is better; None if neither is.

    >>> lower_is_better("map"), lower_is_better("worst_rank"), lower_is_better("peer_at_20")
    (False, True, None)
    """
    function = _function(score)
    return None if function in NEITHER_IS_BETTER else score in LOWER_IS_BETTER


def _function(score: str) -> Callable[..., Any] | None:
    known = MEASURES.get(score) or MEASURES.get(score.partition("_at_")[0])
    return known[1] if known else None


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
    by_function: dict[Callable[..., Any], list[str]] = {}
    for score in SCORES:
        if function := _function(score):
            by_function.setdefault(function, []).append(score)
    effectiveness: list[Definition] = []
    bias: list[Definition] = []
    for function, scores in by_function.items():
        (effectiveness if scores[0] in EFFECTIVENESS else bias).append(
            _definition(function, scores)
        )
    return effectiveness, bias


def _definition(function: Callable[..., Any], scores: list[str]) -> Definition:
    summary, _, text = (inspect.getdoc(function) or "").partition("\n")
    text = re.split(r"^(?:Args|Returns|Raises):$|^>>>", text, flags=re.MULTILINE)[0]
    return Definition(tuple(map(measure_name, scores)), tuple(scores), summary, text.strip())
