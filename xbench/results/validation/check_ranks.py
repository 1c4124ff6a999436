"""Check ranks: whether they are of the right passages, and whether a system can give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbench.data.catalogue import TASK_VERSION, TASKS, Subset, subsets
from xbench.data.datasets import Setting
from xbench.metrics import TOP_K, IntArray
from xbench.metrics.ranks import RUN_DEPTH
from xbench.results.findings import ABSENT, RERUN, Notes, Plain
from xbench.results.validation.expected import Corpus, corpora, digest

INDEX_DEPENDENT = "scores that depend on the whole index, as BM25's, may give it; check the run"


def check_ranks(document: Mapping[str, Any], task: str, notes: Notes) -> None:
    """Note what is wrong in the content of a per-query file that has the right fields.

    Args:
        document: The content.
        task: Name of the task it should be of.
        notes: Where to note.
    """
    dataset, setting = TASKS[task]
    _check_head(document, task, dataset.revision, setting, notes)
    expected = subsets(setting, dataset.languages)
    codes, questions = document["languages"], document["questions"]
    if codes != sorted(set(codes) & set(dataset.languages)):
        notes.error(
            "languages", codes, f"expected some of {', '.join(dataset.languages)}, in order"
        )
        return
    if len(set(questions)) < len(questions):
        notes.error("questions", Plain("an id twice"), "every question id occurs once")
        return
    compare_names("subsets", document["subsets"], expected, notes)
    corpus = corpora()[dataset.title]
    for name, subset in expected.items():
        if name in document["subsets"]:
            _SubsetCheck(document, name, subset, corpus, notes, dataset.streamed).run()


def compare_names(
    where: str, found: Sequence[str] | Mapping[str, Any], expected: Mapping[str, Any], notes: Notes
) -> None:
    """Note names that are missing, unknown or there twice."""
    names = list(found)
    if names == list(expected):
        return
    times = Counter(names)
    if missing := [name for name in expected if name not in times]:
        what = Plain(f"{len(missing)} of {len(expected)} missing: {_some(missing)}")
        notes.error(where, what, f"expected all subsets of the task; {RERUN} on all languages")
    for name, number in times.items():
        if name not in expected or number > 1:
            kind = "of the task" if name not in expected else "that occurs once"
            notes.error(where, name, f"expected a subset {kind}; remove it")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")


def _check_head(
    document: Mapping[str, Any], task: str, revision: str, setting: Setting, notes: Notes
) -> None:
    expected = {
        "task": task,
        "task_version": TASK_VERSION,
        "dataset_revision": revision,
        "multilingual": setting == "multilingual",
    }
    for field, value in expected.items():
        if document[field] != value:
            notes.error(field, document[field], f"expected {value!r}; {RERUN}")


class _SubsetCheck:
    """The check of the ranks of one subset, step by step; a step needs those before it."""

    def __init__(
        self,
        document: Mapping[str, Any],
        name: str,
        subset: Subset,
        corpus: Corpus,
        notes: Notes,
        streamed: bool,
    ) -> None:
        self.content: Mapping[str, Any] = document["subsets"][name]
        self.name, self.subset, self.corpus, self.notes = name, subset, corpus, notes
        self.depth = RUN_DEPTH if streamed else None
        self.own_rank: IntArray | None = None
        self.questions: Sequence[str] = document["questions"]
        self.codes: Sequence[str] = document["languages"]

    def run(self) -> None:
        """Check until a step finds something that the next one builds on."""
        if self._check_pool() and self._check_rows():
            self._check_relevance()
            if (
                self._check_places()
                and self._check_ties()
                and self._check_own_rank()
                and self._check_top()
            ):
                self._check_top_against_ranks()

    def _doubtful(self, field: str, found: object, rule: str) -> None:
        """Note what a system cannot give whose score of a passage does not depend on others."""
        self.notes.warn(f"subsets.{self.name}.{field}", found, f"{rule}; {INDEX_DEPENDENT}")

    def _wrong(self, field: str, found: object, rule: str) -> bool:
        self.notes.error(f"subsets.{self.name}.{field}", found, f"{rule}; {RERUN}")
        return False

    def _check_pool(self) -> bool:
        own = self.subset.query_language
        if self.content["query_language"] != own:
            return self._wrong("query_language", self.content["query_language"], f"expected {own}")
        expected = {a: self.corpus.passages[a] for a in self.subset.passage_languages}
        if list(self.content["pool"].items()) != list(expected.items()):
            sizes = ", ".join(f"{a} {size}" for a, size in expected.items())
            return self._wrong("pool", self.content["pool"], f"expected, in this order, {sizes}")
        return True

    def _check_rows(self) -> bool:
        lengths = {len(self.content[field]) for field in ("question", "language", "rank")}
        if len(lengths) > 1 or 0 in lengths:
            found = Plain(f"{len(self.content['question'])} questions, other numbers of the rest")
            return self._wrong("question", found, "expected as many questions as languages, ranks")
        self.question = np.array(self.content["question"], np.int64)
        self.language = np.array(self.content["language"], np.int64)
        self.rank = np.array(self.content["rank"], np.int64)
        if self.question.max() >= len(self.questions):
            return self._wrong("question", int(self.question.max()), "no such question")
        if self.language.max() >= len(self.codes):
            return self._wrong("language", int(self.language.max()), "no such language")
        starts = np.flatnonzero(np.diff(self.question, prepend=-1))
        if len(np.unique(self.question)) < len(starts):
            return self._wrong(
                "question", Plain("a question twice"), "a question's rows are adjacent"
            )
        self.query = np.repeat(
            np.arange(len(starts)), np.diff(np.append(starts, len(self.question)))
        )
        return True

    def _check_relevance(self) -> None:
        expected = self.corpus.relevant[self.subset.query_language]
        for a in self.subset.passage_languages:
            own = self.language == self.codes.index(a) if a in self.codes else []
            ids = [self.questions[i] for i in self.question[own]]
            right = expected.get(a, digest([]))
            if right != (len(ids) if isinstance(right, int) else digest(ids)):
                found = Plain(f"{len(ids)} relevant passages in {a}, not the dataset's")
                self._wrong("question", found, "expected the dataset's questions and answers")
        known = [self.codes.index(a) for a in self.subset.passage_languages if a in self.codes]
        if not np.isin(self.language, known).all():
            self._wrong("language", Plain("a language that is not in the pool"), "expected others")

    def _check_places(self) -> bool:
        size = sum(self.content["pool"].values())
        if self.content.get("depth") != self.depth:
            return self._wrong("depth", self.content.get("depth"), f"expected {self.depth}")
        size = min(size, self.depth or size)
        if self.rank.max() > size:
            return self._wrong("rank", int(self.rank.max()), f"expected ranks from 1 to {size}")
        return self._check_different("rank", self.rank)

    def _check_different(self, field: str, rank: IntArray) -> bool:
        found = rank > 0
        place = self.query[found] * (int(rank.max()) + 1) + rank[found]
        if len(np.unique(place)) < len(place):
            return self._wrong(field, Plain("a rank twice"), "a question's ranks are all different")
        return True

    def _check_ties(self) -> bool:
        """Check that the relevant passages of a block say the same of it."""
        ties, rows = self.content.get("ties"), np.arange(len(self.rank))
        self.alone = rows >= 0
        if ties is None:
            return True
        if len(self.content["pool"]) == 1:
            return self._wrong("ties", ties, "expected for a mixed index, and only for one")
        row = np.array(ties["row"], np.int64)
        if (np.diff(row) <= 0).any() or row.max(initial=0) >= len(self.rank):
            return self._wrong("ties.row", ties["row"], "expected rows, ascending")
        if len({len(ties[field]) for field in ("row", "above", "tied")}) > 1:
            return self._wrong("ties.tied", ties["tied"], "expected a value for each row")
        above = np.where(self.rank > 0, self.rank - 1, -1)
        above[row] = ties["above"]
        if (above < 0).any():
            return self._wrong("ties.row", ties["row"], "expected every row without a rank, too")
        self.alone[row] = False
        blocks = np.stack([self.query[row], np.array(ties["above"], np.int64)], axis=1)
        sizes = np.column_stack([blocks, np.array(ties["tied"], np.int64)])
        different, times = np.unique(blocks, axis=0, return_counts=True)
        with_size = np.unique(sizes, axis=0)
        if len(different) < len(with_size) or (times > with_size[:, 2]).any():
            found = Plain("another size of the same block, or more relevant passages than it has")
            return self._wrong("ties.tied", found, "expected the number of passages of equal score")
        return True

    def _check_own_rank(self) -> bool:
        """Check the ranks in the index of the query's language alone, next to those in the pool."""
        given, pool = self.content.get("own_rank"), self.content["pool"]
        expected = self.depth is not None and len(pool) > 1
        if (given is not None) != expected:
            found = ABSENT if given is None else given
            return self._wrong("own_rank", found, "expected for a mixed index, and only for one")
        if given is None:
            return True
        if len(given) != len(self.rank):
            return self._wrong("own_rank", given, f"expected {len(self.rank)} ranks")
        own = self.own_rank = np.array(given, np.int64)
        size = min(pool.get(self.subset.query_language, 0), self.depth or 0)
        if own.max() > size:
            return self._wrong("own_rank", int(own.max()), f"expected ranks from 1 to {size}")
        if ((self.rank > 0) & ((own == 0) | (own > self.rank))).any():
            found = Plain("a rank behind that in the pool")
            self._doubtful("own_rank", found, "other languages can only push a passage down")
        self._check_order(own)
        return self._check_different("own_rank", own)

    def _check_order(self, own: IntArray) -> None:
        """Check that no fewer other passages are before the later of two passages."""
        rows = np.flatnonzero(own > 0)
        rows = rows[np.lexsort((own[rows], self.query[rows]))]
        before = np.where(self.rank > 0, self.rank - own, self.depth or 0)[rows]
        if ((np.diff(self.query[rows]) == 0) & (np.diff(before) < 0)).any():
            found = Plain("passages in another order than in the pool")
            self._doubtful("own_rank", found, "other languages do not change their order")

    def _check_top(self) -> bool:
        top, pool = self.content["top"], self.content["pool"]
        if (top is None) != (len(pool) == 1):
            what = "null" if len(pool) == 1 else "a list"
            return self._wrong("top", top, f"expected {what}")
        if top is None:
            return False
        if len(top) != self.query[-1] + 1 or len({len(row) for row in top}) > 1:
            return self._wrong("top", top, "expected a row of the same length for each question")
        least = min(TOP_K, sum(pool.values()))
        if not least <= len(top[0]) <= TOP_K:
            return self._wrong("top[0]", top[0], f"expected {least} to {TOP_K} places")
        last = chr(ord("a") + len(pool) - 1)
        if surplus := [c for c in sorted(set("".join(top))) if c != "." and not "a" <= c <= last]:
            return self._wrong("top", surplus[0], f"expected letters from a to {last}, and dots")
        letters = np.frombuffer("".join(top).encode(), np.uint8).reshape(len(top), -1)
        self.top: IntArray = np.where(letters == ord("."), -1, letters.astype(np.int64) - ord("a"))
        if ((self.top[:, :-1] < 0) & (self.top[:, 1:] >= 0)).any():
            return self._wrong("top", Plain("a place after the end"), "expected dots at the end")
        return True

    def _check_top_against_ranks(self) -> None:
        """Compare the language at each place with that of the relevant passage of that rank."""
        shallow = (self.rank > 0) & (self.rank <= self.top.shape[1]) & self.alone
        pool = list(self.content["pool"])
        index = np.array([pool.index(a) if a in pool else -1 for a in self.codes])
        there = self.top[self.query[shallow], self.rank[shallow] - 1]
        wrong = np.flatnonzero(there != index[self.language[shallow]])
        if len(wrong):
            row = int(self.query[shallow][wrong[0]])
            self._wrong(
                f"top[{row}]",
                self.content["top"][row],
                "expected at every rank of a relevant passage its language",
            )
        self._check_others_before(shallow, pool)
        for i, a in enumerate(pool):
            most = int((self.top == i).sum(axis=1).max())
            if most > self.content["pool"][a]:
                self._wrong("top", Plain(f"{most} places of {a}"), "expected no more than its pool")

    def _check_others_before(self, shallow: NDArray[np.bool_], pool: Sequence[str]) -> None:
        """Compare the passages of other languages before a relevant one with its two ranks."""
        if self.own_rank is None:
            return
        others = np.cumsum(self.top != pool.index(self.subset.query_language), axis=1)
        before = others[self.query[shallow], self.rank[shallow] - 1]
        wrong = np.flatnonzero(before != self.rank[shallow] - self.own_rank[shallow])
        if len(wrong):
            row = int(np.flatnonzero(shallow)[wrong[0]])
            self._doubtful(
                f"own_rank[{row}]",
                int(self.own_rank[row]),
                f"expected {int(self.rank[row] - before[wrong[0]])}, by the languages before it",
            )
        own_places = self.top.shape[1] - others[:, -1]
        early = (self.own_rank > 0) & (self.own_rank <= own_places[self.query]) & ~shallow
        if (early & self.alone).any():
            row = int(np.argmax(early & self.alone))
            found = int(self.own_rank[row])
            self._doubtful(f"own_rank[{row}]", found, "expected a rank among the first places, too")
