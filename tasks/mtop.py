"""MTOP: utterances to an assistant, whose translations are to be found.

There is no monolingual task: within a language an utterance has no paraphrase, so that nothing
would be relevant but the utterance itself. For the same reason an utterance is not in the pool of
its own query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbench.data.datasets import MTOP, MTOP_FILES
from xbench.data.download import DataLocation, dataset_files
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.metrics import PoolRanks
from xbench.metrics.ranks import IntArray, Ties
from xbench.tasks.base import describe
from xbench.tasks.parallel import ParallelCorpusRetrieval

DESCRIPTION = (
    "MTOP: utterances to an assistant in six languages, translated by people; the relevant "
    "passages are the translations of the utterance, and the utterance itself is not in the pool."
)

SETTINGS: Any = {
    "crosslingual": "Utterances of each language against those of each other language; subset "
    "`de-th` has German queries and Thai passages.",
    "multilingual": "Utterances of each language against one pool of all languages; the relevant "
    "passages are the translations.",
}

CITATION = r"""
@inproceedings{li2021mtop,
  author = {Li, Haoran and Arora, Abhinav and Chen, Shuohui and Gupta, Anchit and Gupta, Sonal and
            Mehdad, Yashar},
  booktitle = {Proceedings of the 16th Conference of the European Chapter of the Association for
               Computational Linguistics: Main Volume},
  doi = {10.18653/v1/2021.eacl-main.257},
  pages = {2950--2962},
  title = {{MTOP}: A Comprehensive Multilingual Task-Oriented Semantic Parsing Benchmark},
  year = {2021},
}
"""

FIELDS: dict[str, Any] = {
    "dataset": {"path": "psunlpgroup/XSemPLR/mtop", "revision": MTOP.revision},
    "reference": "https://arxiv.org/abs/2008.09335",
    "date": ("2020-01-01", "2020-08-21"),
    "domains": ["Spoken"],
    "task_subtypes": [],
    "license": "cc-by-sa-4.0",
    "annotations_creators": "human-annotated",
    "dialect": [],
    "sample_creation": "human-translated",
    "bibtex_citation": CITATION,
    "prompt": {"query": "Given an utterance, retrieve its translations"},
}


def utterances(split: str, location: DataLocation) -> list[tuple[str, Mapping[str, str]]]:
    """Return the id of each utterance and its text in every language.

    Args:
        split: ``dev`` or ``test``.
        location: Where the data is.

    Raises:
        UserError: If the file is missing, damaged or cannot be fetched.
    """
    path = dataset_files(MTOP_FILES, [split], location)[split]
    return list(_read(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> tuple[tuple[str, Mapping[str, str]], ...]:
    rows = json.loads(path.read_bytes())
    return tuple((row["id"], row["question"]) for row in rows)


class _MTOP(ParallelCorpusRetrieval):
    """MTOP's test set."""

    source = MTOP

    def load_corpus(self, languages: tuple[str, ...]) -> ParallelCorpus:
        """Return the utterances of some languages; equal ones of a language are one passage."""
        rows = utterances("test", self.location)
        ids = tuple(name for name, _ in rows)
        passages: dict[str, Texts] = {}
        relevant: dict[str, dict[str, tuple[str, ...]]] = {}
        for code in languages:
            first: dict[str, str] = {}
            for name, texts in rows:
                first.setdefault(texts[code], f"{code}.{name}")
            passages[code] = Texts(tuple(first.values()), tuple(first))
            relevant[code] = {name: (first[texts[code]],) for name, texts in rows}
        return ParallelCorpus(
            queries={a: Texts(ids, tuple(texts[a] for _, texts in rows)) for a in languages},
            passages=passages,
            relevant=relevant,
        )


class MTOPCrosslingualRetrieval(_MTOP):
    """MTOP, every ordered pair of languages."""

    setting = "crosslingual"
    metadata = describe(MTOP, "crosslingual", DESCRIPTION, settings=SETTINGS, **FIELDS)


class MTOPMultilingualRetrieval(_MTOP):
    """MTOP, one pool of all languages, without the query itself."""

    setting = "multilingual"
    metadata = describe(MTOP, "multilingual", DESCRIPTION, settings=SETTINGS, **FIELDS)
    _whole: Mapping[str, PoolRanks] | None = None
    _without: dict[str, PoolRanks] | None = None

    def ranks(
        self,
        model: Any,  # noqa: ANN401
        encode_kwargs: Mapping[str, Any],
    ) -> dict[str, PoolRanks]:
        """Return the ranks of the translations in the pool without the utterance itself."""
        whole = super().ranks(model, encode_kwargs)
        if self._without is None or self._whole is not whole:
            self._whole = whole
            self._without = {name: without_own(ranks) for name, ranks in whole.items()}
        return self._without


def without_own(ranks: PoolRanks) -> PoolRanks:
    """Return the ranks in the pool without the one relevant passage of the query's language.

    What ranked below it moves up by one place. Of the first places the last is then unknown.
    """
    own = ranks.language == ranks.query_language
    if np.bincount(ranks.query[own], minlength=len(ranks.questions)).max(initial=1) != 1:
        raise ValueError("a query has not exactly one relevant passage of its own language")
    place = ranks.rank[own]
    gone = np.where(place > 0, place, ranks.pool_size + 1)
    rank = ranks.rank - (ranks.rank > gone[ranks.query])
    pool = {code: n - (code == ranks.query_language) for code, n in ranks.pool.items()}
    found = replace(
        ranks,
        query=ranks.query[~own],
        language=ranks.language[~own],
        rank=rank[~own],
        pool=pool,
    )
    start = gone - 1
    if ranks.ties is not None:
        start = ranks.ties.above[own]
        found = replace(found, ties=_ties_without(ranks, ranks.ties, own, start))
    if ranks.top is None:
        return found
    language = list(ranks.pool).index(ranks.query_language)
    return replace(found, top=_top_without(ranks.top, language, start))


def _top_without(places: IntArray, own: int, start: IntArray) -> IntArray:
    """Return the languages of the first places without a passage in the block that starts there."""
    top = places.copy()
    for row, first in enumerate(start):
        found = np.flatnonzero(top[row, first:] == own)
        if len(found):
            at = int(first) + int(found[0])
            top[row, at:-1] = top[row, at + 1 :]
            top[row, -1] = -1
    return top


def _ties_without(ranks: PoolRanks, ties: Ties, own: NDArray[np.bool_], start: IntArray) -> Ties:
    first = start[ranks.query]
    below, same = ties.above > first, ties.above == first
    language = list(ranks.pool).index(ranks.query_language)
    block_first = start[ties.query]
    counts = ties.counts.copy()
    counts[ties.start == block_first, language] -= 1
    kept = counts.sum(axis=1) > 1
    return Ties(
        above=(ties.above - below)[~own],
        tied=(ties.tied - same)[~own],
        query=ties.query[kept],
        start=(ties.start - (ties.start > block_first))[kept],
        counts=counts[kept],
    )
