"""All scores of folders of results, each checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from xbench.leaderboard.writing import in_processes
from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.imported import read_all_imported
from xbench.results.language_selection import as_part, reading_languages
from xbench.results.measured import read_measured
from xbench.results.reading import read_task
from xbench.results.reported import read_reported
from xbench.results.score_table import (
    Contents,
    ScoreTable,
    read_score_table,
)
from xbench.results.summaries import summarise
from xbench.results.validation import (
    check_summarised,
    check_task,
    private_files,
    result_files,
)


def read_results(
    results: Sequence[Path], *, from_ranks: bool = False, languages: Sequence[str] = ()
) -> ScoreTable:
    """Read all scores of folders of results.

    Args:
        results: Folders of results; of two results of the same run the first counts.
        from_ranks: Whether to recompute everything from the ranks, whatever summaries say.
        languages: Codes of the languages to keep; none keeps all. Then published and imported
            scores are not shown.

    Raises:
        UserError: If a folder does not exist.
    """
    measured = partial(_read_measured, from_ranks=from_ranks, languages=languages)
    others = [] if languages else [read_reported, read_all_imported]
    return read_score_table(results, [measured, *others])


def _read_measured(
    folders: Sequence[Path], contents: Contents, *, from_ranks: bool, languages: Sequence[str]
) -> None:
    """Add the scores that were accepted, then those on one's own data and on part of languages."""
    files = [(path, folder) for folder in folders for path in result_files(folder)]
    private = [(path, folder) for folder in folders for path in private_files(folder)]
    files = [file for file in files if file not in set(private)]
    summarised = {} if from_ranks else {file: check_summarised(*file) for file in files}
    checks = {file: check for file, check in summarised.items() if check}
    rest = [file for file in files if file not in checks]
    from_their_ranks = in_processes(lambda number: _check_ranks(*rest[number]), len(rest))
    checks |= zip(rest, from_their_ranks, strict=True)

    def read(path: Path, root: Path) -> TaskCheck:
        return checks.get((path, root)) or _read_private(path, root)

    read_measured([*files, *private], reading_languages(read, languages), contents)


def _read_private(path: Path, root: Path) -> TaskCheck:
    """Read a result that is not for publication; without its ranks it cannot be ranked."""
    check = as_part(read_task(path, root))
    if check.run is None or check.ranks is not None or check.summary is not None:
        return check
    notes = Notes(path.name)
    notes.error("", Plain("no ranks next to it"), "run the task again with `xbench evaluate`")
    return TaskCheck(path, notes.listed())


def _check_ranks(path: Path, root: Path) -> TaskCheck:
    """Check a result and its ranks, and hand back what follows from these in their stead."""
    check = check_task(path, root, stored=False)
    summary = summarise(check.ranks) if check.ranks else None
    return replace(check, ranks=None, summary=summary)
