"""What one index of many languages costs a query whose relevant passages are in its own language.

In a parallel pool every language holds the answer; here (MIRACL) only passages in the query's
language were judged. A passage in another language may be relevant all the same, so what is lost is
an upper bound of what a reader of several languages loses.
"""

from __future__ import annotations

import numpy as np

from xbench.metrics.effectiveness import ndcg
from xbench.metrics.fairness import expected_shares
from xbench.metrics.multilingual import MultilingualRanking
from xbench.metrics.ranks import FloatArray, PoolRanks


def ndcg_lost(ranks: PoolRanks, k: int) -> FloatArray:
    """NDCG lost: nDCG@k in the index of the query's language alone, minus nDCG@k in the pool.

    0 if no passage of another language is before a relevant one that counts; at most the
    nDCG@k of the monolingual index (elementary). Passages that are added to an index can only push
    others down, so it is never negative for a system that scores each passage by itself; BM25
    weighs terms by the whole index and may gain.

    Args:
        ranks: Ranks in the pool and in the index of the query's language alone.
        k: Number of places looked at.

    Raises:
        ValueError: If the ranks in the index of the query's language are not known.

    Examples:
        >>> one = PoolRanks(("q",), np.array([0]), np.array(["en"]), np.array([3]), "en",
        ...                 {"de": 9, "en": 9}, own_rank=np.array([1]))
        >>> ndcg_lost(one, k=10)
        array([0.5])
    """
    return np.asarray(ndcg(ranks.own_matrix(), k) - ndcg(ranks.matrix(), k))


def other_language_share(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Share of passages in other languages than the query's among the first k places.

    A run that ends before place k is judged on the places it fills; nan for an empty one
    (elementary). Of equal scores that reach into these places the mean of a random order counts.

    Args:
        ranking: The languages of the first places are used.
        k: Number of places looked at.
    """
    shares = expected_shares(ranking, k)
    return np.asarray(shares.sum(axis=1) - (shares[:, ranking.own] if ranking.own >= 0 else 0.0))


def same_language_preference(ranking: MultilingualRanking, k: int) -> FloatArray:
    """Same-language preference: share of the query's language in the first k, minus in the pool.

    0 in expectation for a ranking that is blind to language; positive toward the reader's language,
    up to 1 minus the language's share of the pool; negative away from it (elementary). A run that
    ends before place k is judged on the places it fills; nan for an empty one.

    Args:
        ranking: The languages of the first places and of the pool are used.
        k: Number of places looked at.
    """
    share = ranking.pool[ranking.own] / ranking.pool_size if ranking.own >= 0 else 0.0
    return 1 - other_language_share(ranking, k) - share
