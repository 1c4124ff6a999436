"""Language bias seen in the ranks alone: how far a query's parallel passages are apart.

Every function returns one value per query, nan for a query without relevant passages. Passages of
equal score, and those not retrieved, are in random order (see `multilingual`), in closed form.

Measures that also need the passages' languages are in `fairness`, `preference` and `advantage`,
those that compare query languages in `across_languages`.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.multilingual import (
    MultilingualRanking,
    draw_places,
    earlier_in_block,
    linearised,
)
from xbench.metrics.ranks import FloatArray

FOUND = 10
"""Within how many places a relevant passage has to be for a question to count as answered."""

DRAWS = 16
"""How often the places of tied passages are drawn for a median."""


def rank_distance(ranking: MultilingualRanking) -> FloatArray:
    """Rank distance: worst rank minus best rank of each query's relevant passages in the pool.

    0 with one relevant passage; at least R - 1 with R of them; lower is better (arXiv 2408.10536,
    section 4.3, after doi 10.1145/3539618.3591769). In random order it is (R - 1) (N + 1) / (R + 1)
    in a pool of N passages, so it falls as quality rises, whatever a system prefers: read it as
    ``rank_distance_ratio``, and next to ``own_language_preference``.

    Args:
        ranking: Places of the relevant passages are used.
    """
    return np.asarray(ranking.worst_place - ranking.best_place)


def rank_distance_median(ranking: MultilingualRanking) -> float:
    """Rank distance that half of the queries exceed, where its mean is ruled by the few worst.

    Among equal scores the places are drawn, 16 times with one seed, since a median has no closed
    form there. nan without a query.

    Args:
        ranking: Places of the relevant passages are used.
    """
    known = ranking.relevant.any(axis=1)
    if not known.any():
        return float("nan")
    distances = rank_distance(ranking)
    tied = (ranking.tied > 1).any(axis=1)
    generator, medians = np.random.default_rng(0), []
    for _ in range(DRAWS if tied.any() else 1):
        places = draw_places(ranking.above[tied], ranking.tied[tied], generator)
        distances[tied] = np.fmax.reduce(places, axis=1) - np.fmin.reduce(places, axis=1)
        medians.append(np.median(distances[known]))
    return float(np.mean(medians))


def rank_distance_ratio(ranking: MultilingualRanking, *, found: bool = False) -> FloatArray:
    """Rank distance divided by that of a random order: 0 at best, 1 for a blind system.

    The ratio of the mean rank distance to the mean of what a random order of this pool gives,
    (R - 1) (N + 1) / (R + 1) for R relevant of N passages. Over the questions that were found, with
    a relevant passage at a mean place of 10 or better, chance depends on the best place b and is
    (R - 1) (N - b + 1) / R: else a system that is blind to language would seem biased where it is
    good. A query's value is its influence on the ratio (see `multilingual.linearised`). nan for a
    query with one relevant passage.

    Args:
        ranking: Places of the relevant passages are used.
        found: Whether to count only questions of which a relevant passage is among the first ten.
    """
    size, count = ranking.pool_size, ranking.relevant.sum(axis=1)
    distance = np.where(count > 1, rank_distance(ranking), np.nan)
    chance = (count - 1) * (size + 1) / (count + 1)
    if found:
        best = ranking.best_place
        chance = (count - 1) * (size - best + 1) / np.maximum(count, 1)
        is_found = best <= FOUND
        distance = np.where(is_found | np.isnan(distance), distance, 0.0)
        chance = np.where(is_found, chance, 0.0)
    return linearised(distance, np.where(count > 1, chance, np.nan))


def worst_rank(ranking: MultilingualRanking) -> FloatArray:
    """Worst rank: how deep a reader must go to meet every relevant passage.

    max rankᵢ over the relevant passages, Max@R of arXiv 2604.05684 (ICLR 2026; read in summaries;
    the paper's normalised form could not be verified and is not implemented). Unlike the rank
    distance, it is not small when the parallel passages are together far down. The least possible
    value is the number of relevant passages; lower is better.

    Args:
        ranking: Places of the relevant passages are used.
    """
    return ranking.worst_place


def complete(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Complete@k: 1 if every relevant passage is among the first k, else 0.

    Source: arXiv 2604.05684 (read in summaries), where a query has two relevant passages. It is 0
    for every ranking of a query with more than k of them: with one version in each of 11 languages,
    complete@10 is 0 by construction. Among equal scores it is the probability, the product of
    C(b, c) / C(B, c) over the blocks: c relevant of B passages, of which b are among the first k.

    Args:
        ranking: Places of the relevant passages are used.
        k: Number of places looked at.
    """
    inside = np.clip(k - ranking.above, 0, ranking.tied)
    earlier = earlier_in_block(ranking.above)
    left = np.maximum(inside - earlier, 0) / np.maximum(ranking.tied - earlier, 1)
    probability = np.where(ranking.relevant, left, 1.0).prod(axis=1)
    return np.where(ranking.relevant.any(axis=1), probability, np.nan)
