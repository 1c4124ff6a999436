"""Ranks of finished searches, kept so that no corpus is searched twice for the same queries."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.metrics.ranks import PoolRanks
from xbench.results.store import PER_QUERY_SUFFIX, PerQuery, read_per_query, write_per_query
from xbench.search.streamed.checkpoint import Identity


@dataclass(frozen=True)
class Finished:
    """What came of a search.

    Attributes:
        ranks: Ranks of the relevant passages.
        truncated: How many passages of the pool were cut at the model's maximum length.
    """

    ranks: PoolRanks
    truncated: int


class FinishedRanks:
    """A folder of ranks, each under the digest of all that they depend on.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, identity: Identity) -> Finished | None:
        """Return what depends on this and nothing else, or None if it is not there."""
        digest = _digest(identity)
        try:
            (ranks,) = read_per_query(self._folder / f"{digest}{PER_QUERY_SUFFIX}").subsets.values()
            counts = json.loads((self._folder / f"{digest}.json").read_bytes())
            return Finished(ranks, int(counts["truncated"]))
        except (UserError, OSError, ValueError, LookupError, TypeError):
            return None

    def put(self, identity: Identity, finished: Finished) -> None:
        """Keep ranks.

        Raises:
            UserError: If the disk is full or the place cannot be written.
        """
        digest, ranks = _digest(identity), finished.ranks
        content = PerQuery(
            task=digest,
            dataset_revision="",
            passage_form="sentence",
            multilingual=len(ranks.pool) > 1,
            subsets={ranks.query_language: ranks},
        )
        counts = json.dumps({"truncated": finished.truncated})
        write_atomically(self._folder / f"{digest}.json", counts.encode())
        write_per_query(self._folder, content)


def _digest(identity: Identity) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
