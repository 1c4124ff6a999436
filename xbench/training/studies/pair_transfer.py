"""What training on some pairs of languages buys on these, and on pairs that were not trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import t as student

from xbench.metrics import intervals
from xbench.training.studies.grid import UNSEEDED
from xbench.training.studies.measuring import ACROSS
from xbench.training.studies.outcome import Outcome

Pairs = frozenset[tuple[str, str]]

KINDS = (
    "trained, in either direction",
    "of languages that are trained in other pairs",
    "with a language that is in no trained pair",
    "with a language that is not in the training data",
)

ABOUT = (
    "How much the cross-lingual mAP gains over the untrained start, by what was trained of a pair "
    "of query and passage language: means over pairs and then over seeds, ± half of the 95 % "
    "interval over seeds, and the number of pairs in all seeds. A language in no trained pair was "
    "still trained in monolingual batches."
)


def trained_pairs(record: Mapping[str, Any]) -> Pairs:
    """Return the pairs that a run's record says were trained, those of one language, too."""
    found = [
        tuple(name.split("-"))
        for stage in record.get("stages", ())
        for corpus in stage["pairs"] or ()
        for name, expected in corpus["attained"].items()
        if expected > 0
    ]
    return frozenset((query, passage) for query, passage in found)


def kind_of(pair: tuple[str, str], trained: Pairs) -> int:
    """Return which of `KINDS` a pair is.

    >>> trained = frozenset({("ar", "de"), ("hi", "zh"), ("en", "en")})
    >>> pairs = [("de", "ar"), ("ar", "zh"), ("en", "de"), ("th", "de")]
    >>> [kind_of(pair, trained) for pair in pairs]
    [0, 1, 2, 3]
    """
    query, passage = pair
    if {(query, passage), (passage, query)} & trained:
        return 0
    seen = {language for own in trained for language in own}
    paired = {language for own in trained if own[0] != own[1] for language in own}
    if {query, passage} <= paired:
        return 1
    return 2 if {query, passage} <= seen else 3


def transfer_rows(outcome: Outcome) -> Iterator[list[str]]:
    """Yield a row for each condition that cross-lingual pairs were trained in."""
    usual = outcome.study.usual
    starts = {name: _scores(outcome, name, UNSEEDED, usual) for name in outcome.untrained}
    start = next((own for own in starts.values() if own), None)
    for condition in dict.fromkeys(run.condition for run in outcome.planned):
        gains: list[list[list[float]]] = [[] for _ in KINDS]
        for seed in outcome.seeds(condition):
            scores = _scores(outcome, condition, seed, usual)
            trained = trained_pairs(outcome.records.get((condition, seed), {}))
            if not (start and scores and any(query != passage for query, passage in trained)):
                continue
            own: list[list[float]] = [[] for _ in KINDS]
            for name, score in scores.items():
                query, passage = name.split("-")
                own[kind_of((query, passage), trained)].append(score - start[name])
            for kind, values in enumerate(own):
                if values:
                    gains[kind].append(values)
        if any(gains):
            yield [condition, *map(_gain, gains)]


def _scores(outcome: Outcome, condition: str, seed: int, evaluation: str) -> dict[str, float]:
    found = outcome.found.get((condition, seed, evaluation), {"scores": {}})
    known: dict[str, float] = found["scores"].get(ACROSS, {}).get("pairs", {})
    return known


def _gain(by_seed: Sequence[Sequence[float]]) -> str:
    """Return the mean over seeds of the means over pairs, with its interval."""
    if not by_seed:
        return ""
    means = np.array([np.mean(own) for own in by_seed])
    text = f"{means.mean():+.3f}"
    if len(means) > 1:
        quantile = float(student.ppf((1 + intervals.LEVEL) / 2, len(means) - 1))
        text += f" ± {quantile * means.std(ddof=1) / sqrt(len(means)):.3f}"
    return f"{text} ({sum(map(len, by_seed))})"
