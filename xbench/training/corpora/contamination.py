"""Overlap of training data with the evaluation sets, whose results it would spoil."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.data.datasets import MIRACL, PARALLEL_DATASETS, Dataset
from xbench.data.download import DataLocation
from xbench.tasks import TASK_CLASSES, ParallelCorpusRetrieval, StreamedRetrieval
from xbench.training.corpora.folding import plain
from xbench.training.corpora.pair_index import BATCH
from xbench.training.corpora.pairs import ParallelPairs

FIRST_ROWS = 5

EVALUATION_SETS = (*PARALLEL_DATASETS, MIRACL)
"""The sets that are compared; MIRACL's hard negatives have questions of MIRACL."""


@dataclass(frozen=True)
class SetOverlap:
    """What a corpus has in common with one evaluation set.

    Attributes:
        title: Title of the set.
        questions: Rows with a question of the set, in any language.
        passages: Rows with a passage of the set, in any language, or None if its passages are too
            many to compare. Sets that were made from the same encyclopaedia share sentences, so
            these say less than the questions.
        first_rows: The first rows with a question of the set, counted from 1.
        example: Such a question.
        not_checked: Why the set could not be compared; empty if it was.
    """

    title: str
    questions: int = 0
    passages: int | None = 0
    first_rows: tuple[int, ...] = ()
    example: str = ""
    not_checked: str = ""


@dataclass(frozen=True)
class Overlap:
    """What a corpus has in common with the evaluation sets.

    Attributes:
        corpus: Name of the corpus.
        sets: The evaluation sets.
    """

    corpus: str
    sets: tuple[SetOverlap, ...]

    @property
    def summary(self) -> str:
        """Questions of evaluation sets, on one line."""
        parts = [
            f"{found.title} not checked"
            if found.not_checked
            else f"{found.questions:,} of {found.title}"
            for found in self.sets
            if found.not_checked or found.questions
        ]
        return ", ".join(parts) or "none"

    def lines(self) -> list[str]:
        """Return the overlap as lines of text."""
        return [
            f"{self.corpus} and {found.title}: not checked ({found.not_checked})"
            if found.not_checked
            else f"{self.corpus} and {found.title}: {found.questions:,} questions "
            + ("" if found.passages is None else f"and {found.passages:,} passages ")
            + "in common"
            for found in self.sets
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the overlap as values that JSON has."""
        sets = [{**asdict(found), "first_rows": list(found.first_rows)} for found in self.sets]
        return {"summary": self.summary, "sets": sets}


def evaluation_overlap(pairs: ParallelPairs, location: DataLocation) -> Overlap:
    """Count the rows of one corpus, as `evaluation_overlaps` does."""
    return evaluation_overlaps([pairs], location)[0]


def evaluation_overlaps(corpora: Sequence[ParallelPairs], location: DataLocation) -> list[Overlap]:
    """Count the rows that have a question, or a passage, of each evaluation set, by corpus.

    Texts are compared as `plain` leaves them, in whatever languages the two are. A set that is
    not there and cannot be fetched is reported as not checked.

    Of MIRACL the questions are compared; its hard negatives have the same ones.

    Args:
        corpora: The corpora.
        location: Where the evaluation sets are; if offline, none is fetched.
    """
    hashes: dict[str, dict[str, NDArray[np.uint64]]] = {"query": {}, "passage": {}}
    missing: dict[str, str] = {}
    for dataset in EVALUATION_SETS:
        try:
            texts = _texts(dataset, location)
        except UserError as error:
            missing[dataset.title] = str(error)
            continue
        for side, own_texts in texts.items():
            (own,) = _hashes({side: own_texts})
            hashes[side][dataset.title] = np.unique(own.to_numpy())
    return [_overlap(pairs, hashes, missing) for pairs in corpora]


def _overlap(
    pairs: ParallelPairs,
    hashes: Mapping[str, dict[str, NDArray[np.uint64]]],
    missing: Mapping[str, str],
) -> Overlap:
    questions = _rows_with(pairs, "query", hashes["query"])
    passages = _rows_with(pairs, "passage", hashes["passage"])
    return Overlap(
        pairs.name,
        tuple(
            SetOverlap(title, not_checked=missing[title])
            if title in missing
            else _set_overlap(
                pairs, title, questions[title], passages.get(title), hashes["query"][title]
            )
            for title in (dataset.title for dataset in EVALUATION_SETS)
        ),
    )


def refuse_overlap(overlap: Overlap, allowed: Sequence[str]) -> None:
    """Refuse a corpus with questions of evaluation sets that are not allowed.

    Args:
        overlap: What the corpus has in common with them.
        allowed: Titles of the sets whose questions may be there.

    Raises:
        UserError: If there are questions of any other.
    """
    refused = [found for found in overlap.sets if found.questions and found.title not in allowed]
    if refused:
        found_ones = "; ".join(
            f"{found.questions:,} of {found.title}, rows {', '.join(map(str, found.first_rows))}"
            f"{' …' if found.questions > len(found.first_rows) else ''}, such as {found.example!r}"
            for found in refused
        )
        options = " ".join(f"--allow-evaluation-data {found.title}" for found in refused)
        raise UserError(
            f"corpus {overlap.corpus}: it has questions of evaluation sets ({found_ones}), whose "
            f"results would not be zero-shot; leave those rows out, or train on them with {options}"
        )


def _texts(dataset: Dataset, location: DataLocation) -> dict[str, list[str]]:
    """Return the queries of an evaluation set, and the passages of one that fits in memory."""
    name = dataset.task_name("multilingual")
    task = next(cls for cls in TASK_CLASSES if cls.metadata.name == name)
    if issubclass(task, StreamedRetrieval):
        topics = [task.read_topics(code, location) for code in dataset.languages]
        return {"query": [text for own in topics for text in own.texts]}
    corpus = cast("ParallelCorpusRetrieval", task(location=location)).load_corpus(dataset.languages)
    sides = {"query": corpus.queries, "passage": corpus.passages}
    return {side: [t for own in by.values() for t in own.texts] for side, by in sides.items()}


def _rows_with(
    pairs: ParallelPairs, side: str, hashes: dict[str, NDArray[np.uint64]]
) -> dict[str, NDArray[np.bool_]]:
    """Return for each evaluation set which rows have one of its texts."""
    found = {title: np.zeros(len(pairs.table), bool) for title in hashes}
    columns = [f"{side}_{a}" for a in pairs.languages if f"{side}_{a}" in pairs.table.column_names]
    texts = pairs.table.select_columns(columns).with_format("arrow")
    for start in range(0, len(texts), BATCH):
        rows = slice(start, start + BATCH)
        for own in _hashes(texts[rows]):
            for title, known in hashes.items():
                found[title][rows] |= np.isin(own.to_numpy(), known)
    return found


def _hashes(texts: Mapping[str, Iterable[str | None]] | pa.Table) -> list[pl.Series]:
    """Return a hash of each text of each column, as `plain` leaves it."""
    frame = pl.DataFrame(texts)
    return frame.select(plain(pl.all().cast(pl.String)).hash()).get_columns()


def _set_overlap(
    pairs: ParallelPairs,
    title: str,
    questions: NDArray[np.bool_],
    passages: NDArray[np.bool_] | None,
    hashes: NDArray[np.uint64],
) -> SetOverlap:
    first_rows = np.flatnonzero(questions)[:FIRST_ROWS]
    example = ""
    if len(first_rows):
        row = pairs.table[int(first_rows[0])]
        queries = [row[f"query_{code}"] for code in pairs.languages if row.get(f"query_{code}")]
        (own,) = _hashes({"query": queries})
        example = queries[int(np.argmax(np.isin(own.to_numpy(), hashes)))]
    return SetOverlap(
        title=title,
        questions=int(questions.sum()),
        passages=None if passages is None else int(passages.sum()),
        first_rows=tuple((first_rows + 1).tolist()),
        example=example,
    )
