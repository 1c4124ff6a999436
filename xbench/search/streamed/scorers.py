"""What scores passages: an encoder, or BM25."""

from __future__ import annotations

import hashlib
import operator
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xbench._util.atomic_write import write_atomically
from xbench.models.baselines.streamed_bm25 import Statistics, StreamedBM25, TermCounts
from xbench.models.embedding_checks import Spread, check_vectors
from xbench.models.encoder import MtebTextEncoder
from xbench.models.token_queue import QueuedTexts
from xbench.models.vectors import Vectors
from xbench.search.score_keys import ScoreArray


class Scorer(Protocol):
    """What scores passages for queries that are known from the start.

    A thread that reads ahead calls `prepare`; the other methods are called in the order of the
    passages.

    Attributes:
        needs_corpus_statistics: Whether it must know what is counted in all corpora before it
            scores a passage.
    """

    needs_corpus_statistics: bool

    def prepare(self, texts: Sequence[str], language: str) -> Any:  # noqa: ANN401
        """Do what can be done with passages before their turn comes."""
        ...

    def read(self, prepared: Any) -> Any:  # noqa: ANN401
        """Return what scores are computed from: embeddings, or counts of terms."""
        ...

    def scores(self, query_language: str, pool: tuple[str, ...], read: Any) -> ScoreArray:  # noqa: ANN401
        """Return the scores of passages for the queries of a language in a pool of languages.

        They are valid until the same thread asks again.

        Returns:
            Shape (queries, passages); -inf where a passage is not retrieved.
        """
        ...

    def truncated(self, prepared: Any) -> int:  # noqa: ANN401
        """Return how many of the passages were truncated at the model's maximum length."""
        ...

    def count(self, prepared: Any) -> Any:  # noqa: ANN401
        """Return what it must know of passages; what is counted of several can be added."""
        ...

    def set_statistics(self, counted: Mapping[str, Any]) -> None:
        """Take note of what was counted in the corpus of each language."""
        ...

    def delete_counts(self) -> None:
        """Delete what was kept on disk for the search that has now finished."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


class MakesScorer(Protocol):
    """What makes a scorer in another process, to which it is pickled."""

    @property
    def uses_gpu(self) -> bool:
        """Whether the scorer works on a GPU where there is one."""
        ...

    def __call__(self) -> Scorer:
        """Return the scorer."""
        ...


@dataclass(frozen=True)
class PreparedTexts:
    """Passages on their way to an encoder.

    Attributes:
        texts: The passages.
        truncated: Which were truncated at the model's maximum length, shape (passages,).
        queued: The passages as tokens; None if the model takes texts.
    """

    texts: Sequence[str]
    truncated: NDArray[np.bool_]
    queued: QueuedTexts | None


class EncoderScorer:
    """An encoder; passages are tokenized ahead if it is a SentenceTransformer.

    Args:
        encoder: The encoder.
        queries: Embeddings of the queries by language, shape (queries, dimensions), or matrices.
    """

    needs_corpus_statistics = False

    def __init__(self, encoder: MtebTextEncoder, queries: Mapping[str, Vectors]) -> None:
        self._encoder = encoder
        self._queries = queries
        self._spread = Spread(encoder.name, "passage")
        self._products = {a: encoder.matrix_product(vectors) for a, vectors in queries.items()}
        self._scratch = threading.local()

    def prepare(self, texts: Sequence[str], language: str) -> PreparedTexts:
        """Tokenize passages, and find out which are truncated."""
        queued = self._encoder.prepare(texts, "passage")
        if queued is not None:
            return PreparedTexts(texts, queued.truncated, queued)
        return PreparedTexts(texts, self._encoder.truncated(texts, "passage"), None)

    def read(self, prepared: PreparedTexts) -> Vectors:
        """Return the embeddings of passages.

        Raises:
            UserError: If the model fails, or returns something else than finite vectors that
                differ.
        """
        if prepared.queued is None:
            vectors = self._encoder.own_vectors(prepared.texts, "passage")
        else:
            vectors = self._encoder.encode_prepared(prepared.queued, "passage").vectors
        check_vectors(vectors, prepared.texts, "passage", self._encoder.name)
        self._spread.add(vectors, prepared.texts)
        self._spread.check()
        return vectors

    def scores(self, query_language: str, pool: tuple[str, ...], read: Vectors) -> ScoreArray:
        """Return the model's similarity of the queries of a language with passages.

        The array is overwritten when the same thread asks again.
        """
        queries, product = self._queries[query_language], self._products[query_language]
        if product is None or isinstance(read, list):
            return self._encoder.similarity(queries, read)
        size, scratch = len(queries) * len(read), getattr(self._scratch, "array", None)
        if scratch is None or scratch.size < size:
            self._scratch.array = scratch = np.empty(size, np.float32)
        return product(read, scratch)

    def truncated(self, prepared: PreparedTexts) -> int:
        """Return how many of the passages were truncated at the model's maximum length."""
        return int(prepared.truncated.sum())

    def count(self, prepared: PreparedTexts) -> None:
        """Do nothing: an encoder sees each passage alone."""

    def set_statistics(self, counted: Mapping[str, Any]) -> None:
        """Do nothing: an encoder sees each passage alone."""

    def delete_counts(self) -> None:
        """Do nothing: embeddings are not kept."""

    def close(self) -> None:
        """Let go of the model."""
        self._spread.warn()


class BM25Scorer:
    """BM25; what is counted of passages is kept on disk for the pass that scores them.

    Args:
        bm25: The queries.
        folder: Where to keep counts, each under the digest of what was counted.
    """

    needs_corpus_statistics = True

    def __init__(self, bm25: StreamedBM25, folder: Path) -> None:
        self._bm25 = bm25
        self._folder = folder
        self._counted: Mapping[str, Statistics] = {}
        self._pools: dict[tuple[str, ...], Statistics] = {}

    def prepare(self, texts: Sequence[str], language: str) -> TermCounts:
        """Count the queries' terms in passages, or read what was counted before."""
        digest = hashlib.sha256(f"{self._bm25.fingerprint}\n{language}".encode())
        for text in texts:
            digest.update(f"\0{text}".encode())
        path = self._folder / digest.hexdigest()[:2] / f"{digest.hexdigest()}.safetensors"
        with suppress(ValueError, OSError):
            if path.is_file():
                return TermCounts.from_bytes(path.read_bytes())
        counts = self._bm25.count(texts, language)
        write_atomically(path, counts.to_bytes())
        return counts

    def read(self, prepared: TermCounts) -> TermCounts:
        """Return the counts."""
        return prepared

    def scores(self, query_language: str, pool: tuple[str, ...], read: TermCounts) -> ScoreArray:
        """Return the scores of passages under the statistics of a pool."""
        pools = self._pools
        if pool not in pools:
            pools[pool] = reduce(operator.add, (self._counted[code] for code in pool))
        return self._bm25.scores(query_language, read, pools[pool])

    def truncated(self, prepared: TermCounts) -> int:
        """Return 0: every word is read."""
        return 0

    def count(self, prepared: TermCounts) -> Statistics:
        """Return the statistics of passages."""
        return Statistics.of(prepared)

    def set_statistics(self, counted: Mapping[str, Statistics]) -> None:
        """Take note of the statistics of each language's corpus."""
        if counted is not self._counted:
            self._counted, self._pools = counted, {}

    def delete_counts(self) -> None:
        """Delete the counts."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Do nothing: there is no model to let go of."""
