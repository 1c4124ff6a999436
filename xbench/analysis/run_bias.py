"""Language bias of any system's run, whether or not the system ever saw xbench."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xbench._util.errors import UserError
from xbench.data.trec_files import (
    Problems,
    Scored,
    ScoredSource,
    name_of,
    read_qrels,
    read_run,
    read_table,
)
from xbench.metrics import SCORES, PoolRanks, language_shares, scores
from xbench.search.exact_ranks import ranks_in_run

if TYPE_CHECKING:
    import pandas as pd

Source = str | PathLike[str]
SHARE_PLACES = 10
TABLE_SUFFIXES = (".tsv", ".csv", ".gz")


@dataclass(frozen=True)
class LanguageBias:
    """How a run ranks the passages of each language, by the language of the queries.

    Attributes:
        by_language: By query language, then by name: the scores that are defined.
        mean: Mean of each score over the query languages that have it.
        shares: By query language, then by passage language: share of the first ten places. Empty
            for a pool of one language; without the query languages whose queries found nothing.
        pool_share: Share of each passage language in the pool.
        passages: Passages in the pool.
        queries: Queries that were scored.
        without_relevant: Queries of the qrels skipped because no passage is relevant.
        unjudged: Queries of the run skipped because the qrels lack them.
        not_in_run: Scored queries for which the run has nothing: all their passages are missing.
        relevant: Relevant passages of the scored queries.
        not_retrieved: Those that the run lacks; they count at the end of the pool.
    """

    by_language: Mapping[str, Mapping[str, float]]
    mean: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    pool_share: Mapping[str, float]
    passages: int
    queries: int
    without_relevant: int
    unjudged: int
    not_in_run: int
    relevant: int
    not_retrieved: int

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row per query language and score, then the means over the query languages.

        The columns are query_language (empty for a mean), measure and value.

        >>> bias = language_bias(
        ...     {"q": {"p1": 2.0, "p2": 1.0}}, {"q": {"p1": 1, "p2": 1}},
        ...     {"p1": "de", "p2": "en"}, {"q": "de"},
        ... )
        >>> frame = bias.to_dataframe().set_index(["query_language", "measure"])
        >>> float(frame.loc[("de", "rank_distance"), "value"])
        1.0
        """
        import pandas as pd

        tables = {**self.by_language, "": self.mean}
        return pd.DataFrame(
            [
                (language, measure, value)
                for language, own in tables.items()
                for measure, value in own.items()
            ],
            columns=["query_language", "measure", "value"],
        )


def language_bias(
    run: ScoredSource,
    qrels: ScoredSource,
    passage_language: Mapping[str, str] | Source | Sequence[Source],
    query_language: Mapping[str, str] | Source | None = None,
    question: Mapping[str, str] | None = None,
) -> LanguageBias:
    """Measure effectiveness and language bias of a run in a pool of several languages.

    Ties are broken as in trec_eval; a pool of one language has no bias scores. `xbench bias --help`
    describes the tables.

    Args:
        run: What `xbench.data.trec_files.read_run` takes.
        qrels: What `xbench.data.trec_files.read_qrels` takes.
        passage_language: Language of every passage of the pool, retrieved or not, by passage id; or
            tables. Any names serve as languages.
        query_language: Language by query id; one language for all; a table, as a `Path` or a name
            that ends in .tsv, .csv or .gz; or None if the other tables list the queries.
        question: Question id of queries that are versions of one question; without it, or the
            tables' column, there is no ``rank_correlation``.

    Raises:
        UserError: If an input is malformed, or lacks a language or alignable versions.
    """
    scored, judged = read_run(run), read_qrels(qrels)
    table = _languages(passage_language, query_language, scored, judged)
    questions = table.question if question is None else question
    _check_languages({name_of(run, "run"): scored, name_of(qrels, "qrels"): judged}, judged, table)
    by_language: dict[str, dict[str, list[str]]] = {}
    for query, passages in judged.items():
        relevant = sorted(passage for passage, value in passages.items() if value > 0)
        if relevant:
            by_language.setdefault(table.query[query], {})[query] = relevant
    _check_versions(by_language, questions, table.passage)
    ranks = {}
    for language, queries in sorted(by_language.items()):
        found = ranks_in_run(scored, queries, table.passage, language)
        names = (f"of {questions[q]}" if q in questions else f"is {q}" for q in found.questions)
        ranks[language] = replace(found, questions=tuple(names))
    answered = sum(bool(scored.get(q)) for queries in by_language.values() for q in queries)
    return _summary(ranks, len(judged), answered, unjudged=len(scored.keys() - judged.keys()))


def _summary(
    ranks: Mapping[str, PoolRanks], judged: int, answered: int, *, unjudged: int
) -> LanguageBias:
    pool = next(iter(ranks.values())).pool
    size = sum(pool.values())
    mixed = len(pool) > 1
    found = scores(ranks, multilingual=mixed)
    present = {name: [s[name] for s in found.values() if name in s] for name in SCORES}
    shares = language_shares(ranks, SHARE_PLACES) if mixed else np.empty((0, 0))
    queries = sum(len(r.questions) for r in ranks.values())
    return LanguageBias(
        by_language=found,
        mean={name: float(np.mean(values)) for name, values in present.items() if values},
        shares={
            language: dict(zip(pool, row, strict=True))
            for language, row in zip(ranks, shares.tolist(), strict=False)
            if not np.isnan(row).any()
        },
        pool_share={language: count / size for language, count in pool.items()},
        passages=size,
        queries=queries,
        without_relevant=judged - queries,
        unjudged=unjudged,
        not_in_run=queries - answered,
        relevant=sum(len(r.rank) for r in ranks.values()),
        not_retrieved=sum(int((r.rank == 0).sum()) for r in ranks.values()),
    )


@dataclass(frozen=True)
class _Languages:
    """Language by passage id and by query id, and question id by query id."""

    passage: Mapping[str, str]
    query: Mapping[str, str]
    question: Mapping[str, str]


def _languages(
    passage_language: Mapping[str, str] | Source | Sequence[Source],
    query_language: Mapping[str, str] | Source | None,
    run: Scored,
    qrels: Scored,
) -> _Languages:
    """Bring the ways to give languages to one."""
    given = () if isinstance(passage_language, Mapping) else passage_language
    paths = [given] if isinstance(given, (str, PathLike)) else [*given]
    in_table = False
    if isinstance(query_language, (str, PathLike)):
        in_table = not isinstance(query_language, str) or query_language.endswith(TABLE_SUFFIXES)
        paths += [query_language] if in_table else []
    table = _read_tables([*dict.fromkeys(map(Path, paths))], run, qrels)
    if table.query and not (in_table or query_language is None):
        raise UserError(
            f"{', '.join(map(str, paths))}: gives languages to {len(table.query):,} queries "
            f"({_some(table.query)}), which are given languages apart, too. Leave out one of the "
            "two or, if these are passages, add a column kind that says so"
        )
    query: Mapping[str, str] = table.query
    if isinstance(query_language, Mapping):
        query = query_language
    elif isinstance(query_language, str) and not in_table:
        query = dict.fromkeys(qrels, query_language)
    passage = passage_language if isinstance(passage_language, Mapping) else table.passage
    return _Languages(passage, query, table.question)


def _read_tables(paths: Sequence[Path], run: Scored, qrels: Scored) -> _Languages:
    """Read tables of languages, together."""
    queries = run.keys() | qrels.keys()
    passages = {p for side in (run, qrels) for found in side.values() for p in found}
    table: dict[str, dict[str, str]] = {"passage": {}, "query": {}}
    question: dict[str, str] = {}
    for path in paths:
        remedy = "Expected every passage and query once, with a language; kind: passage or query"
        problems = Problems(str(path), remedy)
        for line, row in read_table(path):
            name, kind = row["id"], _kind(row, queries, passages)
            if not name or not row["language"]:
                problems.add(f"line {line}: the {'language' if name else 'id'} is empty")
            elif kind not in table:
                problems.add(f"line {line}: {name!r} may be a query or a passage; kind is {kind!r}")
            elif name in table[kind]:
                problems.add(f"line {line}: {kind} {name!r} is listed a second time")
            else:
                table[kind][name] = row["language"]
                if kind == "query" and row.get("question"):
                    question[name] = row["question"]
        problems.raise_if_any()
    return _Languages(table["passage"], table["query"], question)


def _kind(row: Mapping[str, str], queries: Collection[str], passages: Collection[str]) -> str:
    """Return what a row is of; empty if it cannot be known."""
    is_query, is_passage = row["id"] in queries, row["id"] in passages
    if row.get("kind") or (is_query and is_passage):
        return row.get("kind", "")
    if is_query or is_passage:
        return "query" if is_query else "passage"
    return "" if row.get("question") else "passage"


def _check_languages(files: Mapping[str, Scored], qrels: Scored, languages: _Languages) -> None:
    problems = Problems(
        "languages",
        "Expected a string that is not empty for every passage of the pool and every query of the "
        "qrels: add them to the table, or to passage_language and query_language",
    )
    for name, content in files.items():
        missing = {p for found in content.values() for p in found} - languages.passage.keys()
        if missing:
            problems.add(f"{name}: {len(missing):,} passages without language: {_some(missing)}")
    missing = qrels.keys() - languages.query.keys()
    if missing:
        problems.add(f"qrels: {len(missing):,} queries without language: {_some(missing)}")
    for kind, given in (("passage", languages.passage), ("query", languages.query)):
        for key, label in given.items():
            if not (isinstance(label, str) and label):
                problems.add(f"the language of {kind} {key!r} is {label!r}")
    problems.raise_if_any()


def _check_versions(
    queries: Mapping[str, Mapping[str, Sequence[str]]],
    question: Mapping[str, str],
    passage_language: Mapping[str, str],
) -> None:
    """Check that the ranks of a question's relevant passages can be set side by side."""
    problems = Problems(
        "question",
        "Expected one query per question and language, and the same relevant passages for all "
        "versions; without questions all scores but rank_correlation are still there",
    )
    versions: dict[tuple[str, str], str] = {}
    relevant: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for language, passages in queries.items():
        for query in passages.keys() & question.keys():
            name = question[query]
            first = versions.setdefault((name, language), query)
            if first != query:
                problems.add(f"{name!r} has the queries {first!r}, {query!r} in {language!r}")
            for code in {passage_language[passage] for passage in passages[query]}:
                ids = [passage for passage in passages[query] if passage_language[passage] == code]
                other, others = relevant.setdefault((name, code), (query, ids))
                if ids != others:
                    problems.add(
                        f"{name!r}: {other!r} and {query!r} differ in passages in {code!r}"
                    )
    problems.raise_if_any()


def _some(names: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(names, key=str)[:3])) + (", …" if len(names) > 3 else "")
