"""Rankings of a few passages, written out place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product

import numpy as np
from hypothesis import strategies as st

from xbench.metrics.multilingual import MultilingualRanking

LANGUAGES = "abcd"
POOL = (4, 3, 2, 1)


def ranking(*runs: str, own: str = "a", pool: tuple[int, ...] = POOL) -> MultilingualRanking:
    """Build a ranking from one run per query, such as "b a*=c c* | d".

    A letter is the language of the passage at its place and * marks it relevant; equal signs join
    passages of equal score; after the bar come the languages of the relevant passages that were not
    retrieved.
    """
    size = sum(pool)
    parsed = [_parse(run, size) for run in runs]
    relevant = max((len(own[0]) for own in parsed), default=0)
    places = max((len(own[3]) for own in parsed), default=0)
    blocks = [(query, *block) for query, own in enumerate(parsed) for block in own[4]]
    counts = [np.bincount(codes, minlength=len(pool)) for _, _, codes in blocks]
    return MultilingualRanking(
        above=_table([own[0] for own in parsed], relevant, np.nan, np.float64),
        tied=_table([own[1] for own in parsed], relevant, np.nan, np.float64),
        language=_table([own[2] for own in parsed], relevant, -1, np.int64),
        top=_table([own[3] for own in parsed], places, -1, np.int64),
        pool=np.array(pool),
        own=LANGUAGES.find(own),
        block_query=np.array([query for query, _, _ in blocks], np.int64),
        block_start=np.array([start for _, start, _ in blocks], np.int64),
        block_counts=np.array(counts, np.int64).reshape(len(blocks), len(pool)),
    )


def _parse(run: str, size: int):
    retrieved, _, missing = run.partition("|")
    above, tied, language, top, blocks = [], [], [], [], []
    for block in retrieved.split():
        tokens = block.split("=")
        codes = [LANGUAGES.index(token[0]) for token in tokens]
        for token, code in zip(tokens, codes, strict=True):
            if token.endswith("*"):
                above.append(len(top))
                tied.append(len(tokens))
                language.append(code)
        if len(tokens) > 1:
            blocks.append((len(top), codes))
        top += codes
    for code in missing.split():
        above.append(len(top))
        tied.append(size - len(top))
        language.append(LANGUAGES.index(code))
    return above, tied, language, top, blocks


def _table(rows, width, fill, dtype):
    table = np.full((len(rows), width), fill, dtype)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def orders(run: str, pool: tuple[int, ...] = POOL) -> Iterator[str]:
    """Yield every order of the tied and of the unretrieved passages of a run, without any ties.

    Of the passages of a pool that were not retrieved the irrelevant ones are filled in.
    """
    retrieved, _, missing = run.partition("|")
    blocks = [block.split("=") for block in retrieved.split()]
    there = [token[0] for block in blocks for token in block]
    rest = [f"{code}*" for code in missing.split()]
    if rest:
        for code, number in zip(LANGUAGES, pool, strict=False):
            used = there.count(code) + [token[0] for token in rest].count(code)
            rest += [code] * (number - used)
        blocks.append(rest)
    for chosen in product(*(set(permutations(block)) for block in blocks)):
        yield " ".join(token for block in chosen for token in block)


def shuffled(example: MultilingualRanking, order: np.ndarray) -> MultilingualRanking:
    """Return a ranking with its relevant passages in another order."""
    fields = ("above", "tied", "language")
    return replace(example, **{name: getattr(example, name)[:, order] for name in fields})


def one_query(example: MultilingualRanking, row: int) -> MultilingualRanking:
    """Return the ranking of one query."""
    fields = ("above", "tied", "language", "top")
    own = example.block_query == row
    return replace(
        example,
        **{name: getattr(example, name)[row : row + 1] for name in fields},
        block_query=np.zeros(own.sum(), np.int64),
        block_start=example.block_start[own],
        block_counts=example.block_counts[own],
    )


@st.composite
def rankings(draw: st.DrawFn) -> MultilingualRanking:
    """Any ranking of up to five queries: several relevant passages, ties, short runs."""
    languages = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = tuple(random.integers(1, 6, languages).tolist())
    runs = []
    for _ in range(draw(st.integers(1, 5))):
        passages = random.permutation(np.repeat(list(LANGUAGES[:languages]), pool)).tolist()
        relevant = random.integers(1, len(passages) + 1)
        marked = random.permutation(len(passages))[:relevant]
        tokens = [f"{code}*" if i in marked else code for i, code in enumerate(passages)]
        depth = int(draw(st.integers(0, len(passages))))
        joints = random.choice([" ", "="], max(depth, 1))
        text = "".join(t + j for t, j in zip(tokens[:depth], joints, strict=False)).rstrip("= ")
        rest = [token[0] for token in tokens[depth:] if token.endswith("*")]
        runs.append(f"{text} | {' '.join(rest)}")
    own = draw(st.sampled_from([*LANGUAGES[:languages], "z"]))
    return ranking(*runs, own=own, pool=pool)
