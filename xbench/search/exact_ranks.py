"""Exact ranks of the relevant passages in every pool of languages, by counting.

The rank of a passage is 1 + the number of passages that rank above it. Of each language those with
a higher score than a relevant passage are counted, and the rank in any pool is 1 + the sum of the
counts of the pool's languages, so that one table answers all settings. Ties
follow trec_eval: passages of equal score rank by id, descending. Of a mixed pool it is kept which
passages are equal, since the measures of language bias give them no order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from xbench._util.errors import UserError
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.metrics.ranks import TOP_K, IntArray, PoolRanks, Ties
from xbench.search.first_places import FirstPlaces, Ranking, first_places
from xbench.search.sorted_scores import ScoreArray, SortedScores

SCORES = 2**26
"""How many scores are in memory at a time: more queries are ranked in blocks."""


class Rows(Protocol):
    """Scores of queries, of which those of a slice are computed when they are asked for."""

    def __getitem__(self, rows: slice, /) -> ScoreArray: ...


class RankTable:
    """Ranks of the queries of some languages in every pool of some passage languages.

    Args:
        corpus: The queries, passages and relevance.
        query_languages: Languages of the queries.
        passage_languages: Languages that a pool may hold.
        scores: Scores of the queries of a language, shape (queries, distinct texts); the texts in
            the order of `distinct_texts`. A higher score ranks first. Anything will do that gives
            the rows of a slice.

    Raises:
        UserError: If a score is not finite.
    """

    def __init__(
        self,
        corpus: ParallelCorpus,
        query_languages: Sequence[str],
        passage_languages: Sequence[str],
        scores: Callable[[str], Rows],
    ) -> None:
        self._pool = _Pool(corpus, sorted(passage_languages))
        texts = len(distinct_texts(corpus, passage_languages))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            self._rows = {}
            for language in query_languages:
                own = scores(language)
                blocks = [
                    _count_above(corpus, language, self._pool, own[rows], rows, threads)
                    for rows in _blocks(len(corpus.queries[language]), texts)
                ]
                self._rows[language] = blocks[0] if len(blocks) == 1 else _joined(blocks)

    def covers(self, query_languages: Sequence[str], passage_languages: Sequence[str]) -> bool:
        """Return whether the table holds these queries against these passages and no others."""
        return self._rows.keys() >= set(query_languages) and set(self._pool.languages) == set(
            passage_languages
        )

    def ranks(self, query_language: str, passage_languages: Sequence[str]) -> PoolRanks:
        """Return the ranks of a language's queries in the pool of some passage languages.

        The languages of the first places are there if the pool is that of the whole table.
        """
        counts = self._rows[query_language]
        chosen = [i for i, code in enumerate(self._pool.languages) if code in passage_languages]
        rows = np.isin(counts.language, chosen)
        present, query = np.unique(counts.query[rows], return_inverse=True)
        whole = len(chosen) == len(self._pool.languages) > 1
        ties = None
        if whole:
            ties = Ties(
                above=counts.higher[rows].sum(axis=1),
                tied=counts.equal[rows].sum(axis=1),
                **counts.first_places.blocks_of(present),
            )
        return PoolRanks(
            questions=tuple(counts.questions[q] for q in present),
            query=query,
            language=np.array(self._pool.languages)[counts.language[rows]],
            rank=1 + counts.above[rows][:, chosen].sum(axis=1),
            query_language=query_language,
            pool={self._pool.languages[i]: len(self._pool.columns[i]) for i in chosen},
            top=counts.first_places.top[present] if whole else None,
            ties=ties,
        )


def distinct_texts(corpus: ParallelCorpus, languages: Sequence[str]) -> list[str]:
    """Return the distinct passage texts of some languages, in order of first occurrence."""
    return list(dict.fromkeys(text for code in languages for text in corpus.passages[code].texts))


class _Pool:
    """The passages of some languages: where each one's score is, and how their ids are ordered.

    Attributes:
        languages: Passage languages.
        columns: For each language, the column of each passage's text in a score block.
        order: For each language, each passage's place in the pool by descending id.
        sizes: Number of passages of each language.
        nothing: What `relevant` returns for a question without relevant passages.
    """

    nothing = np.empty((0, 3), np.int64)

    def __init__(self, corpus: ParallelCorpus, languages: Sequence[str]) -> None:
        self.languages = tuple(languages)
        column = {text: i for i, text in enumerate(distinct_texts(corpus, languages))}
        ids = [passage for code in languages for passage in corpus.passages[code].ids]
        by_id = {passage: i for i, passage in enumerate(sorted(ids, reverse=True))}
        self.sizes = np.array([len(corpus.passages[code]) for code in languages], np.int64)
        self.columns: list[IntArray] = []
        self.order: list[IntArray] = []
        self._place: dict[str, tuple[int, int, int]] = {}
        self._judged = [corpus.relevant[code] for code in languages]
        self._relevant: dict[str, IntArray] = {}
        for index, code in enumerate(languages):
            passages = corpus.passages[code]
            self.columns.append(np.array([column[text] for text in passages.texts], np.int64))
            self.order.append(np.array([by_id[passage] for passage in passages.ids], np.int64))
            for passage, text in zip(passages.ids, passages.texts, strict=True):
                self._place[passage] = index, column[text], by_id[passage]

    def relevant(self, question: str) -> IntArray:
        """Return the relevant passages of a question, which is the same in every language.

        Returns:
            For each its language's index, its column, and its place by descending id, shape
            (passages, 3).
        """
        if question not in self._relevant:
            found = [self._place[name] for own in self._judged for name in own.get(question, ())]
            self._relevant[question] = np.array(found, np.int64) if found else self.nothing
        return self._relevant[question]


@dataclass(frozen=True)
class _Counts:
    """For every relevant passage of a language's queries, how many passages rank above it.

    Attributes:
        questions: Ids of the queries.
        query: Index into `questions`, shape (rows,).
        language: Index of the relevant passage's language, shape (rows,).
        above: Passages of each language that rank above, shape (rows, languages).
        higher: Those of them with a higher score, same shape.
        equal: Passages of each language with the same score, itself included, same shape.
        first_places: What is at the first places.
    """

    questions: tuple[str, ...]
    query: IntArray
    language: IntArray
    above: IntArray
    higher: IntArray
    equal: IntArray
    first_places: FirstPlaces


def _count_above(
    corpus: ParallelCorpus,
    query_language: str,
    pool: _Pool,
    scores: ScoreArray,
    block: slice,
    threads: Executor,
) -> _Counts:
    questions = corpus.queries[query_language].ids[block]
    relevant = [pool.relevant(question) for question in questions]
    numbers = np.array([len(own) for own in relevant], np.int64)
    query = np.repeat(np.arange(len(questions)), numbers)
    slot = np.arange(len(query)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    language, column, order = np.concatenate([pool.nothing, *relevant]).T
    threshold = scores[query, column]
    thresholds = np.full((len(questions), numbers.max(initial=0)), np.inf, np.float32)
    thresholds[query, slot] = threshold
    places = min(TOP_K, int(pool.sizes.sum()))

    def ranked(rows: slice) -> tuple[IntArray, IntArray, IntArray, list[Ranking]]:
        own = np.take(scores[rows], np.concatenate(pool.columns), axis=1)
        ascending = SortedScores(own, pool.sizes)
        if not ascending.finite:
            raise UserError(
                f"a similarity score of the queries in {query_language!r} is not finite; check the "
                "model's embeddings and its similarity function"
            )
        mine = slice(*np.searchsorted(query, (rows.start, rows.stop)))
        at = query[mine] - rows.start, slot[mine]
        higher, equal = (found[at] for found in ascending.counts(thresholds[rows]))
        above = higher.copy()
        ends = np.cumsum(pool.sizes)
        for index, (start, end) in enumerate(zip(ends - pool.sizes, ends, strict=True)):
            tied = np.flatnonzero(equal[:, index] > (language[mine] == index))
            above[tied, index] += _tied_before(
                own[:, start:end],
                pool.order[index],
                at[0][tied],
                threshold[mine][tied],
                order[mine][tied],
            )
        return above, higher, equal, ascending.first(places)

    blocks = zip(*threads.map(ranked, _row_blocks(len(scores))), strict=True)
    above, higher, equal = (np.concatenate(next(blocks)) for _ in range(3))
    rankings = [ranking for own in next(blocks) for ranking in own]
    return _Counts(
        questions,
        query,
        language,
        above=above,
        higher=higher,
        equal=equal,
        first_places=first_places(rankings, places, len(pool.languages), block.start),
    )


def _tied_before(
    scores: ScoreArray,
    places: IntArray,
    query: IntArray,
    threshold: ScoreArray,
    order: IntArray,
) -> IntArray:
    """Count the passages of equal score that the order of ids puts before relevant passages.

    Args:
        scores: Scores of the queries and the passages of a language, shape (queries, passages).
        places: Place of each passage by descending id, shape (passages,).
        query: Row of each relevant passage's query in the scores, shape (rows,).
        threshold: Score of each relevant passage, shape (rows,).
        order: Place of each relevant passage by descending id, shape (rows,).
    """
    counts = np.empty(len(query), np.int64)
    small = places.astype(np.int32)
    for rows in _row_blocks(len(query)):
        tied = scores[query[rows]] == threshold[rows, None]
        tied &= small < order[rows, None].astype(np.int32)
        counts[rows] = np.count_nonzero(tied, axis=1)
    return counts


def _blocks(queries: int, texts: int) -> list[slice]:
    """Return slices of queries, each with at most `SCORES` scores, but one query in any case."""
    size = max(1, queries if queries * texts <= SCORES else SCORES // texts)
    return [slice(start, start + size) for start in range(0, queries, size)] or [slice(0, 0)]


def _joined(blocks: Sequence[_Counts]) -> _Counts:
    starts = np.cumsum([0, *(len(block.questions) for block in blocks)])
    places = [block.first_places for block in blocks]
    numbered = [block.query + start for block, start in zip(blocks, starts, strict=False)]
    return _Counts(
        questions=tuple(question for block in blocks for question in block.questions),
        query=np.concatenate(numbered),
        language=np.concatenate([block.language for block in blocks]),
        above=np.concatenate([block.above for block in blocks]),
        higher=np.concatenate([block.higher for block in blocks]),
        equal=np.concatenate([block.equal for block in blocks]),
        first_places=FirstPlaces(
            top=np.concatenate([own.top for own in places]),
            query=np.concatenate(
                [own.query + start for own, start in zip(places, starts, strict=False)]
            ),
            start=np.concatenate([own.start for own in places]),
            counts=np.concatenate([own.counts for own in places]),
        ),
    )


def _row_blocks(rows: int, size: int = 128) -> list[slice]:
    starts = range(0, rows, size) or [0]
    return [slice(start, min(start + size, rows)) for start in starts]
