"""What is retrieved, as TREC run and qrels files that other tools read.

They are in a folder of their own next to that of the results, so that checks of results and pull
requests never meet them: ``results-runs/<model>/<revision>/<Task>/<subset>.run``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xbench._util.atomic_write import write_atomically
from xbench.data.trec_files import write_qrels, write_run
from xbench.results.failures import folder_next_to
from xbench.search.ranked_lists import Ranked, RankedLists
from xbench.tasks import ParallelCorpusRetrieval, RetrievalTask

RUN_SUFFIX, QRELS_SUFFIX = ".run", ".qrels"
LANGUAGES_NAME = "languages.tsv"


class RunFiles:
    """The files of a task's runs.

    In a multilingual pool, a query's id begins with its language, ``de/``, so that the runs of all
    languages can be put together.

    Args:
        output: Folder of all results.
        folder: The folder of the model's results in it.
        task: The task.
    """

    def __init__(self, output: Path, folder: Path, task: RetrievalTask) -> None:
        self._folder = folder_next_to(output, folder, "runs") / task.task_name
        self._task = task
        self._pooled = task.setting == "multilingual"

    def complete(self) -> bool:
        """Return whether the files of every subset are there."""
        return all(
            (self._folder / f"{name}{suffix}").is_file()
            for name in self._task.hf_subsets
            for suffix in (RUN_SUFFIX, QRELS_SUFFIX)
        )

    def keep(self, name: str, lists: RankedLists) -> None:
        """Write the run and the qrels of a subset.

        Raises:
            UserError: If a file cannot be written.
        """
        start = f"{lists.query_language}/" if self._pooled else ""
        relevant = {start + query: found for query, found in lists.relevant.items()}
        write_qrels(self._folder / f"{name}{QRELS_SUFFIX}", relevant)
        ranked: Ranked = ((start + query, *found) for query, *found in lists.ranked)  # type: ignore[misc]
        write_run(self._folder / f"{name}{RUN_SUFFIX}", ranked)

    def write(self) -> None:
        """Write the languages of a multilingual pool in memory, as `xbench bias` reads them.

        Raises:
            UserError: If the file cannot be written.
        """
        if self._pooled and isinstance(self._task, ParallelCorpusRetrieval):
            lines = "".join("\t".join(row) + "\n" for row in self._rows(self._task))
            write_atomically(self._folder / LANGUAGES_NAME, lines.encode())

    def _rows(self, task: ParallelCorpusRetrieval) -> Iterator[tuple[str, ...]]:
        corpus = task.corpus_data
        yield "id", "language", "kind", "question"
        for code in corpus.languages:
            yield from ((passage, code, "passage", "") for passage in corpus.passages[code].ids)
        for code in task.hf_subsets:
            yield from ((f"{code}/{q}", code, "query", q) for q in corpus.queries[code].ids)
