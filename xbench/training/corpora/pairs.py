"""Question-passage pairs in many languages, one row per question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from xbench.training.corpora.presence import Bits


@dataclass(frozen=True)
class ReadingReport:
    """What was found when a corpus was read.

    Attributes:
        name: Name of the corpus.
        rows: Questions, in however many languages.
        rows_by_language: By ISO 639-1 code, the questions with both a query and a passage in it.
        one_sided: By code, the questions with only a query or only a passage in it.
        monolingual_pairs: Pairs of a query and its passage in one language.
        crosslingual_pairs: Pairs of a query and its passage in two languages.
        duplicates: Rows whose query, in some language, is also that of an earlier row.
        shared_passages: Rows that share their passage with another row, in some language.
        without_pair: Rows without any pair in the languages that were asked for.
        negatives: Hard negatives of a pair that are used at most.
        without_negatives: Rows that lack hard negatives where others have some.
        absent: Codes of languages that were asked for and that the corpus lacks.
        ignored_columns: Columns that were not read.
        notes: What else a reader of the data should know.
    """

    name: str
    rows: int
    rows_by_language: Mapping[str, int]
    one_sided: Mapping[str, int]
    monolingual_pairs: int
    crosslingual_pairs: int
    duplicates: int
    shared_passages: int
    without_pair: int
    negatives: int
    without_negatives: int
    absent: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the report as lines of text; what there is none of is skipped."""
        remarks = {
            "questions with only one side": _by_language(self.one_sided),
            "questions asked in an earlier row too": self.duplicates,
            "questions that share a passage": self.shared_passages,
            "questions without a pair in these languages": self.without_pair,
            "hard negatives of a pair, at most": self.negatives,
            "questions without hard negatives, which borrow others'": self.without_negatives,
            "languages that it lacks": ", ".join(self.absent),
            "columns not read": ", ".join(self.ignored_columns),
        }
        return [
            f"{self.name}: {self.rows:,} questions",
            f"  with a passage: {_by_language(self.rows_by_language)}",
            f"  pairs: {self.monolingual_pairs:,} monolingual, "
            f"{self.crosslingual_pairs:,} cross-lingual",
            *(
                f"  {name}: {found:,}" if isinstance(found, int) else f"  {name}: {found}"
                for name, found in remarks.items()
                if found
            ),
            *(f"  {note}" for note in self.notes),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON has."""
        lists = {name: list(found) for name, found in asdict(self).items() if type(found) is tuple}
        return {**asdict(self), **lists}


@dataclass(frozen=True, eq=False)
class ParallelPairs:
    """Question-passage pairs in many languages, one row per question.

    The texts are memory-mapped, and the pairs of languages are never written out.

    Attributes:
        name: Name of the corpus, as reports and model cards show it.
        languages: Codes or labels, sorted.
        table: Columns ``query_<code>`` and ``passage_<code>``, null or blank where there is no
            text, and ``negatives_<code>``, lists of texts, where there are hard negatives.
        queries: Shape (rows, bytes): which languages each row has a query in, see `presence`.
        passages: The same for passages.
        group: Shape (rows,); rows with equal number have a question or a passage in common, so
            that they may not be in one batch. None if no two rows do.
        negatives: Hard negatives of a pair that are used at most.
        report: What was found when the corpus was read.
    """

    name: str
    languages: tuple[str, ...]
    table: Dataset
    queries: Bits
    passages: Bits
    group: NDArray[np.int32] | None
    negatives: int
    report: ReadingReport


def _by_language(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count:,}" for code, count in counts.items() if count)
