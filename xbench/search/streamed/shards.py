"""What is done with one shard, wherever it is done: it is read in pieces, and each is searched."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol, TypeVar

import numpy as np

from xbench.data.streamed.corpus import Shard, StreamedCorpus
from xbench.search.score_keys import ScoreArray
from xbench.search.streamed.scorers import Scorer
from xbench.search.top_k import Candidates, IdArray, TopK, id_array

PIECE = 2048
"""Passages that are encoded and scored together."""

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class Target:
    """The queries of a language and the pool that is searched for them.

    Attributes:
        name: What distinguishes it from others (``multilingual-ar``).
        query_language: ISO 639-1 code of the queries.
        pool: ISO 639-1 codes of the passages.
        queries: Number of queries.
    """

    name: str
    query_language: str
    pool: tuple[str, ...]
    queries: int


@dataclass(frozen=True)
class Piece:
    """Some passages of a shard, prepared for their scorer.

    Attributes:
        ids: Their ids in a pool of languages, shape (passages,).
        prepared: What the scorer made of their texts.
    """

    ids: IdArray
    prepared: Any


class ShardTask(Protocol[Result_co]):
    """What to do with the pieces of a shard."""

    def run(self, scorer: Scorer, pieces: Iterable[Piece], state: Any) -> Result_co:  # noqa: ANN401
        """Go through the pieces of one shard.

        Args:
            scorer: What scores passages.
            pieces: The pieces, each read when it is asked for.
            state: What is known when the shard's turn comes.
        """
        ...


class Backend(Protocol):
    """Where shards are searched: in this process, or by many workers."""

    scorer: Scorer

    def run(
        self,
        task: ShardTask[Result],
        corpus: StreamedCorpus,
        shards: Sequence[int],
        state: Callable[[], Any],
        progress: Callable[[int], object],
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index of each shard and what the task gives of it, in any order.

        Args:
            task: What to do with each shard.
            corpus: The passages.
            shards: Indices of the shards to go through.
            state: Called without arguments when a shard's turn comes; gives the task's state.
            progress: Called with a number of passages whenever that many are done.
        """
        ...


def pieces_of(scorer: Scorer, corpus: StreamedCorpus, shard: Shard) -> Iterator[Piece]:
    """Read a shard and yield its passages in pieces, the longest texts first.

    Raises:
        UserError: If the shard cannot be read, or is not what it was.
    """
    texts = corpus.read(shard)
    order = sorted(range(len(texts)), key=lambda i: -len(texts.texts[i]))
    for start in range(0, len(order), PIECE):
        own = order[start : start + PIECE]
        yield Piece(
            ids=id_array([pool_id(corpus.language, texts.ids[i]) for i in own]),
            prepared=scorer.prepare([texts.texts[i] for i in own], corpus.language),
        )


def pool_id(language: str, passage: str) -> str:
    """Return the id of a passage in a pool of languages, in each of which ids may be the same.

    >>> pool_id("en", "12#3")
    'en/12#3'
    """
    return f"{language}/{passage}"


@dataclass(frozen=True)
class Found:
    """What one shard adds to the best passages of each target.

    Attributes:
        candidates: Passages that may be among the best, by name of the target.
        truncated: How many passages were truncated at the model's maximum length.
    """

    candidates: Mapping[str, Candidates]
    truncated: int


@dataclass(frozen=True)
class SearchShard:
    """Find the passages of a shard that may be among the best; its state is each target's floor.

    Attributes:
        targets: What to search for.
        id_bytes: Length of the longest passage id.
        depth: How many passages are kept for each query.
        statistics: What the scorer must know of the whole pool, by language.
    """

    targets: Sequence[Target]
    id_bytes: int
    depth: int
    statistics: Mapping[str, Any] = field(default_factory=dict)

    def run(
        self, scorer: Scorer, pieces: Iterable[Piece], state: Mapping[str, ScoreArray]
    ) -> Found:
        """Search the pieces of one shard."""
        scorer.set_statistics(self.statistics)
        best = {
            target.name: TopK(target.queries, self.id_bytes, self.depth, state[target.name])
            for target in self.targets
        }
        truncated = 0
        for piece in pieces:
            truncated += scorer.truncated(piece.prepared)
            read = scorer.read(piece.prepared)
            for target in self.targets:
                scores = scorer.scores(target.query_language, target.pool, read)
                best[target.name].add(np.asarray(scores, np.float32), piece.ids)
        return Found({name: top.candidates() for name, top in best.items()}, truncated)


@dataclass(frozen=True)
class CountShard:
    """Count what a scorer must know of all corpora; it has no state."""

    def run(self, scorer: Scorer, pieces: Iterable[Piece], state: object) -> Any:  # noqa: ANN401
        """Count in the pieces of one shard."""
        return reduce(operator.add, (scorer.count(piece.prepared) for piece in pieces))
