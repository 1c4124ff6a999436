"""What runs when a task meets a model: each text encoded once, each pool ranked once.

mteb asks for one subset at a time; the engine answers all subsets of a dataset, of all three
settings, from one table of ranks that it keeps as long as the model lives unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import EncoderProtocol

from xbench.data.parallel_corpus import ParallelCorpus
from xbench.models.encoder import MtebTextEncoder
from xbench.search.corpus_embeddings import CorpusEmbeddings, Ranking, memory_of
from xbench.search.exact_ranks import RankTable, Rows
from xbench.search.variants import Variant


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
    variant: Variant | None = None,
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
        variant: What is made of the embeddings; None leaves them as they are.

    Raises:
        UserError: If an embedding or a score is not finite or has the wrong shape, or there is no
            such variant.
    """
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    memory = memory_of(model)
    corpus_embeddings = CorpusEmbeddings(
        encoder, memory, corpus, query_languages, passage_languages, cache_dir, variant
    )
    model_key = (corpus.fingerprint, *corpus_embeddings.settings, str(encoder.similarity_name))
    if not is_same and not corpus_embeddings.are_of_this_model():
        for known_key in [own for own in memory.rankings if own[:-1] == model_key]:
            del memory.rankings[known_key]
    key = (*model_key, str(variant or ""))
    known = memory.rankings.setdefault(key, [])
    for ranking in known:
        if ranking.table.covers(query_languages, passage_languages):
            return ranking
    report = corpus_embeddings.encode(
        show_progress=bool(encode_kwargs.get("show_progress_bar", True))
    )
    table = RankTable(corpus, query_languages, passage_languages, corpus_embeddings.scores)
    known.append(Ranking(table, report))
    return known[-1]


def is_encoded(
    model: EncoderProtocol,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    passage_languages: Sequence[str],
    cache_dir: Path,
) -> bool:
    """Return whether all embeddings that `rank_with_encoder` needs are stored."""
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    return CorpusEmbeddings(
        encoder, memory_of(model), corpus, query_languages, passage_languages, cache_dir
    ).are_stored()


def score_with_encoder(
    model: EncoderProtocol,
    metadata: TaskMetadata,
    encode_kwargs: Mapping[str, Any],
    corpus: ParallelCorpus,
    query_languages: Sequence[str],
    cache_dir: Path,
    variant: Variant | None = None,
) -> Callable[[str], Rows]:
    """Return what scores the queries of a language against all passages of a corpus.

    Texts that were encoded for ranks are not encoded again. The arguments are those of
    `rank_with_encoder`; the scores have the shape (queries, distinct texts).

    Raises:
        UserError: If an embedding is not finite or has the wrong shape.
    """
    encoder = MtebTextEncoder(model, metadata, encode_kwargs)
    embeddings = CorpusEmbeddings(
        encoder, memory_of(model), corpus, query_languages, corpus.languages, cache_dir, variant
    )
    embeddings.encode(show_progress=bool(encode_kwargs.get("show_progress_bar", True)))
    return embeddings.scores
