"""Searching in this process: a thread reads and prepares ahead while the scorer works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from queue import Full, Queue
from typing import Any, TypeVar

from xbench.data.streamed.corpus import StreamedCorpus
from xbench.search.streamed.scorers import Scorer
from xbench.search.streamed.shards import Piece, Result, ShardTask, pieces_of

AHEAD = 4
"""Pieces that are ready before their turn comes."""

Item = TypeVar("Item")


class LocalBackend:
    """Searches one shard after the other.

    Args:
        scorer: What scores passages.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def run(
        self,
        task: ShardTask[Result],
        corpus: StreamedCorpus,
        shards: Sequence[int],
        state: Callable[[], Any],
        progress: Callable[[int], object],
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index of each shard, in order, and what the task gives of it."""
        pieces = (
            (index, piece)
            for index in shards
            for piece in pieces_of(self.scorer, corpus, corpus.shards[index])
        )
        with closing(read_ahead(pieces, AHEAD)) as ready:
            for index, group in groupby(ready, key=itemgetter(0)):
                own = counted((piece for _, piece in group), progress)
                yield index, task.run(self.scorer, own, state())


def counted(pieces: Iterator[Piece], progress: Callable[[int], object]) -> Iterator[Piece]:
    """Yield pieces, and report how many passages are done when the next one is asked for."""
    for piece in pieces:
        yield piece
        progress(len(piece.ids))


def read_ahead(items: Iterator[Item], size: int) -> Generator[Item]:
    """Yield items that a thread makes ahead; what it raises is raised here.

    Args:
        items: The items.
        size: How many may wait for their turn.
    """
    ready: Queue[tuple[bool, Any]] = Queue(size)
    stopped = threading.Event()

    def put(entry: tuple[bool, Any]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(entry, timeout=0.1)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            if all(put((True, item)) for item in items):
                put((False, None))
        except BaseException as error:
            put((False, error))

    thread = threading.Thread(target=work, name="xbench-read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if more:
                yield item
            elif item is None:
                return
            else:
                raise item
    finally:
        stopped.set()
        thread.join()
