"""Search of streamed corpora for the queries of some languages, and the ranks that come of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from xbench.data.parallel_corpus import Texts
from xbench.data.streamed.corpus import SHARD, StreamedCorpus
from xbench.metrics.ranks import RUN_DEPTH, TOP_K, IntArray, PoolRanks, Ties
from xbench.search.first_places import blocks, first_places
from xbench.search.score_keys import ScoreArray
from xbench.search.streamed.checkpoint import Checkpoint, Identity
from xbench.search.streamed.shards import PIECE, Backend, SearchShard, Target, pool_id
from xbench.search.top_k import IdArray, TopK


@dataclass(frozen=True)
class Queries:
    """The queries of a language.

    Attributes:
        texts: Ids and texts.
        relevant: Ids of the relevant passages, all in the language of the queries, by query id.
    """

    texts: Texts
    relevant: Mapping[str, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """SHA-256 of the whole content."""
        content = [self.texts.ids, self.texts.texts, dict(self.relevant)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """What to search, in one pass over each corpus.

    Attributes:
        name: What distinguishes it from other searches of the same model.
        corpora: The passages by language, in the order in which they are searched.
        queries: The queries by language.
        targets: Whose queries are searched in which pool.
    """

    name: str
    corpora: Mapping[str, StreamedCorpus]
    queries: Mapping[str, Queries]
    targets: tuple[Target, ...]

    @property
    def id_bytes(self) -> int:
        """Length of the longest passage id in a pool of languages."""
        return max(c.longest_id + len(pool_id(code, "")) for code, c in self.corpora.items())

    def only(self, target: Target) -> Plan:
        """Return the part of the plan that the ranks of one target depend on."""
        corpora = {code: self.corpora[code] for code in target.pool}
        queries = {target.query_language: self.queries[target.query_language]}
        return Plan(target.name, corpora, queries, (target,))

    def identity(self, model: Identity) -> Identity:
        """Return everything that the search depends on, with what decides the model's scores."""
        return {
            **model,
            **{f"passages in {code}": c.fingerprint for code, c in self.corpora.items()},
            **{f"queries in {code}": queries.digest for code, queries in self.queries.items()},
            "passages of a shard": SHARD,
            "passages scored together": PIECE,
            "places": RUN_DEPTH,
        }


def target(setting: str, language: str, pool: Sequence[str], queries: Queries) -> Target:
    """Return the target of a setting and language."""
    return Target(f"{setting}-{language}", language, tuple(pool), len(queries.texts))


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        ranks: Ranks of the relevant passages by name of the target.
        passages: How many passages were searched in all.
        encoded: Of these, how many by this process.
        truncated: How many of all were truncated at the model's maximum length, by language.
    """

    ranks: Mapping[str, PoolRanks]
    passages: int
    encoded: int
    truncated: Mapping[str, int]


class Search:
    """A search, which begins where an earlier one stopped.

    Args:
        plan: What to search.
        checkpoint: Where to keep the progress; None to keep none.
    """

    def __init__(self, plan: Plan, checkpoint: Checkpoint | None = None) -> None:
        self._plan = plan
        self._checkpoint = checkpoint
        self._done: dict[str, set[int]] = {code: set() for code in plan.corpora}
        self._truncated: Counter[str] = Counter()
        if checkpoint:
            self._truncated.update(checkpoint.truncated)
            self._done |= {code: set(shards) for code, shards in checkpoint.done.items()}
        self._best = {target.name: self._restored(target) for target in plan.targets}

    def _restored(self, target: Target) -> TopK:
        known = self._checkpoint.restore(target.name) if self._checkpoint else None
        return known or TopK(target.queries, self._plan.id_bytes, RUN_DEPTH)

    def run(
        self, backend: Backend, statistics: Mapping[str, Any], *, show_progress: bool = True
    ) -> Outcome:
        """Search every shard that is not done.

        Args:
            backend: Where to search.
            statistics: What the scorer must know of the corpora, by language.
            show_progress: Whether to show a progress bar.

        Raises:
            UserError: If passages cannot be read or the model fails; the shards that were finished
                are kept.
        """
        corpora = self._plan.corpora.values()
        total = sum(corpus.passages for corpus in corpora)
        done = sum(c.shards[i].passages for c in corpora for i in self._done[c.language])
        with progress_bar(f"Searching {self._plan.name}", total, done, show_progress) as bar:
            for corpus in corpora:
                self._search(corpus, backend, statistics, bar.update)
        ranks = {t.name: pool_ranks(self._best[t.name], t, self._plan) for t in self._plan.targets}
        return Outcome(ranks, total, total - done, self._truncated)

    def best(self, target: Target) -> tuple[ScoreArray, IdArray]:
        """Return the best passages of each query of a target so far, as `TopK.best` does."""
        return self._best[target.name].best()

    def _search(
        self,
        corpus: StreamedCorpus,
        backend: Backend,
        statistics: Mapping[str, Any],
        progress: Callable[[int], object],
    ) -> None:
        targets = [target for target in self._plan.targets if corpus.language in target.pool]
        task = SearchShard(targets, self._plan.id_bytes, RUN_DEPTH, statistics)
        left = [i for i in range(len(corpus.shards)) if i not in self._done[corpus.language]]

        def floors() -> dict[str, ScoreArray]:
            return {target.name: self._best[target.name].floor for target in targets}

        for shard, found in backend.run(task, corpus, left, floors, progress):
            changed = {n: self._best[n] for n, own in found.candidates.items() if len(own.query)}
            for name, top in changed.items():
                top.absorb(found.candidates[name])
            self._truncated[corpus.language] += found.truncated
            if self._checkpoint:
                self._checkpoint.save(corpus.language, shard, found.truncated, changed)


def progress_bar(what: str, total: int, done: int, show: bool) -> Any:  # noqa: ANN401
    """Return a progress bar that shows passages per second and the time left."""
    return tqdm(
        total=total,
        initial=done,
        desc=what,
        unit=" passages",
        unit_scale=True,
        smoothing=0.05,
        disable=not show,
    )


def pool_ranks(top: TopK, target: Target, plan: Plan) -> PoolRanks:
    """Return the ranks of the relevant passages among the best of each query.

    Question ids are distinguished by their language, in which alone they are unique. A block of
    equal scores that goes on beyond the run ends with it.
    """
    scores, ids = top.best()
    own = target.query_language
    queries = plan.queries[own]
    pool = {code: plan.corpora[code].passages for code in sorted(target.pool)}
    codes, size = _languages(ids, list(pool)), sum(pool.values())
    rows, firsts = [], []
    for q, question in enumerate(queries.texts.ids):
        found = int((codes[q] >= 0).sum())
        values = scores[q, :found]
        higher, equal = blocks(values)
        place = {passage: i for i, passage in enumerate(ids[q, :found].tolist())}
        for passage in queries.relevant[question]:
            at = place.get(pool_id(own, passage).encode())
            rows.append(
                (q, 0, found, size - found)
                if at is None
                else (q, at + 1, int(higher[at]), int(equal[at]))
            )
        reached = int((higher < TOP_K).sum())
        firsts.append((codes[q, :reached], values[:reached]))
    query, rank, above, tied = np.array(rows, np.int64).reshape(-1, 4).T
    first = first_places(firsts, min(TOP_K, ids.shape[1]), len(pool))
    return PoolRanks(
        questions=tuple(pool_id(own, question) for question in queries.texts.ids),
        query=query,
        language=np.full(len(rows), own),
        rank=rank,
        query_language=own,
        pool=pool,
        top=first.top if len(pool) > 1 else None,
        depth=ids.shape[1],
        ties=Ties(above, tied, first.query, first.start, first.counts) if len(pool) > 1 else None,
    )


def _languages(ids: IdArray, pool: list[str]) -> IntArray:
    """Return the languages of passages by their ids, as indices into a sorted pool, or -1."""
    codes = np.array([pool_id(code, "").encode() for code in pool])
    prefixes = ids.astype(codes.dtype)
    place = np.searchsorted(codes, prefixes)
    return np.where(prefixes == b"", -1, np.minimum(place, len(codes) - 1))
