"""Ranks of two stages: a cross-encoder ranks again what a first stage ranks first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import SearchCrossEncoderWrapper
from numpy.typing import NDArray

from xbench.data.catalogue import Subset
from xbench.data.parallel_corpus import ParallelCorpus
from xbench.metrics import PoolRanks
from xbench.models.encoder import MtebTextEncoder
from xbench.models.inner import embedding_kind
from xbench.models.reranked import Reranked
from xbench.models.vectors import FloatArray
from xbench.search.corpus_embeddings import CorpusEmbeddings, memory_of
from xbench.search.exact_ranks import distinct_texts
from xbench.search.search_model_ranks import arguments, ranks_of_run, searcher_of

Candidates = Callable[[str], dict[str, list[str]]]
"""The first passages of each query of a subset, by the name of the subset."""


def rank_again(
    model: Reranked,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    data: Mapping[str, Mapping[str, RetrievalSplitData]],
    subsets: Mapping[str, Subset],
    cache_dir: Path,
) -> dict[str, PoolRanks]:
    """Return the ranks of each subset by name; what the second stage does not see has none.

    Args:
        model: The two stages.
        metadata: Metadata of the task.
        encode_kwargs: Keyword arguments of the models.
        corpus: Queries, passages and relevance.
        data: The same as mteb holds it, by subset and split.
        subsets: The subsets to rank, by name.
        cache_dir: Folder under which embeddings are kept.

    Raises:
        UserError: If a model fails.
    """
    split = metadata.eval_splits[0]
    if embedding_kind(model.first) is None:
        candidates = _of_search(model, metadata, encode_kwargs, data)
    else:
        candidates = _of_encoder(model, metadata, encode_kwargs, corpus, subsets, cache_dir)
    second = SearchCrossEncoderWrapper(model.second)
    found = {}
    for name in sorted(subsets, key=lambda name: subsets[name].query_language):
        content = data[name][split]
        common = arguments(metadata, name, encode_kwargs)
        second.index(content["corpus"], **common)
        first = candidates(name)
        run = second.search(content["queries"], top_k=model.top, top_ranked=first, **common)
        found[name] = ranks_of_run(run, content, subsets[name].query_language)
    return found


def _of_search(
    model: Reranked,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    data: Mapping[str, Mapping[str, RetrievalSplitData]],
) -> Candidates:
    searcher = searcher_of(model.first)

    def candidates(name: str) -> dict[str, list[str]]:
        content = data[name][metadata.eval_splits[0]]
        common = arguments(metadata, name, encode_kwargs)
        searcher.index(content["corpus"], **common)
        run = searcher.search(content["queries"], top_k=model.top, **common)
        return {query: _first(own, model.top) for query, own in run.items()}

    return candidates


def _of_encoder(
    model: Reranked,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    subsets: Mapping[str, Subset],
    cache_dir: Path,
) -> Candidates:
    query_languages = sorted({own.query_language for own in subsets.values()})
    languages = sorted({code for own in subsets.values() for code in own.passage_languages})
    encoder = MtebTextEncoder(model.first, metadata, encode_kwargs)
    embeddings = CorpusEmbeddings(
        encoder, memory_of(model.first), corpus, query_languages, languages, cache_dir
    )
    embeddings.are_of_this_model()
    embeddings.encode(show_progress=bool(encode_kwargs.get("show_progress_bar", True)))
    column = {text: i for i, text in enumerate(distinct_texts(corpus, languages))}
    scores = cache(embeddings.scores)

    def candidates(name: str) -> dict[str, list[str]]:
        subset = subsets[name]
        pool = [
            (passage, column[text])
            for code in subset.passage_languages
            for passage, text in zip(
                corpus.passages[code].ids, corpus.passages[code].texts, strict=True
            )
        ]
        ids = np.array([passage for passage, _ in pool])
        queries = corpus.queries[subset.query_language].ids
        block = scores(subset.query_language)[: len(queries)][:, [place for _, place in pool]]
        relevant = corpus.relevant_passages(subset.query_language, subset.passage_languages)
        return {
            query: _first(dict(zip(ids[best].tolist(), row[best].tolist(), strict=True)), model.top)
            for query, row in zip(queries, block, strict=True)
            if query in relevant
            for best in [_reaching(row, model.top)]
        }

    return candidates


def _reaching(row: FloatArray, top: int) -> NDArray[np.int64]:
    """Return where the scores are that are among the highest, with all that tie with the last."""
    if len(row) <= top:
        return np.arange(len(row))
    return np.flatnonzero(row >= np.partition(row, -top)[-top])


def _first(scores: Mapping[str, float], top: int) -> list[str]:
    """Return the best passages; of equal ones, those with the last ids, as in trec_eval."""
    return sorted(sorted(scores, reverse=True), key=lambda passage: -scores[passage])[:top]
