"""The questions that a model fails, collected while it is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from heapq import nsmallest
from math import inf
from pathlib import Path

from xbench._util.errors import UserError
from xbench.results.failures import (
    KEPT,
    LONGEST,
    Failure,
    Failures,
    ShownPassage,
    SubsetFailures,
    failures_path,
    write_failures,
)
from xbench.search.ranked_lists import RankedLists
from xbench.tasks import ParallelCorpusRetrieval, RetrievalTask


def check_failures(tasks: Iterable[RetrievalTask]) -> None:
    """Refuse tasks whose texts are not in memory.

    Raises:
        UserError: If there are some.
    """
    streamed = [t.task_name for t in tasks if not isinstance(t, ParallelCorpusRetrieval)]
    if streamed:
        raise UserError(
            f"--save-failures cannot be applied to {', '.join(streamed)}: the texts of streamed "
            "corpora are not kept. Leave the option out, or choose other tasks"
        )


class FailureFile:
    """The file of what a model fails of a task.

    Args:
        output: Folder of all results.
        folder: The folder of the model's results in it.
        task: The task.
    """

    def __init__(self, output: Path, folder: Path, task: ParallelCorpusRetrieval) -> None:
        self._path = failures_path(output, folder, task.task_name)
        self._task = task
        self._subsets: dict[str, SubsetFailures] = {}

    def complete(self) -> bool:
        """Return whether the file is there."""
        return self._path.is_file()

    def keep(self, name: str, lists: RankedLists) -> None:
        """Keep what the lists of a subset show."""
        language = lists.query_language
        queries = self._task.corpus_data.queries[language]
        texts = dict(zip(queries.ids, queries.texts, strict=True))
        failed = [
            self._failure(question, texts[question], list(ids), lists.relevant[question])
            for question, ids, _ in lists.ranked
            if not ids or ids[0] not in lists.relevant[question]
        ]
        self._subsets[name] = SubsetFailures(
            query_language=language,
            passage_languages=list(self._task.subsets[name].passage_languages),
            questions=len(lists.relevant),
            failed=len(failed),
            shown=nsmallest(KEPT, failed, key=lambda own: (-(own.rank or inf), own.question)),
        )

    def write(self) -> None:
        """Write the file.

        Raises:
            UserError: If it cannot be written.
        """
        revision = str(self._task.metadata.revision)
        names = sorted(self._subsets)
        write_failures(
            self._path,
            Failures(
                task=self._task.task_name,
                dataset_revision=revision,
                subsets={name: self._subsets[name] for name in names},
            ),
        )

    def _failure(
        self, question: str, query: str, ids: Sequence[str], relevant: Sequence[str]
    ) -> Failure:
        right = set(relevant)
        rank = next((place for place, own in enumerate(ids, 1) if own in right), None)
        return Failure(
            question=question,
            query=_cut(query),
            rank=rank,
            right=self._shown(ids[rank - 1] if rank else min(relevant)),
            first=self._shown(ids[0]) if ids else None,
        )

    def _shown(self, passage: str) -> ShownPassage:
        language, text = self._passages[passage]
        return ShownPassage(language=language, text=_cut(text))

    @cached_property
    def _passages(self) -> dict[str, tuple[str, str]]:
        return {
            passage: (code, text)
            for code, own in self._task.corpus_data.passages.items()
            for passage, text in zip(own.ids, own.texts, strict=True)
        }


def _cut(text: str) -> str:
    """Return a text that is not too long to read.

    >>> len(_cut("a" * 2000)), _cut("short")
    (1001, 'short')
    """
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
