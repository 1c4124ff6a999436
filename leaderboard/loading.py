"""Measured figures: the result files of every model, each checked before a figure is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xbench.data.catalogue import SETTINGS, TASKS
from xbench.leaderboard.cache import read_records
from xbench.leaderboard.figures import Details, Figure, Key, LeftOut, Row
from xbench.leaderboard.task_scores import Record, explanation
from xbench.metrics import FloatArray
from xbench.results.validation import RunIdentity, result_files

REPEATED = "the same run's result is there already"


def read_measured(
    folders: Sequence[Path], cache_dir: Path | None = None, *, from_ranks: bool = False
) -> tuple[list[Row], list[LeftOut]]:
    """Read the results of all models: a row per run and dataset, and the files left out.

    A file counts only if `check_task` or `check_summarised` accepts it; of two results of the same
    run and task the first counts.

    Args:
        folders: Folders of results.
        cache_dir: Where to keep what was derived from the files; None to keep nothing.
        from_ranks: Whether to look at no summary.
    """
    files = [(path, folder) for folder in folders for path in result_files(folder)]
    rows: dict[tuple[RunIdentity, str], _Parts] = {}
    left_out = []
    records = read_records(files, cache_dir, from_ranks=from_ranks)
    for (path, folder), record in zip(files, records, strict=True):
        run, file = record[0].run, path.relative_to(folder).as_posix()
        if run is None:
            left_out.append(LeftOut(file, explanation(record[0].errors, file)))
            continue
        parts = rows.setdefault((run, TASKS[path.stem][0].title), _Parts())
        if path.stem in parts.tasks:
            left_out.append(LeftOut(file, REPEATED))
        else:
            parts.add(path.stem, record)
    return [parts.row(run, dataset) for (run, dataset), parts in rows.items()], left_out


@dataclass
class _Parts:
    """What the tasks of a run on a dataset contribute to its row."""

    tasks: list[str] = field(default_factory=list)
    figures: dict[Key, Figure] = field(default_factory=dict)
    shares: dict[tuple[str, str], float] = field(default_factory=dict)
    evidence: dict[Key, FloatArray] = field(default_factory=dict)
    details: Details | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, task: str, record: Record) -> None:
        """Add a task's record."""
        content, evidence = record
        _, setting = TASKS[task]
        self.tasks.append(task)
        self.figures.update(content.figures)
        self.shares |= {(query, passage): share for query, passage, share in content.shares}
        self.evidence |= {Key(setting, m, None, "macro"): own for m, own in evidence.items()}
        if self.details and content.details:
            runs = {**self.details.runs, **content.details.runs}
            ordered = {setting: runs[setting] for setting in SETTINGS if setting in runs}
            self.details = replace(self.details, runs=ordered)
        else:
            self.details = content.details
        self.notes += [f"{w.field}: {w.found}: {w.rule}" for w in content.warnings]

    def row(self, run: RunIdentity, dataset: str) -> Row:
        """Return the row."""
        return Row(
            model=f"{run.model} ({run.options})" if run.options else run.model,
            dataset=dataset,
            passage_form=run.passage_form,
            figures=self.figures,
            revision=run.revision,
            details=self.details,
            shares=self.shares,
            notes=tuple(dict.fromkeys(self.notes)),
            evidence=self.evidence,
        )
