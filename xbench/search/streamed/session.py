"""A model that searches: its backend, its progress on disk, and what it finished before."""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.metrics.ranks import PoolRanks
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery, write_per_query
from xbench.results.reading import read_ranks
from xbench.search.score_keys import ScoreArray
from xbench.search.streamed.checkpoint import Checkpoint, Identity
from xbench.search.streamed.plan import Outcome, Plan, Search, progress_bar
from xbench.search.streamed.shards import Backend, CountShard, Target
from xbench.search.top_k import IdArray

FOLDER = "search"
BEST_SUFFIX = ".best.npz"

KeepBest = Callable[[Target, ScoreArray, IdArray], None]
"""What is done with the best passages of a target's queries: scores and ids (queries, depth)."""


@dataclass(frozen=True)
class Searched:
    """What a session found for a plan.

    Attributes:
        ranks: Ranks of the relevant passages by name of the target.
        passages: How many passages were searched.
        encoded: Of these, how many by this process; the others were searched before.
        truncated: How many of all were truncated at the model's maximum length.
    """

    ranks: Mapping[str, PoolRanks]
    passages: int
    encoded: int
    truncated: int


@dataclass(frozen=True)
class Session:
    """A model on some searches.

    Attributes:
        model: The model, as its folder is named.
        identity: What decides its scores; None if that is not known, so that nothing is kept.
        backend: Where to search.
        cache_dir: Where progress and finished ranks are kept.
        show_progress: Whether to show progress bars.
        truncated_queries: How many queries were truncated at the model's maximum length.
    """

    model: str
    identity: Identity | None
    backend: Backend
    cache_dir: Path
    show_progress: bool = True
    truncated_queries: int = 0

    def search(self, plan: Plan, keep: KeepBest | None = None) -> Searched:
        """Search what a plan says, unless it was searched before.

        Args:
            plan: What to search.
            keep: What to do with the best passages of each target's queries. A search that was
                finished without it is done again, as only its ranks are there.

        Raises:
            UserError: If passages cannot be read, the model fails, or a search of this name was
                begun with something else and not finished.
        """
        finished = {t.name: own for t in plan.targets if (own := self._finished(plan, t))}
        if keep is not None and not self._keep_finished(plan, keep):
            finished = {}
        encoded = 0
        if len(finished) < len(plan.targets):
            outcome = self._run(plan, keep)
            encoded = outcome.encoded
            finished = {t.name: _finished(t, outcome) for t in plan.targets}
        return Searched(
            ranks={name: own.ranks for name, own in finished.items()},
            passages=sum(corpus.passages for corpus in plan.corpora.values()),
            encoded=encoded,
            truncated=max(own.truncated for own in finished.values()),
        )

    def _run(self, plan: Plan, keep: KeepBest | None) -> Outcome:
        checkpoint = None
        if self.identity is not None:
            checkpoint = Checkpoint(
                self._folder / "begun" / plan.name, plan.identity(self.identity)
            )
        done = False
        try:
            statistics = self._count(plan) if self.backend.scorer.needs_corpus_statistics else {}
            search = Search(plan, checkpoint)
            outcome = search.run(self.backend, statistics, show_progress=self.show_progress)
            if keep is not None:
                self._keep(plan, search, keep)
            if self.identity is not None:
                for target in plan.targets:
                    own = plan.only(target).identity(self.identity)
                    self._store.put(own, _finished(target, outcome))
            self.backend.scorer.delete_counts()
            done = True
        finally:
            if checkpoint:
                checkpoint.close(finished=done)
        return outcome

    def _keep(self, plan: Plan, search: Search, keep: KeepBest) -> None:
        """Keep the best passages, for the results and for later searches of the same."""
        for target in plan.targets:
            best = search.best(target)
            keep(target, *best)
            if self.identity is not None:
                self._store.put_best(plan.only(target).identity(self.identity), *best)

    def _keep_finished(self, plan: Plan, keep: KeepBest) -> bool:
        """Keep the best passages that earlier searches found, if they are there for all targets."""
        if self.identity is None:
            return False
        for target in plan.targets:
            best = self._store.best(plan.only(target).identity(self.identity))
            if best is None:
                return False
            keep(target, *best)
        return True

    def _count(self, plan: Plan) -> dict[str, Any]:
        """Count what the scorer must know, in one pass over all corpora."""
        corpora = plan.corpora.values()
        total = sum(corpus.passages for corpus in corpora)
        counted = {}
        with progress_bar(f"Counting {plan.name}", total, 0, self.show_progress) as bar:
            for corpus in corpora:
                shards = range(len(corpus.shards))
                found = self.backend.run(CountShard(), corpus, shards, lambda: None, bar.update)
                in_order = [own for _, own in sorted(found, key=itemgetter(0))]
                counted[corpus.language] = reduce(operator.add, in_order)
        return counted

    def _finished(self, plan: Plan, target: Target) -> Finished | None:
        if self.identity is None:
            return None
        return self._store.get(plan.only(target).identity(self.identity))

    @property
    def _folder(self) -> Path:
        return search_folder(self.model, self.cache_dir)

    @property
    def _store(self) -> FinishedRanks:
        return FinishedRanks(self._folder / "finished")


def search_folder(model: str, cache_dir: Path) -> Path:
    """Return the folder of a model's searches."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", model)[:60]
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return cache_dir / FOLDER / f"{readable}-{digest}"


def _finished(target: Target, outcome: Outcome) -> Finished:
    truncated = sum(outcome.truncated.get(code, 0) for code in target.pool)
    return Finished(outcome.ranks[target.name], truncated)


@dataclass(frozen=True)
class Finished:
    """What came of a search.

    Attributes:
        ranks: Ranks of the relevant passages.
        truncated: How many passages of the pool were truncated at the model's maximum length.
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
            (ranks,) = read_ranks(self._folder / f"{digest}{PER_QUERY_SUFFIX}").subsets.values()
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

    def best(self, identity: Identity) -> tuple[ScoreArray, IdArray] | None:
        """Return the best passages of each query, scores and ids, or None if they are not there."""
        try:
            with np.load(self._folder / f"{_digest(identity)}{BEST_SUFFIX}") as kept:
                return kept["scores"], kept["ids"]
        except (OSError, EOFError, LookupError, ValueError, BadZipFile):
            return None

    def put_best(self, identity: Identity, scores: ScoreArray, ids: IdArray) -> None:
        """Keep the best passages of each query.

        Raises:
            UserError: If the disk is full or the place cannot be written.
        """
        content = BytesIO()
        np.savez_compressed(content, scores=scores, ids=ids)
        write_atomically(self._folder / f"{_digest(identity)}{BEST_SUFFIX}", content.getvalue())


def _digest(identity: Identity) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
