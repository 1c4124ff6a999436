"""Every score in folders of results as one tidy table, and what is known of the runs as another.

Pages, comparisons, exports and notebooks share these tables. A mean by language or by task is a
``groupby`` of the first, a table of a page a pivot of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xbench._util.errors import UserError
from xbench.metrics import FloatArray
from xbench.results.summaries import GroupSums

TEXT = (
    "provenance",
    "source",
    "model",
    "revision",
    "passage_form",
    "settings",
    "dataset",
    "task",
    "setting",
    "subset",
    "query_language",
    "passage_language",
    "average",
    "measure",
)
NUMBERS = ("value", "low", "high")
COLUMNS = (*TEXT, *NUMBERS, "n_questions", "table", "note", "file")
"""Columns of the scores, in order.

| column | meaning |
|---|---|
| provenance | measured with xbench, imported from other results, or reported in a publication |
| source | publication or repository that a score is from; empty where it was measured |
| model, revision | as the hub names them |
| passage_form | what a passage's text was: sentence or context |
| settings | options that are not the model's own, as ``max_length=64, languages=ar,de`` |
| dataset, task, setting | XQuAD-R, XQuADRMonolingualRetrieval, monolingual |
| subset | name of the subset; empty for a mean |
| query_language, passage_language | ISO 639-1 codes; empty where it is not one language |
| average | macro: mean over subsets; micro: over all queries; empty for a single subset |
| measure | name of the measure, as in `xbench.metrics` |
| value, low, high | the score and its 95 % interval; `nan` where there is no interval |
| n_questions | number of distinct questions behind the score; missing where unknown |
| table, note | where in its publication a score is, and what a reader should know |
| file | the file it was read from, relative to its folder of results |

All but ``value``, ``low``, ``high``, ``n_questions`` and ``note`` make a unique key.
"""

KEY = tuple(c for c in COLUMNS if c not in (*NUMBERS, "n_questions", "note"))
RUN = ("provenance", "source", "model", "revision", "passage_form", "settings")
"""The columns that distinguish a model, run in one way, from all others."""

Value = str | float | int | None | Sequence[Any] | FloatArray


class Columns:
    """Columns of scores as they are gathered, file by file."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[Value, int]]] = {name: [] for name in COLUMNS}
        self.size = 0

    def add(self, size: int, **values: Value) -> None:
        """Add some rows.

        Args:
            size: How many.
            **values: A column's value in each row, or one for all; a column that is not named is
                empty.
        """
        for name, parts in self._parts.items():
            parts.append((values.get(name), size))
        self.size += size

    def frame(self) -> pd.DataFrame:
        """Return all rows as one table; text columns are categories."""
        columns: dict[str, Any] = {}
        for name in COLUMNS:
            parts = self._parts[name]
            if name in NUMBERS or name == "n_questions":
                numbers = _numbers(parts)
                columns[name] = numbers if name in NUMBERS else pd.array(numbers, dtype="Int64")
            else:
                columns[name] = _categories(parts)
        return pd.DataFrame(columns)


def _numbers(parts: Sequence[tuple[Value, int]]) -> FloatArray:
    if not parts:
        return np.empty(0)
    return np.concatenate(
        [
            np.full(size, np.nan if value is None else value, float)
            if value is None or np.isscalar(value)
            else np.asarray(value, float)
            for value, size in parts
        ]
    )


def encodable(text: str) -> str:
    r"""Return a text with what UTF-8 has no form for, as of odd file names, written as escapes.

    >>> encodable("caf\udce9")
    'caf\\udce9'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _categories(parts: Sequence[tuple[Value, int]]) -> pd.Categorical:
    number: dict[str, int] = {}
    known: dict[int, np.ndarray[Any, np.dtype[np.int32]]] = {}
    codes = []
    for value, size in parts:
        if value is None or isinstance(value, str):
            text = encodable(value or "")
            codes.append(np.full(size, number.setdefault(text, len(number)), np.int32))
        else:
            if id(value) not in known:
                known[id(value)] = np.array(
                    [number.setdefault(encodable(text), len(number)) for text in value],  # type: ignore[union-attr]
                    np.int32,
                )
            codes.append(known[id(value)])
    whole = np.concatenate(codes) if codes else np.empty(0, np.int32)
    return pd.Categorical.from_codes(whole, pd.Index(list(number), dtype=object))


@dataclass(frozen=True)
class Excluded:
    """A file that no score was taken from.

    Attributes:
        file: Its path in the folder of results.
        reason: Why.
    """

    file: str
    reason: str


class TaskSums(NamedTuple):
    """What each group of questions adds to a model's scores on a task.

    Attributes:
        languages: Query language and passage language of each subset; the latter is empty where the
            pool has several.
        questions: Number of questions of each subset.
        sums: What each group adds.
    """

    languages: Mapping[str, tuple[str, str]]
    questions: Mapping[str, int]
    sums: GroupSums


@dataclass
class Contents:
    """What is gathered from folders of results.

    Attributes:
        columns: The scores.
        runs: What is known of each run, see `ScoreTable`.
        influence: What each question adds to a mean, by file and measure.
        chance: What a random order gives as a mean, by file and measure.
        sums: What each group of questions adds, by file.
        excluded: Files that no score was taken from.
        paths: Where each file is.
    """

    columns: Columns = field(default_factory=Columns)
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    influence: dict[tuple[str, str], FloatArray] = field(default_factory=dict)
    chance: dict[tuple[str, str], float] = field(default_factory=dict)
    sums: dict[str, TaskSums] = field(default_factory=dict)
    excluded: list[Excluded] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)

    def exclude(self, path: Path, root: Path, reason: object) -> None:
        """Note a file that no score is taken from."""
        self.excluded.append(Excluded(path.relative_to(root).as_posix(), str(reason)))


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """All scores of folders of results.

    Attributes:
        scores: A row per score, with the columns `COLUMNS`.
        runs: A row per run and task: the columns of `RUN`, ``dataset``, ``task``, ``setting`` and
            ``file``, then what is known of the model and of how it was run.
        influence: By file and measure: what each question adds to the mean over subsets, from
            which intervals, ranks and tests follow, as `xbench.metrics.comparisons` takes them.
        chance: By file and measure: what a random order gives as the mean over subsets.
        sums: By file: what each group of questions adds to the mean of each subset.
        excluded: The files that no score was taken from, and why.
        paths: Where each file of the scores is.
    """

    scores: pd.DataFrame
    runs: pd.DataFrame
    influence: Mapping[tuple[str, str], FloatArray]
    chance: Mapping[tuple[str, str], float]
    sums: Mapping[str, TaskSums]
    excluded: tuple[Excluded, ...]
    paths: Mapping[str, Path]


Reader = Callable[[Sequence[Path], Contents], None]
"""What reads the files of one provenance in some folders of results."""


def read_score_table(folders: Sequence[Path], readers: Iterable[Reader]) -> ScoreTable:
    """Read every score in folders of results; the same files give the same table.

    Args:
        folders: Folders of results; of two results of the same run and task the first counts.
        readers: What reads them, in order.

    Raises:
        UserError: If a folder does not exist.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; expected a folder of results")
    contents = Contents()
    for read in readers:
        read(folders, contents)
    return as_table(contents)


def as_table(contents: Contents) -> ScoreTable:
    """Return what was gathered as tables."""
    runs = [
        {name: encodable(own) if isinstance(own, str) else own for name, own in run.items()}
        for run in contents.runs
    ]
    return ScoreTable(
        scores=contents.columns.frame(),
        runs=pd.DataFrame(runs, columns=RUN_COLUMNS, dtype=object).astype(RUN_NUMBERS),
        influence=contents.influence,
        chance=contents.chance,
        sums=contents.sums,
        excluded=tuple(contents.excluded),
        paths=contents.paths,
    )


RUN_COLUMNS = (
    *RUN,
    "dataset",
    "task",
    "setting",
    "file",
    "n_parameters",
    "license",
    "url",
    "training_data",
    "zero_shot",
    "command",
    "versions",
    "query_prompt",
    "passage_prompt",
    "maximum_length",
    "dtype",
    "device",
    "truncated",
    "seconds_per_1000",
    "date",
    "title",
    "notes",
)
"""Columns of the runs.

``training_data`` is a tuple of names, None if not declared; ``versions`` a dictionary of packages;
``truncated`` the share of texts longer than the maximum length; ``seconds_per_1000`` the seconds
that encoding 1,000 texts took on the machine of the run; ``title`` that of the publication or
repository; ``notes`` a tuple of what a reader should know, of measured results the warnings.
"""

RUN_NUMBERS = {
    **dict.fromkeys(("n_parameters", "maximum_length"), "Int64"),
    **dict.fromkeys(("truncated", "seconds_per_1000"), "Float64"),
}
"""Type of the columns of the runs that are numbers, missing where unknown; the others are objects.
"""
