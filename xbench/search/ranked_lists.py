"""What a search retrieved for the queries of one subset, best first: a run for other tools.

Scores are in single precision, and equal ones are ordered by passage id, descending, so that
trec_eval ranks a saved run as it was ranked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xbench.data.catalogue import Subset
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.metrics.ranks import RUN_DEPTH, IntArray
from xbench.search.exact_ranks import Rows, distinct_texts
from xbench.search.sorted_scores import ScoreArray
from xbench.search.top_k import IdArray

Ranked = Iterator[tuple[str, Sequence[str], ScoreArray]]
"""A query, and the ids and scores of its best passages, the best first."""


@dataclass(frozen=True)
class RankedLists:
    """The best passages of each query of a subset, and which of all are relevant.

    Attributes:
        ranked: The best passages of each query, at most `RUN_DEPTH`.
        relevant: Ids of the relevant passages, by query id.
        query_language: ISO 639-1 code of the queries.
    """

    ranked: Ranked
    relevant: Mapping[str, Sequence[str]]
    query_language: str


ROWS = 64
"""Queries whose scores are in memory at a time."""

KeepLists = Callable[[str, RankedLists], None]
"""What is done with the lists of a subset, by its name."""


def from_scores(corpus: ParallelCorpus, subset: Subset, scores: Rows) -> RankedLists:
    """Return the lists of a subset from the scores of its queries.

    Args:
        corpus: The queries, passages and relevance.
        subset: Whose queries, against whose passages.
        scores: Scores of the language's queries, shape (queries, distinct texts of all passage
            languages of the corpus); the texts in the order of `distinct_texts`.
    """
    column = {t: i for i, t in enumerate(distinct_texts(corpus, corpus.languages))}
    pool = sorted(
        (
            (passage, column[text])
            for code in subset.passage_languages
            for passage, text in zip(
                corpus.passages[code].ids, corpus.passages[code].texts, strict=True
            )
        ),
        reverse=True,
    )
    ids, columns = [passage for passage, _ in pool], np.array([place for _, place in pool])
    relevant = corpus.relevant_passages(subset.query_language, subset.passage_languages)

    def ranked() -> Ranked:
        questions = corpus.queries[subset.query_language].ids
        for start in range(0, len(questions), ROWS):
            block = scores[start : start + ROWS][:, columns]
            for question, own in zip(questions[start:], block, strict=False):
                if question in relevant:
                    best = _first(own)
                    yield question, [ids[i] for i in best], own[best]

    return RankedLists(ranked(), relevant, subset.query_language)


def from_run(
    run: Mapping[str, Mapping[str, float]],
    relevant: Mapping[str, Sequence[str]],
    query_language: str,
) -> RankedLists:
    """Return the lists of a subset from the run of a search model.

    Args:
        run: Score of each retrieved passage, by query id.
        relevant: Ids of the relevant passages, by query id.
        query_language: ISO 639-1 code of the queries.
    """

    def ranked() -> Ranked:
        for question in relevant:
            own = run.get(question, {})
            ids = sorted(own, reverse=True)
            scores = np.array([own[passage] for passage in ids], np.float32)
            best = _first(scores)
            yield question, [ids[i] for i in best], scores[best]

    return RankedLists(ranked(), relevant, query_language)


def _first(scores: ScoreArray) -> IntArray:
    """Return where the highest scores are, the best first; of equal ones, the leftmost first."""
    if len(scores) <= RUN_DEPTH:
        return np.argsort(-scores, kind="stable")
    least = np.partition(scores, -RUN_DEPTH)[-RUN_DEPTH]
    reaching = np.flatnonzero(scores >= least)
    return reaching[np.argsort(-scores[reaching], kind="stable")[:RUN_DEPTH]]


def from_best(
    questions: Sequence[str],
    scores: ScoreArray,
    ids: IdArray,
    relevant: Mapping[str, Sequence[str]],
    query_language: str,
    start: str = "",
) -> RankedLists:
    """Return the lists of a subset from the best passages of each query.

    Args:
        questions: Ids of the queries.
        scores: Shape (queries, depth), descending; -inf where fewer passages were retrieved.
        ids: Ids of the passages in UTF-8, of the same shape.
        relevant: Ids of the relevant passages, by query id.
        query_language: ISO 639-1 code of the queries.
        start: What all ids begin with, and the lists do not have.
    """

    def ranked() -> Ranked:
        for question, row, best in zip(questions, scores, ids, strict=True):
            found = np.isfinite(row)
            passages = [passage.decode().removeprefix(start) for passage in best[found].tolist()]
            yield question, passages, row[found]

    return RankedLists(ranked(), relevant, query_language)
