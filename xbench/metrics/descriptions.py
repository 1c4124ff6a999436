"""What a reader should know of every measure: its name, which way is better, and its chance."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbench.metrics.across_languages import rank_correlation
from xbench.metrics.advantage import language_advantage, wrong_share_ratio
from xbench.metrics.chance import chance
from xbench.metrics.effectiveness import (
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)
from xbench.metrics.fairness import awrf, awrf_uniform, peer
from xbench.metrics.language_bias import (
    complete,
    rank_distance,
    rank_distance_median,
    rank_distance_ratio,
    worst_rank,
)
from xbench.metrics.mixed_index import ndcg_lost, other_language_share, same_language_preference
from xbench.metrics.preference import (
    first_place,
    own_language_preference,
    same_language_first,
    same_language_rank_gain,
)
from xbench.metrics.ranks import PoolRanks, Ties
from xbench.metrics.registry import BY_PASSAGE_LANGUAGE, SCORES, score_range
from xbench.metrics.subsets import scores

HIGHER, LOWER, EVEN, NEITHER = "higher", "lower", "near chance", "neither"
"""Which value is the better one; that of a preference is the reader's to judge."""


@dataclass(frozen=True)
class Measure:
    """A measure, of which a score may be at a cut-off.

    Attributes:
        title: Its name for readers.
        better: Which value is better.
        chance: What a random order gives: N passages in the pool, n of them in the query's
            language; R relevant, r of these in the query's language.
        function: What defines it.
    """

    title: str
    better: str
    chance: str
    function: Callable[..., Any]


BY_DRAWS = "by draws"
MEASURES: dict[str, Measure] = {
    "map": Measure("mAP", HIGHER, "(H + (R-1)(N-H)/(N-1))/N, H = 1 + … + 1/N", average_precision),
    "ndcg": Measure("nDCG", HIGHER, "R/N, × Σ discounts / ideal", ndcg),
    "recall": Measure("Recall", HIGHER, "k/N", recall),
    "precision": Measure("Precision", HIGHER, "R/N", precision),
    "mrr": Measure("MRR", HIGHER, "", reciprocal_rank),
    "own_language_preference": Measure(
        "Own-language preference", EVEN, "0", own_language_preference
    ),
    "own_language_preference_found": Measure(
        "Own-language preference, found", EVEN, "0", own_language_preference
    ),
    "rank_distance_ratio": Measure("Rank distance / chance", LOWER, "1", rank_distance_ratio),
    "rank_distance_ratio_found": Measure(
        "Rank distance / chance, found", LOWER, "1", rank_distance_ratio
    ),
    "rank_distance": Measure("Rank distance", LOWER, "(R-1)(N+1)/(R+1)", rank_distance),
    "rank_distance_median": Measure(
        "Median rank distance", LOWER, "median of P(d)", rank_distance_median
    ),
    "worst_rank": Measure("Worst rank", LOWER, "R(N+1)/(R+1)", worst_rank),
    "complete": Measure("Complete", HIGHER, "C(k,R)/C(N,R)", complete),
    "same_language_rank_gain": Measure(
        "Same-language rank gain", EVEN, "0", same_language_rank_gain
    ),
    "same_language_first": Measure(
        "Same-language-first rate minus chance", EVEN, "0", same_language_first
    ),
    "first_place_right_own": Measure(
        "First place: right, own language", NEITHER, "r/N", first_place
    ),
    "first_place_right_other": Measure(
        "First place: right, other language", NEITHER, "(R-r)/N", first_place
    ),
    "first_place_wrong_own": Measure(
        "First place: wrong, own language", NEITHER, "(n-r)/N", first_place
    ),
    "first_place_wrong_other": Measure(
        "First place: wrong, other language", NEITHER, "(N-n-R+r)/N", first_place
    ),
    "awrf": Measure("AWRF", EVEN, BY_DRAWS, awrf),
    "awrf_uniform": Measure("AWRF, uniform", EVEN, BY_DRAWS, awrf_uniform),
    "peer": Measure("PEER", NEITHER, BY_DRAWS, peer),
    "rank_correlation": Measure("Rank correlation", NEITHER, "0", rank_correlation),
    "english_advantage": Measure("English advantage", EVEN, "0.5", language_advantage),
    "language_advantage": Measure("Language advantage", EVEN, "0.5", language_advantage),
    "wrong_share_ratio": Measure("Share of wrong passages / pool", EVEN, "1", wrong_share_ratio),
    "ndcg_at_10_lost": Measure("nDCG@10 lost", LOWER, "", ndcg_lost),
    "other_language_share": Measure(
        "Share of other languages", NEITHER, "1 - n/N", other_language_share
    ),
    "same_language_preference": Measure(
        "Same-language preference", EVEN, "0", same_language_preference
    ),
    "not_retrieved_share": Measure("Not retrieved", NEITHER, "", np.mean),
    "tied_share": Measure("Retrieved with equal scores", NEITHER, "", np.mean),
}
"""Each measure by the name of its scores, or the part before ``_at_``."""

SHARES = {
    "not_retrieved_share": "Share of the relevant passages that the system did not retrieve: what "
    "language bias says of them is chance.",
    "tied_share": "Share of the relevant passages that were retrieved with a score that another "
    "passage of the pool has, too: they count as in random order.",
}
"""What the scores are that say on what the others rest."""


def measure_of(score: str) -> Measure | None:
    """Return what is known of a score, None of one that is not of `xbench.metrics`.

    Examples:
        >>> measure_of("complete_at_10").better
        'higher'
    """
    return MEASURES.get(_stem(score))


def title_of(score: str) -> str:
    """Return a score's name for readers, or the score itself if it is not known.

    Examples:
        >>> title_of("ndcg_at_10"), title_of("rank_distance")
        ('nDCG@10', 'Rank distance')
    """
    if score in MEASURES:
        return MEASURES[score].title
    stem, at, k = score.partition("_at_")
    return f"{MEASURES[stem].title}{at and '@'}{k}" if stem in MEASURES else score


def explanation(score: str) -> str:
    """Return what a score is, with its formula and source, without the examples of its code."""
    if score in SHARES:
        return SHARES[score]
    measure = measure_of(score)
    text = inspect.getdoc(measure.function) or "" if measure else ""
    return re.split(r"^(?:Args|Returns|Raises|Examples):$", text, flags=re.MULTILINE)[0].strip()


EXAMPLE = """\
A German question in a pool of 4 German, 4 English and 2 French passages. Its relevant passages are
at place 2 (German), at place 5 (English, tied with the wrong German one at place 4 or 5), and one
in French was not retrieved: the run has 6 passages, in order de, DE, en, de = EN, fr."""


def example() -> tuple[dict[str, float], dict[str, float]]:
    """Return the scores of `EXAMPLE`, and their chance."""
    one = np.array
    ranks = PoolRanks(
        questions=("question",),
        query=one([0, 0, 0]),
        language=one(["de", "en", "fr"]),
        rank=one([2, 5, 0]),
        query_language="de",
        pool={"de": 4, "en": 4, "fr": 2},
        top=one([[0, 0, 1, 0, 1, 2, -1, -1, -1, -1]]),
        ties=Ties(one([1, 3, 6]), one([1, 2, 4]), one([0]), one([3]), one([[1, 1, 0]])),
    )
    return scores({"de": ranks}, multilingual=True)["de"], chance(ranks)


def families() -> dict[str, str]:
    """Return a score of each measure, by how all its scores are written.

    Examples:
        >>> families()["complete_at_{10,20,100}"]
        'complete_at_10'
    """
    cuts: dict[str, list[int]] = {}
    for score in (*SCORES, *BY_PASSAGE_LANGUAGE):
        stem, at, k = score.partition("_at_")
        alone = score in MEASURES or not at
        cuts.setdefault(score if alone else stem, []).extend([] if alone else [int(k)])
    written = {name: name for name in cuts if not cuts[name]}
    for stem, depths in cuts.items():
        if depths:
            listed = ",".join(map(str, sorted(depths)))
            text = f"{{{listed}}}" if len(depths) > 1 else listed
            written[f"{stem}_at_{text}"] = f"{stem}_at_{min(depths)}"
    order = list(MEASURES)
    return dict(sorted(written.items(), key=lambda item: order.index(_stem(item[1]))))


def _stem(score: str) -> str:
    return score if score in MEASURES else score.partition("_at_")[0]


def range_of(score: str) -> str:
    """Return the range of a score as text.

    Examples:
        >>> range_of("map"), range_of("rank_distance")
        ('0 to 1', '0 to ∞')
    """
    return " to ".join(f"{end:g}".replace("inf", "∞") for end in score_range(score))
