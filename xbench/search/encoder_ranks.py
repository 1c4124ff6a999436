"""What runs when a task meets a model: each text encoded once, each pool ranked once.

mteb asks for one subset at a time; the engine answers all subsets of a dataset, of all three
settings, from one table of ranks that it keeps as long as the model lives unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from xbench.models.same_model import keep_if_same
from xbench.search.exact_ranks import RankTable, distinct_texts

ROLES: tuple[Role, ...] = ("query", "passage")


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
    *,
    is_same: bool = False,
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
        is_same: Whether the model is known to be unchanged since it was last ranked with.

    Raises:
        UserError: If an embedding or a score is not finite or has the wrong shape.
    """
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    settings = (change_token(model), encoder.settings("query"), encoder.settings("passage"))
    memory = _memory(model)
    stores = {role: _store(memory, encoder, role, settings, cache_dir) for role in ROLES}
    texts = _texts(corpus, query_languages, passage_languages)
    key = (corpus.fingerprint, *settings, str(encoder.similarity_name))
    if not is_same and not encoder.is_certain and not _same(encoder, texts, stores):
        memory.rankings.pop(key, None)
    known = memory.rankings.setdefault(key, [])
    for ranking in known:
        if ranking.table.covers(query_languages, passage_languages):
            return ranking
    ranking = _rank(
        encoder,
        stores,
        texts,
        corpus,
        query_languages,
        passage_languages,
        show_progress=bool(encode_kwargs.get("show_progress_bar", True)),
    )
    known.append(ranking)
    return ranking


def _memory(model: Any) -> _Memory:  # noqa: ANN401
    """Return what is kept of a model; of an object that cannot be a key, nothing is."""
    try:
        return _MEMORY.setdefault(model, _Memory())
    except TypeError:
        return _Memory()


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


def _texts(
    corpus: ParallelCorpus, query_languages: Sequence[str], passage_languages: Sequence[str]
) -> Mapping[Role, list[tuple[str, ...]]]:
    return {
        "query": [corpus.queries[code].texts for code in query_languages],
        "passage": [corpus.passages[code].texts for code in passage_languages],
    }


def _same(
    encoder: MtebTextEncoder,
    texts: Mapping[Role, list[tuple[str, ...]]],
    stores: Mapping[Role, EmbeddingStore],
) -> bool:
    """Return whether the model is that of all stored embeddings; others are discarded."""
    return all([keep_if_same(encoder, role, _all(texts[role]), stores[role]) for role in ROLES])


def _rank(
    encoder: MtebTextEncoder,
    stores: Mapping[Role, EmbeddingStore],
    texts: Mapping[Role, list[tuple[str, ...]]],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    passage_languages: Sequence[str],
    *,
    show_progress: bool,
) -> Ranking:
    encoded = sum(_embed(encoder, role, texts[role], stores[role], show_progress) for role in texts)
    passages = stores["passage"].get(distinct_texts(corpus, passage_languages)).vectors

    def scores(language: str) -> Any:  # noqa: ANN401
        queries = stores["query"].get(corpus.queries[language].texts).vectors
        return encoder.similarity(queries, passages)

    distinct = {role: list(dict.fromkeys(_all(texts[role]))) for role in texts}
    return Ranking(
        table=RankTable(corpus, query_languages, passage_languages, scores),
        report=EncodingReport(
            texts=sum(map(len, distinct.values())),
            encoded=encoded,
            truncated=sum(int(stores[role].get(distinct[role]).truncated.sum()) for role in texts),
        ),
    )


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
