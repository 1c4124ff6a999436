"""Rankings of a few passages, written out place by place."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from xbench.metrics.multilingual import MultilingualRanking

LANGUAGES = "abcd"
POOL = (4, 3, 2, 1)


def ranking(*runs: str, own: str = "a", pool: tuple[int, ...] = POOL) -> MultilingualRanking:
    """Build a ranking from one run per query, such as "b a* c* | d".

    A letter is the language of the passage at its place and * marks it relevant; after the bar come
    the languages of the relevant passages that were not retrieved.
    """
    parsed = [_parse(run) for run in runs]
    relevant = max((len(ranks) for ranks, _, _ in parsed), default=0)
    places = max((len(top) for _, _, top in parsed), default=0)
    return MultilingualRanking(
        ranks=_table([ranks for ranks, _, _ in parsed], relevant, np.nan, np.float64),
        language=_table([language for _, language, _ in parsed], relevant, -1, np.int64),
        top=_table([top for _, _, top in parsed], places, -1, np.int64),
        pool=np.array(pool),
        own=LANGUAGES.find(own),
    )


def _parse(run: str) -> tuple[list[float], list[int], list[int]]:
    retrieved, _, missing = run.partition("|")
    tokens = retrieved.split()
    places = [place for place, token in enumerate(tokens, 1) if token.endswith("*")]
    top = [LANGUAGES.index(token[0]) for token in tokens]
    language = [top[place - 1] for place in places]
    language += [LANGUAGES.index(code) for code in missing.split()]
    return [*places, *[np.inf] * len(missing.split())], language, top


def _table(rows, width, fill, dtype):
    table = np.full((len(rows), width), fill, dtype)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


@st.composite
def rankings(draw: st.DrawFn) -> MultilingualRanking:
    """Any ranking of up to five queries: several relevant passages per language, short runs."""
    languages = draw(st.integers(1, 5))
    queries = draw(st.integers(1, 5))
    relevant = draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = random.integers(relevant, 20, languages)
    full = np.array([random.permutation(np.repeat(np.arange(languages), pool))] * queries)
    full = random.permuted(full, axis=1)
    ranks = np.array([random.permutation(pool.sum())[:relevant] + 1.0 for _ in range(queries)])
    language = np.take_along_axis(full, ranks.astype(int) - 1, axis=1)
    depth = draw(st.integers(0, int(pool.sum())))
    ranks[ranks > depth] = np.inf
    filling = np.arange(relevant) >= random.integers(1, relevant + 1, (queries, 1))
    return MultilingualRanking(
        ranks=np.where(filling, np.nan, ranks),
        language=np.where(filling, -1, language),
        top=full[:, :depth],
        pool=pool,
        own=draw(st.integers(-1, languages - 1)),
    )
