"""The embeddings of a corpus, encoded once, and the scores of its languages."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
from tqdm.auto import tqdm

from xbench.data.parallel_corpus import ParallelCorpus
from xbench.models.embedding_store import EmbeddingStore, Role, TextEncoder, embed
from xbench.models.encoder import EncodingReport, MtebTextEncoder
from xbench.models.same_model import keep_if_same, share_if_alike
from xbench.models.vectors import FloatArray, Vectors
from xbench.search.exact_ranks import RankTable, Rows, distinct_texts
from xbench.search.variants import Variant, VariantVectors

ROLES: tuple[Role, ...] = ("query", "passage")


@dataclass(frozen=True)
class Ranking:
    """A table of ranks and what was encoded for it."""

    table: RankTable
    report: EncodingReport


@dataclass
class Memory:
    """What is kept of a model while it lives.

    Attributes:
        rankings: Its rankings.
        stores: Embeddings that are kept nowhere else.
        read: Embeddings of the last corpus that are on disk, too, by folder.
        corpus: Fingerprint of that corpus.
    """

    rankings: dict[tuple[str, ...], list[Ranking]] = field(default_factory=dict)
    stores: dict[tuple[str, ...], EmbeddingStore] = field(default_factory=dict)
    read: dict[Path, EmbeddingStore] = field(default_factory=dict)
    corpus: str = ""

    def store(self, folder: Path, corpus: str) -> EmbeddingStore:
        """Return the embeddings of a folder; what is read of them is kept until the next corpus."""
        if corpus != self.corpus:
            self.corpus, self.read = corpus, {}
        return self.read.setdefault(folder, EmbeddingStore(folder))


_MEMORY: WeakKeyDictionary[Any, Memory] = WeakKeyDictionary()


def memory_of(model: Any) -> Memory:  # noqa: ANN401
    """Return what is kept of a model; of an object that cannot be a key, nothing is."""
    try:
        return _MEMORY.setdefault(model, Memory())
    except TypeError:
        return Memory()


class CorpusEmbeddings:
    """The embeddings of a corpus: queries of some languages, passages of some languages.

    Args:
        encoder: The model.
        memory: What is kept of it.
        corpus: Queries and passages.
        query_languages: Languages of the queries.
        passage_languages: Languages of the passages.
        cache_dir: Folder under which embeddings are kept.
        variant: What is made of the embeddings; None leaves them as they are.

    Attributes:
        settings: What decides the embeddings of a living model.
    """

    def __init__(
        self,
        encoder: MtebTextEncoder,
        memory: Memory,
        corpus: ParallelCorpus,
        query_languages: Sequence[str],
        passage_languages: Sequence[str],
        cache_dir: Path,
        variant: Variant | None = None,
    ) -> None:
        self._encoder, self._corpus, self._variant = encoder, corpus, variant
        self._tokens_before = encoder.tokens or 0
        self._texts: Mapping[Role, list[tuple[str, ...]]] = {
            "query": [corpus.queries[code].texts for code in query_languages],
            "passage": [corpus.passages[code].texts for code in passage_languages],
        }
        self._distinct = distinct_texts(corpus, passage_languages)
        self.settings = encoder.change_token(), *(encoder.settings(role) for role in ROLES)
        self._stores = {role: self._store(memory, role, cache_dir) for role in ROLES}
        self._passages: Vectors | None = None
        self._made: VariantVectors | None = None

    def _store(self, memory: Memory, role: Role, cache_dir: Path) -> EmbeddingStore:
        identity = self._encoder.identity(role)
        if identity is None:
            return memory.stores.setdefault((role, *self.settings), EmbeddingStore(None))
        return memory.store(cache_dir / "embeddings" / identity, self._corpus.fingerprint)

    def are_of_this_model(self) -> bool:
        """Return whether the model is that of all stored embeddings; others are discarded."""
        if self._encoder.is_certain:
            return True
        return all(
            [
                keep_if_same(self._encoder, role, _all(self._texts[role]), self._stores[role])
                for role in ROLES
            ]
        )

    def are_stored(self) -> bool:
        """Return whether nothing has to be encoded."""
        for role, texts in self._texts.items():
            self._stores[role].load(_all(texts))
        return not any(self._stores[role].missing(_all(self._texts[role])) for role in ROLES)

    def encode(self, *, show_progress: bool) -> EncodingReport:
        """Encode what is not stored.

        Raises:
            UserError: If the model fails.
        """
        encoded, began = 0, time.monotonic()
        for role, texts in self._texts.items():
            self._share(role)
            encoded += _embed(self._encoder, role, texts, self._stores[role], show_progress)
        seconds, tokens = time.monotonic() - began, self._encoder.tokens
        distinct = {role: list(dict.fromkeys(_all(own))) for role, own in self._texts.items()}
        return EncodingReport(
            texts=sum(map(len, distinct.values())),
            encoded=encoded,
            truncated=sum(
                int(self._stores[role].get(distinct[role]).truncated.sum()) for role in ROLES
            ),
            tokens=None if tokens is None else tokens - self._tokens_before,
            seconds=seconds if encoded else None,
        )

    def _share(self, role: Role) -> None:
        """Take over the embeddings of the other role's texts, if a text's role does not matter."""
        other: Role = "passage" if role == "query" else "query"
        if self._encoder.prompt(role) == self._encoder.prompt(other):
            self._stores[role].load(_all(self._texts[role]))
            share_if_alike(
                self._encoder,
                role,
                _all(self._texts[role]),
                self._stores[role],
                self._stores[other],
            )

    def scores(self, language: str) -> Rows:
        """Return the scores of the queries of a language, shape (queries, distinct passages)."""
        if self._passages is None:
            self._passages = self._stores["passage"].get(self._distinct).vectors
            if self._variant is not None:
                self._made = VariantVectors(self._variant, self._passages, self._encoder.name)
                self._passages = self._made(cast("Any", self._passages))
        queries = self._stores["query"].get(self._corpus.queries[language].texts).vectors
        if self._made is not None:
            queries = self._made(cast("Any", queries))
        binary = self._variant is not None and self._variant.quantize == "binary"
        return _Scores(None if binary else self._encoder, queries, self._passages)


@dataclass(frozen=True)
class _Scores:
    """Scores of queries against passages, those of some queries at a time.

    Without an encoder, which knows the model's similarity, they are dot products.
    """

    encoder: MtebTextEncoder | None
    queries: Vectors
    passages: Vectors

    def __getitem__(self, rows: slice) -> FloatArray:
        if self.encoder is not None:
            return self.encoder.similarity(self.queries[rows], self.passages)
        return np.asarray(cast("Any", self.queries)[rows] @ cast("Any", self.passages).T)


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
