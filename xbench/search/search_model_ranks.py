"""Ranks from a model that searches by itself: BM25, a cross-encoder, any mteb search model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from datasets import Dataset
from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import (
    CrossEncoderProtocol,
    SearchCrossEncoderWrapper,
    SearchEncoderWrapper,
    SearchProtocol,
)

from xbench._util.errors import UserError
from xbench.data.catalogue import Subset
from xbench.data.parallel_corpus import ParallelCorpus, Texts
from xbench.metrics import PoolRanks
from xbench.search.ranked_lists import KeepLists, from_run
from xbench.search.run_ranks import ranks_in_run


class SplitView(Mapping[str, dict[str, RetrievalSplitData]]):
    """A parallel corpus as mteb's retrieval tasks hold their data, each subset made when asked for.

    Args:
        corpus: The parallel corpus.
        subsets: The subsets by name.
        split: Name of the split.
    """

    def __init__(self, corpus: ParallelCorpus, subsets: Mapping[str, Subset], split: str) -> None:
        self._corpus = corpus
        self._subsets = subsets
        self._split = split
        self._made: dict[str, dict[str, RetrievalSplitData]] = {}
        self._pools: dict[tuple[str, ...], Dataset] = {}

    def __getitem__(self, name: str) -> dict[str, RetrievalSplitData]:
        if name not in self._made:
            self._made[name] = {self._split: self._make(self._subsets[name])}
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._subsets)

    def __len__(self) -> int:
        return len(self._subsets)

    def _make(self, subset: Subset) -> RetrievalSplitData:
        languages = subset.passage_languages
        relevant = self._corpus.relevant_passages(subset.query_language, languages)
        queries = self._corpus.queries[subset.query_language]
        kept = [i for i, question in enumerate(queries.ids) if question in relevant]
        if languages not in self._pools:
            self._pools[languages] = _dataset({a: self._corpus.passages[a] for a in languages})
        return RetrievalSplitData(
            queries=_dataset({subset.query_language: queries}).select(kept),
            corpus=self._pools[languages],
            relevant_docs={
                question: dict.fromkeys(passages, 1) for question, passages in relevant.items()
            },
            top_ranked=None,
        )


def _dataset(texts: Mapping[str, Texts]) -> Dataset:
    return Dataset.from_dict(
        {
            "id": [i for side in texts.values() for i in side.ids],
            "text": [text for side in texts.values() for text in side.texts],
            "language": [code for code, side in texts.items() for _ in side.ids],
        }
    )


def rank_with_search(
    model: Any,  # noqa: ANN401
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    data: Mapping[str, Mapping[str, RetrievalSplitData]],
    subsets: Mapping[str, Subset],
    keep: KeepLists | None = None,
) -> Iterator[tuple[str, PoolRanks]]:
    """Yield the name and the ranks of each subset; each pool is indexed once.

    Args:
        model: An mteb search model or cross-encoder.
        metadata: Metadata of the task.
        encode_kwargs: Keyword arguments that mteb hands to search models.
        data: Queries, pools and relevance as mteb holds them, by subset and split.
        subsets: The subsets to rank, by name.
        keep: What to do with what the model retrieves.

    Raises:
        UserError: If a cross-encoder has no passages to re-rank.
    """
    searcher = searcher_of(model)
    split = metadata.eval_splits[0]
    indexed: tuple[str, ...] | None = None
    for name in sorted(subsets, key=lambda name: subsets[name].passage_languages):
        content = data[name][split]
        _check_first_stage(model, content)
        common = arguments(metadata, name, encode_kwargs)
        corpus = content["corpus"]
        let_go = getattr(searcher, "task_corpus", searcher) is None
        if indexed != subsets[name].passage_languages or let_go:
            searcher.index(corpus, **common)
            indexed = subsets[name].passage_languages
        run = searcher.search(
            content["queries"], top_k=len(corpus), top_ranked=content["top_ranked"], **common
        )
        relevant = {question: list(found) for question, found in content["relevant_docs"].items()}
        language = subsets[name].query_language
        if keep is not None:
            keep(name, from_run(run, relevant, language))
        yield name, ranks_of_run(run, content, language)


def arguments(
    metadata: TaskMetadata, subset: str, encode_kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what mteb's search models take besides the texts."""
    return {
        "task_metadata": metadata,
        "hf_split": metadata.eval_splits[0],
        "hf_subset": subset,
        "encode_kwargs": dict(encode_kwargs),
        "num_proc": None,
    }


def _check_first_stage(model: Any, content: RetrievalSplitData) -> None:  # noqa: ANN401
    if isinstance(model, CrossEncoderProtocol) and not content["top_ranked"]:
        raise UserError(
            f"{model.mteb_model_meta.name} is a cross-encoder: it re-ranks what another model "
            "found. Name that model with --model and this one with --rerank, or give the task "
            "that model's predictions with task.convert_to_reranking(…)."
        )


def ranks_of_run(
    run: Mapping[str, Mapping[str, float]], content: RetrievalSplitData, query_language: str
) -> PoolRanks:
    """Return the ranks of a subset's relevant passages in a run."""
    corpus = content["corpus"]
    return ranks_in_run(
        run,
        {question: list(passages) for question, passages in content["relevant_docs"].items()},
        dict(zip(corpus["id"], corpus["language"], strict=True)),
        query_language,
    )


def searcher_of(model: Any) -> Any:  # noqa: ANN401
    """Return an mteb model as one that indexes and searches."""
    if isinstance(model, SearchProtocol):
        return model
    if isinstance(model, CrossEncoderProtocol):
        return SearchCrossEncoderWrapper(model)
    return SearchEncoderWrapper(model)
