"""Which model can search streamed corpora, and how: an encoder, or the built-in BM25."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mteb.abstasks.task_metadata import TaskMetadata

from xbench._util.errors import UserError
from xbench.data.download import DataLocation
from xbench.models.baselines.bm25 import BM25
from xbench.models.baselines.streamed_bm25 import StreamedBM25
from xbench.models.embedding_store import EmbeddingStore, embed
from xbench.models.encoder import MtebTextEncoder
from xbench.models.inner import embedding_kind
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions
from xbench.models.same_model import keep_if_same
from xbench.models.vectors import Vectors, dense
from xbench.search.options import SearchOptions
from xbench.search.streamed.checkpoint import Identity
from xbench.search.streamed.local_backend import LocalBackend
from xbench.search.streamed.scorers import BM25Scorer, EncoderScorer, MakesScorer, Scorer
from xbench.search.streamed.session import Session, search_folder
from xbench.search.streamed.shards import Backend


@contextmanager
def session_of(
    model: Any,  # noqa: ANN401
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    queries: Mapping[str, Sequence[str]],
    options: SearchOptions,
    location: DataLocation,
    model_options: ModelOptions | None = None,
) -> Iterator[Session]:
    """Give a model's session on queries that are known from the start.

    Args:
        model: An mteb encoder, or the built-in BM25.
        metadata: Metadata of the task, from which models choose their prompts.
        encode_kwargs: Keyword arguments of the model's `encode`.
        queries: Texts of the queries by language.
        options: How to search.
        location: Where progress is kept.
        model_options: What the model was loaded by, so that workers can load it, too.

    Raises:
        UserError: If the model is another one.
    """
    name = place = str(model.mteb_model_meta.name)
    identity: Identity | None
    remote: MakesScorer | None = None
    truncated = 0
    if isinstance(model, BM25):
        folder = search_folder(name, location.cache_dir) / "counts"
        remote = RemoteBM25(queries, model.k1, model.b, folder)
        scorer: Scorer = remote()
        identity = {
            "model": f"{name}@{model.mteb_model_meta.revision}",
            "k1": str(model.k1),
            "b": str(model.b),
        }
    elif embedding_kind(model) is not None:
        encoder = MtebTextEncoder(model, metadata, encode_kwargs)
        vectors, truncated = _embedded(encoder, queries, location)
        scorer, identity = EncoderScorer(encoder, vectors), _identity(encoder, vectors)
        place = encoder.weights() or name
        if model_options is not None:
            remote = RemoteEncoder(
                model_options, location.offline, metadata, dict(encode_kwargs), vectors
            )
    else:
        raise UserError(
            f"{name}: corpora that are streamed can be searched with an encoder, or with "
            "xbench/bm25, and without --rerank"
        )
    with closing(scorer), _backend(scorer, remote, options) as backend:
        cache_dir, show_progress = location.cache_dir, options.show_progress
        yield Session(place, identity, backend, cache_dir, show_progress, truncated)


@contextmanager
def _backend(
    scorer: Scorer, make_scorer: MakesScorer | None, options: SearchOptions
) -> Iterator[Backend]:
    if options.backend == "local":
        yield LocalBackend(scorer)
        return
    if make_scorer is None:
        raise UserError(
            "--backend ray: the model was given as an object, which workers cannot load; use "
            "`xbench evaluate --model NAME`, or the local backend"
        )
    from xbench.search.streamed.ray_backend import RayBackend

    with closing(RayBackend(scorer, make_scorer, options)) as backend:
        yield backend


@dataclass(frozen=True)
class RemoteEncoder:
    """Loads an encoder where it is called.

    Attributes:
        options: The model and how to run it.
        offline: Whether the network must not be touched.
        metadata: Metadata of the task, from which models choose their prompts.
        encode_kwargs: Keyword arguments of the model's `encode`.
        queries: Embeddings of the queries by language.
    """

    options: ModelOptions
    offline: bool
    metadata: TaskMetadata
    encode_kwargs: Mapping[str, Any]
    queries: Mapping[str, Vectors]

    @property
    def uses_gpu(self) -> bool:
        """Whether the device is a GPU where there is one."""
        return self.options.device is None or self.options.device.startswith("cuda")

    def __call__(self) -> EncoderScorer:
        """Return the encoder's scorer; a worker that has a GPU has no other to choose from."""
        from xbench.models.loading import load_model

        device = self.options.device
        options = replace(self.options, device=device and device.partition(":")[0])
        model = load_model(find_model(options, offline=self.offline), options)
        encoder = MtebTextEncoder(model, self.metadata, self.encode_kwargs)
        return EncoderScorer(encoder, self.queries)


@dataclass(frozen=True)
class RemoteBM25:
    """Makes BM25's scorer where it is called.

    Attributes:
        queries: Texts of the queries by language.
        k1: Saturation of term frequency.
        b: Strength of length normalization.
        folder: Where to keep counts.
    """

    queries: Mapping[str, Sequence[str]]
    k1: float
    b: float
    folder: Path
    uses_gpu: bool = False

    def __call__(self) -> BM25Scorer:
        """Return the scorer."""
        return BM25Scorer(StreamedBM25(self.queries, k1=self.k1, b=self.b), self.folder)


def _embedded(
    encoder: MtebTextEncoder, queries: Mapping[str, Sequence[str]], location: DataLocation
) -> tuple[dict[str, Vectors], int]:
    """Return the embeddings of the queries by language, and how many queries were truncated."""
    identity = encoder.identity("query")
    folder = None if identity is None else location.cache_dir / "embeddings" / identity
    store = EmbeddingStore(folder)
    if not encoder.is_certain:
        keep_if_same(encoder, "query", [own for texts in queries.values() for own in texts], store)
    embed(encoder, "query", list(queries.values()), store)
    encoded = {code: store.get(texts) for code, texts in queries.items()}
    truncated = sum(int(own.truncated.sum()) for own in encoded.values())
    return {code: own.vectors for code, own in encoded.items()}, truncated


def _identity(encoder: MtebTextEncoder, queries: Mapping[str, Vectors]) -> Identity | None:
    """Return what decides a model's scores, in words, or None if that is not known."""
    weights = encoder.weights()
    if weights is None:
        return None
    known = {"model": weights, **encoder.described("query"), **encoder.described("passage")}
    if encoder.similarity_name not in (None, "cosine"):
        known["similarity"] = encoder.similarity_name
    if not encoder.is_certain:
        digest = hashlib.sha256()
        for vectors in queries.values():
            digest.update(dense(vectors).tobytes())
        known["embeddings of the queries"] = digest.hexdigest()
    return known
