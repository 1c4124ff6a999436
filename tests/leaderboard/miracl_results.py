"""Ranks of models that do not exist in MIRACL's pools, of the passages that were really judged."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.conftest import SHARED
from xbench.data.catalogue import TASKS, subsets
from xbench.data.datasets import MIRACL, MIRACL_HARD_NEGATIVES, Dataset
from xbench.data.streamed.miracl_tables import read_qrels
from xbench.metrics import TOP_K, PoolRanks
from xbench.metrics.ranks import RUN_DEPTH
from xbench.results.per_query_file import PerQuery
from xbench.results.validation.expected import corpora

OWN_SHARE = 0.8
"""Probability that a place of a mixed ranking holds a passage in the query's language."""

Judged = dict[str, int]
"""Number of relevant passages of each question."""


@cache
def judged(dataset: Dataset, language: str) -> Judged:
    """Return the questions of a language, and how many relevant passages each has.

    Without the complete real sets the test that asks for them is skipped.
    """
    if not (SHARED / "data").is_dir():
        pytest.skip("the complete real sets are not next to the checkout")
    qrels = read_qrels(SHARED / "data" / MIRACL.folder / f"qrels.miracl-v1.0-{language}-dev.tsv")
    found = {
        f"{language}/{question}": sum(grade > 0 for grade in own.values())
        for question, own in qrels.judgments.items()
    }
    found = {question: size for question, size in found.items() if size}
    wanted = corpora()[dataset.title].relevant[language][language]
    if dataset is MIRACL_HARD_NEGATIVES and isinstance(wanted, int):
        return drawn_questions(found, 1000, wanted)
    return found


def drawn_questions(found: Judged, number: int, wanted: int) -> Judged:
    """Return so many questions that have so many relevant passages together."""
    chosen, others = list(found)[:number], list(found)[number:]
    missing = wanted - sum(found[question] for question in chosen)
    while missing:
        step = int(np.sign(missing))
        out, into = next((a, b) for a in chosen for b in others if found[b] == found[a] + step)
        chosen[chosen.index(out)], others[others.index(into)] = into, out
        missing -= step
    return {question: found[question] for question in found if question in set(chosen)}


def own_ranks(sizes: np.ndarray, random: np.random.Generator, badness: float) -> np.ndarray:
    """Return distinct ranks of so many passages for each query, 0 beyond the last place."""
    width = int(sizes.max())
    places = np.sort(random.random((len(sizes), width)) ** (4 / badness), axis=1)
    rank = 1 + (places * 1.5 * RUN_DEPTH).astype(np.int64) + np.arange(width)
    own = rank[np.arange(width) < sizes[:, None]]
    return np.where(own > RUN_DEPTH, 0, own)


def mixed(
    own: PoolRanks, pool: dict[str, int], random: np.random.Generator, share: float
) -> PoolRanks:
    """Return the ranks when passages of other languages are put between those of the query's."""
    is_own = random.random((len(own.questions), RUN_DEPTH)) < share
    place = 1 + np.argsort(~is_own, axis=1, kind="stable")
    kept = (own.rank > 0) & (own.rank <= is_own.sum(axis=1)[own.query])
    code = list(pool).index(own.query_language)
    top = random.integers(0, len(pool) - 1, (len(own.questions), TOP_K))
    top = np.where(is_own[:, :TOP_K], code, top + (top >= code))
    return PoolRanks(
        questions=own.questions,
        query=own.query,
        language=own.language,
        rank=np.where(kept, place[own.query, own.rank - 1], 0),
        query_language=own.query_language,
        pool=pool,
        top=top,
        depth=RUN_DEPTH,
        own_rank=own.rank,
    )


def drawn_streamed(
    task: str, seed: int = 0, badness: float = 1.0, own_share: float = OWN_SHARE
) -> PerQuery:
    """Return random ranks of a task of MIRACL; both settings rank a language's own index alike."""
    dataset, setting = TASKS[task]
    pools = {}
    for number, (name, subset) in enumerate(subsets(setting, dataset.languages).items()):
        random = np.random.default_rng([seed, number])
        language = subset.query_language
        questions = judged(dataset, language)
        sizes = np.array(list(questions.values()))
        ranks = PoolRanks(
            questions=tuple(questions),
            query=np.repeat(np.arange(len(sizes)), sizes),
            language=np.full(sizes.sum(), language),
            rank=own_ranks(sizes, random, badness),
            query_language=language,
            pool={language: dataset.passages[language]},
            depth=RUN_DEPTH,
        )
        if setting == "multilingual":
            ranks = mixed(ranks, dict(dataset.passages), random, own_share)
        pools[name] = ranks
    return PerQuery(task, dataset.revision, "sentence", setting == "multilingual", pools)
