"""Runs and qrels of any retrieval system: read in every form, written in TREC's."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.run_forms import QRELS, RUN, Form, Problem, ScoredSource, entries
from xbench.data.text_files import Problems, first, name_of

logger = logging.getLogger(__name__)

Scored = dict[str, dict[str, float]]
"""A number for some passages, by query id and passage id: a run's scores, or qrels' relevance."""


def read_run(
    source: ScoredSource, subset: str | None = None, notes: list[str] | None = None
) -> Scored:
    """Read a run: the score of each retrieved passage. A TREC file's column of ranks is ignored.

    Args:
        source: A file, by the suffix ``.gz`` compressed: TREC's format, mteb's predictions, the
            JSON of ranx or BEIR, or a table with a header; a dictionary by query id and passage id;
            a DataFrame with the columns query_id, doc_id and score; an iterable of ir_measures'
            ``ScoredDoc``; a ranx ``Run``.
        subset: Of mteb's predictions, the subset to read; by default all, if their queries have
            different ids.
        notes: Where to add what a reader should know of it; by default it is logged.

    Raises:
        UserError: If a line, an id or a score is malformed, a passage has two scores for a query,
            or the run is empty.
    """
    run = _read(source, RUN, subset, notes)
    if not any(run.values()):
        raise UserError(
            f"{name_of(source, 'run')}: has no retrieved passage; check that the search ran"
        )
    return run


def read_qrels(source: ScoredSource, notes: list[str] | None = None) -> Scored:
    """Read qrels: the relevance of each judged passage; relevant is what is greater than 0.

    Args:
        source: A file, by the suffix ``.gz`` compressed: TREC's format, BEIR's table with its
            header, or JSON; a dictionary by query id and passage id; a DataFrame with the columns
            query_id, doc_id and relevance; an iterable of ir_measures' ``Qrel``; a ranx ``Qrels``.
        notes: Where to add what a reader should know of it; by default it is logged.

    Raises:
        UserError: If a line, an id or a relevance is malformed, a passage has two grades for a
            query, or no passage is relevant.
    """
    qrels = _read(source, QRELS, None, notes)
    if not any(relevance > 0 for passages in qrels.values() for relevance in passages.values()):
        raise UserError(
            f"{name_of(source, 'qrels')}: no query has a relevant passage (relevance > 0); check "
            "that these are the qrels"
        )
    return qrels


def _read(source: ScoredSource, form: Form, subset: str | None, notes: list[str] | None) -> Scored:
    found: Scored = {}
    problems = Problems(name_of(source, form.name))
    repeated: list[str] = []
    for unit, number, entry in entries(source, form, subset):
        problem = entry if isinstance(entry, Problem) else _put(found, *entry, form, unit)
        if problem is _REPEATED:
            repeated.append(f"{unit} {number:,}")
        elif problem:
            problems.add(f"{unit} {number}: {problem.text}", problem.remedy)
    problems.raise_if_any()
    if repeated:
        note = (
            f"{name_of(source, form.name)}: passages that occur twice for a query with the same "
            f"{form.number} count once: {len(repeated):,} ({first(repeated)})"
        )
        logger.warning("%s", note) if notes is None else notes.append(note)
    return found


_REPEATED = Problem("", "")
"""Not a problem: a passage that occurs twice with one number."""


def _put(
    found: Scored,
    query: Any,  # noqa: ANN401
    passage: Any,  # noqa: ANN401
    value: Any,  # noqa: ANN401
    form: Form,
    unit: str,
) -> Problem | None:
    """Add a passage, or return why it cannot be added."""
    if not (isinstance(query, str) and isinstance(passage, str) and query and passage):
        wrong = "empty" if "" in (query, passage) else "not a string"
        return Problem(
            f"query {query!r}, passage {passage!r}: an id is {wrong}",
            "Expected string ids, such as '17' for 17",
        )
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    pair = f"query {query!r}, passage {passage!r}"
    if number != number:
        return Problem(
            f"{pair}: {form.number} {value!r} is not a number",
            f"Correct the {form.number}, or remove the {unit}: a passage without a "
            f"{form.number} is not ranked",
        )
    passages = found.setdefault(query, {})
    if passage not in passages:
        passages[passage] = number
        return None
    if (known := passages[passage]) == number:
        return _REPEATED
    return Problem(
        f"{pair}: occurs a second time, with the {form.number} {number:g} after {known:g}",
        f"Give each passage one {form.number} per query: remove the {unit} that is wrong",
    )


def write_run(
    path: Path, ranked: Iterable[tuple[str, Sequence[str], Any]], tag: str = "xbench"
) -> None:
    """Write a run in TREC's format.

    Args:
        path: The file.
        ranked: Each query, the ids of its passages and their scores, the best first. Scores in
            single precision are written so that they are read as they are.
        tag: Name of the system.

    Raises:
        UserError: If an id has white space, or the file cannot be written.
    """
    lines = (
        f"{query} Q0 {passage} {rank} {score} {tag}\n"
        for query, passages, scores in ranked
        for rank, (passage, score) in enumerate(
            zip(_words(passages, path), np.asarray(scores).astype(str).tolist(), strict=True), 1
        )
    )
    write_atomically(path, "".join(lines).encode())


def write_qrels(path: Path, relevant: Mapping[str, Sequence[str]]) -> None:
    """Write qrels in TREC's format: the relevant passages of each query, of relevance 1.

    Raises:
        UserError: If an id has white space, or the file cannot be written.
    """
    lines = (
        f"{query} 0 {passage} 1\n"
        for query, passages in relevant.items()
        for passage in _words([query, *passages], path)[1:]
    )
    write_atomically(path, "".join(lines).encode())


def _words(ids: Sequence[str], path: Path) -> Sequence[str]:
    """Return ids, after a check that white space can separate them."""
    for own in ids:
        if len(own.split()) != 1:
            raise UserError(
                f"{path}: the id {own!r} is empty or has white space, which TREC's format cannot "
                "have; leave --save-runs off"
            )
    return ids


def places(
    source: ScoredSource,
    names: Collection[str],
    subset: str | None = None,
    *,
    of_qrels: bool = False,
    of_queries: bool = False,
) -> Mapping[str, str]:
    """Return where each of some passages, or queries, first occurs in a run or in qrels.

    Args:
        source: The run or qrels, which could be read.
        names: Ids.
        subset: Of mteb's predictions, the subset that was read.
        of_qrels: Whether the source is qrels.
        of_queries: Whether they are ids of queries.

    Returns:
        Such as ``line 7``, by id; without what has no numbered lines or rows.
    """
    if isinstance(source, Iterator):
        return {}
    form, column = (QRELS if of_qrels else RUN), (0 if of_queries else 1)
    subset = None if of_qrels else subset
    wanted, found = set(names), dict[str, str]()
    for unit, number, entry in entries(source, form, subset):
        if unit == "entry" or not wanted:
            break
        if not isinstance(entry, Problem) and entry[column] in wanted:
            wanted.remove(entry[column])
            found[entry[column]] = f"{unit} {number:,}"
    return found
