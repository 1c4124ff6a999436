"""What runs in a process of a Ray cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from xbench.data.streamed.corpus import StreamedCorpus
from xbench.search.score_keys import ScoreArray
from xbench.search.streamed.local_backend import AHEAD, read_ahead
from xbench.search.streamed.scorers import MakesScorer, Scorer
from xbench.search.streamed.shards import Result, ShardTask, pieces_of

IN_FLIGHT = 2
"""Shards that a worker has at once: it reads and prepares one while it scores the other."""


class Worker:
    """Searches shards in a process of its own; the scorer is made when the first one comes.

    Args:
        folder: Where to work, if it is there on this machine: names of files may be relative.
    """

    def __init__(self, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._scorer: Scorer | None = None
        self._lock = threading.Lock()

    def ready(self) -> None:
        """Do nothing, which shows that the worker has started."""

    def run(
        self,
        make_scorer: MakesScorer,
        content: tuple[ShardTask[Result], StreamedCorpus],
        shard: int,
        state: Any,  # noqa: ANN401
    ) -> Result:
        """Return what a task gives of a shard."""
        task, corpus = content
        with self._lock:
            self._scorer = self._scorer or make_scorer()
        scorer = _OneAtATime(self._scorer, self._lock)
        pieces = pieces_of(scorer, corpus, corpus.shards[shard])
        with closing(read_ahead(pieces, AHEAD)) as ready:
            return task.run(scorer, ready, state)


class _OneAtATime:
    """A scorer that two shards share: one piece is scored at a time, while others are prepared."""

    def __init__(self, scorer: Scorer, lock: threading.Lock) -> None:
        self._scorer, self._lock = scorer, lock
        self.needs_corpus_statistics = scorer.needs_corpus_statistics

    def prepare(self, texts: Sequence[str], language: str) -> Any:  # noqa: ANN401
        """Prepare passages while others are scored."""
        return self._scorer.prepare(texts, language)

    def read(self, prepared: Any) -> Any:  # noqa: ANN401
        """Read passages when no others are read."""
        with self._lock:
            return self._scorer.read(prepared)

    def scores(self, query_language: str, pool: tuple[str, ...], read: Any) -> ScoreArray:  # noqa: ANN401
        """Return the scores of passages."""
        return self._scorer.scores(query_language, pool, read)

    def truncated(self, prepared: Any) -> int:  # noqa: ANN401
        """Return how many of the passages were truncated."""
        return self._scorer.truncated(prepared)

    def count(self, prepared: Any) -> Any:  # noqa: ANN401
        """Count in passages."""
        return self._scorer.count(prepared)

    def set_statistics(self, counted: Mapping[str, Any]) -> None:
        """Take note of what was counted."""
        with self._lock:
            self._scorer.set_statistics(counted)

    def delete_counts(self) -> None:
        """Do nothing: others may need what is kept."""

    def close(self) -> None:
        """Do nothing: others may need the model."""
