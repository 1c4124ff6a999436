"""What runs when a task meets a model: each text encoded once, each pool ranked once.

mteb asks for one subset at a time; the engine answers all subsets of a dataset, of all three
settings, from one table of ranks that it keeps as long as the model lives unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import EncoderProtocol
from tqdm.auto import tqdm

from xbench.data.parallel_corpus import ParallelCorpus
from xbench.models.embedding_store import EmbeddingStore, Role, TextEncoder, embed
from xbench.models.encoder import EncodingReport, MtebTextEncoder
from xbench.models.identity import change_token
from xbench.search.exact_ranks import RankTable, Rows, ScoreArray, distinct_texts


@dataclass(frozen=True)
class Ranking:
    """A table of ranks and what was encoded for it."""

    table: RankTable
    report: EncodingReport


@dataclass
class _Memory:
    """What is kept of a model while it lives: its rankings, and embeddings kept nowhere else."""

    rankings: dict[tuple[str, ...], list[Ranking]] = field(default_factory=dict)
    stores: dict[tuple[str, ...], EmbeddingStore] = field(default_factory=dict)


_MEMORY: WeakKeyDictionary[Any, _Memory] = WeakKeyDictionary()


def rank_with_encoder(
    model: EncoderProtocol,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    passage_languages: Sequence[str],
    cache_dir: Path,
) -> Ranking:
    """Return the ranks of the queries of some languages in the pools of some passage languages.

    Args:
        model: The encoder.
        metadata: Metadata of the task, from which models choose their prompts.
        encode_kwargs: Keyword arguments of the model's `encode`.
        corpus: Queries, passages and relevance.
        query_languages: Languages of the queries.
        passage_languages: Languages that a pool may hold.
        cache_dir: Folder under which embeddings are kept.

    Raises:
        UserError: If an embedding or a score is not finite or has the wrong shape.
    """
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    settings, memory = _settings(encoder, model), _memory(model)
    known = memory.rankings.setdefault((corpus.fingerprint, *settings), [])
    for ranking in known:
        if ranking.table.covers(query_languages, passage_languages):
            return ranking
    ranking = _rank(
        encoder,
        _stores(memory, encoder, settings, cache_dir),
        corpus,
        query_languages,
        passage_languages,
        show_progress=bool(encode_kwargs.get("show_progress_bar", True)),
    )
    known.append(ranking)
    return ranking


def score_with_encoder(
    model: EncoderProtocol,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    cache_dir: Path,
) -> Callable[[str], Rows]:
    """Return what scores the queries of a language against all passages of a corpus.

    Texts that were encoded for ranks are not encoded again. The arguments are those of
    `rank_with_encoder`; the scores have the shape (queries, distinct texts).

    Raises:
        UserError: If an embedding is not finite or has the wrong shape.
    """
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    stores = _stores(_memory(model), encoder, _settings(encoder, model), cache_dir)
    show_progress = bool(encode_kwargs.get("show_progress_bar", True))
    texts = _texts(corpus, query_languages, corpus.languages)
    for role, collections in texts.items():
        _embed(encoder, role, collections, stores[role], show_progress)
    return _scores(encoder, stores, corpus, corpus.languages)


def _settings(encoder: MtebTextEncoder, model: Any) -> tuple[str, ...]:  # noqa: ANN401
    return change_token(model), encoder.settings("query"), encoder.settings("passage")


def _memory(model: Any) -> _Memory:  # noqa: ANN401
    """Return what is kept of a model; of an object that cannot be a key, nothing is."""
    try:
        return _MEMORY.setdefault(model, _Memory())
    except TypeError:
        return _Memory()


def _stores(
    memory: _Memory, encoder: MtebTextEncoder, settings: tuple[str, ...], cache_dir: Path
) -> dict[Role, EmbeddingStore]:
    return {
        role: _store(memory, encoder, role, settings, cache_dir) for role in ("query", "passage")
    }


def _store(
    memory: _Memory,
    encoder: MtebTextEncoder,
    role: Role,
    settings: tuple[str, ...],
    cache_dir: Path,
) -> EmbeddingStore:
    identity = encoder.identity(role)
    if identity is None:
        return memory.stores.setdefault((role, *settings), EmbeddingStore(None))
    return EmbeddingStore(cache_dir / "embeddings" / identity)


def _rank(
    encoder: MtebTextEncoder,
    stores: Mapping[Role, EmbeddingStore],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    passage_languages: Sequence[str],
    *,
    show_progress: bool,
) -> Ranking:
    texts = _texts(corpus, query_languages, passage_languages)
    encoded = sum(_embed(encoder, role, texts[role], stores[role], show_progress) for role in texts)
    scores = _scores(encoder, stores, corpus, passage_languages)
    distinct = {role: list(dict.fromkeys(_all(texts[role]))) for role in texts}
    return Ranking(
        table=RankTable(corpus, query_languages, passage_languages, scores),
        report=EncodingReport(
            texts=sum(map(len, distinct.values())),
            encoded=encoded,
            truncated=sum(int(stores[role].get(distinct[role]).truncated.sum()) for role in texts),
        ),
    )


def _texts(
    corpus: ParallelCorpus, query_languages: Sequence[str], passage_languages: Sequence[str]
) -> dict[Role, list[tuple[str, ...]]]:
    return {
        "query": [corpus.queries[code].texts for code in query_languages],
        "passage": [corpus.passages[code].texts for code in passage_languages],
    }


@dataclass(frozen=True)
class _Scores:
    """Scores of queries against passages, those of some queries at a time."""

    encoder: MtebTextEncoder
    queries: Any
    passages: Any

    def __getitem__(self, rows: slice) -> ScoreArray:
        return self.encoder.similarity(self.queries[rows], self.passages)


def _scores(
    encoder: MtebTextEncoder,
    stores: Mapping[Role, EmbeddingStore],
    corpus: ParallelCorpus,
    passage_languages: Sequence[str],
) -> Callable[[str], Rows]:
    passages = stores["passage"].get(distinct_texts(corpus, passage_languages)).vectors

    def scores(language: str) -> _Scores:
        queries = stores["query"].get(corpus.queries[language].texts).vectors
        return _Scores(encoder, queries, passages)

    return scores


def _embed(
    encoder: TextEncoder,
    role: Role,
    texts: Sequence[Sequence[str]],
    store: EmbeddingStore,
    show_progress: bool,
) -> int:
    store.load(_all(texts))
    missing = len(store.missing(_all(texts)))
    total = sum(len(set(collection)) for collection in texts)
    with tqdm(
        total=total,
        desc=f"Encoding {role} texts",
        unit="text",
        disable=not (show_progress and missing),
    ) as bar:
        embed(encoder, role, texts, store, progress=bar.update)
    return missing


def _all(texts: Iterable[Iterable[str]]) -> Iterable[str]:
    return (text for collection in texts for text in collection)
