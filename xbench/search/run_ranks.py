"""Ranks of the relevant passages in a run, which has the scores of what was retrieved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from xbench.metrics.ranks import TOP_K, IntArray, PoolRanks, Ties
from xbench.search.first_places import blocks, first_places
from xbench.search.sorted_scores import ScoreArray


def ranks_in_run(
    run: Mapping[str, Mapping[str, float]],
    relevant: Mapping[str, Sequence[str]],
    language: Mapping[str, str],
    query_language: str,
) -> PoolRanks:
    """Return the ranks of the relevant passages in a run, with trec_eval's order of ties.

    Args:
        run: Score of each retrieved passage, by query id.
        relevant: Ids of the relevant passages, by query id.
        language: ISO 639-1 code of each passage of the pool.
        query_language: ISO 639-1 code of the queries.
    """
    pool = dict(sorted(Counter(language.values()).items()))
    index = {code: i for i, code in enumerate(pool)}
    size = sum(pool.values())
    rows: list[tuple[int, str, int, int, int]] = []
    firsts: list[tuple[IntArray, ScoreArray]] = []
    for q, question in enumerate(relevant):
        ids, values = _order(run.get(question, {}))
        place = {passage: i for i, passage in enumerate(ids)}
        higher, equal = blocks(values)
        for passage in relevant[question]:
            if (at := place.get(passage)) is None:
                rows.append((q, language[passage], 0, len(ids), size - len(ids)))
            else:
                rows.append((q, language[passage], at + 1, int(higher[at]), int(equal[at])))
        reached = int((higher < TOP_K).sum())
        codes = [index[language[passage]] for passage in ids[:reached]]
        firsts.append((np.array(codes, np.int64), values[:reached]))
    query, codes_, rank, above, tied = zip(*rows, strict=True) if rows else ((),) * 5
    first = first_places(firsts, TOP_K, len(pool))
    return PoolRanks(
        questions=tuple(relevant),
        query=np.array(query, np.int64),
        language=np.array(codes_, np.str_),
        rank=np.array(rank, np.int64),
        query_language=query_language,
        pool=pool,
        top=first.top if len(pool) > 1 else None,
        ties=Ties(
            np.array(above, np.int64),
            np.array(tied, np.int64),
            **first.blocks_of(np.arange(len(relevant))),
        )
        if len(pool) > 1
        else None,
    )


def _order(scores: Mapping[str, float]) -> tuple[list[str], ScoreArray]:
    """Return the passages by score, in single precision as in trec_eval, then by descending id."""
    ids = sorted(scores, reverse=True)
    values = np.array([scores[passage] for passage in ids], np.float32)
    order = np.argsort(-values, kind="stable")
    return [ids[i] for i in order], values[order]
