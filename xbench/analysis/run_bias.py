"""Language bias of any system's run, whether or not the system ever saw xbench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from xbench._util.errors import UserError
from xbench.data.run_forms import ScoredSource
from xbench.data.run_languages import Languages, Source, read_languages
from xbench.data.text_files import Problems, name_of, some
from xbench.data.trec_files import Scored, places, read_qrels, read_run
from xbench.metrics import SCORES, PoolRanks, language_shares, scores
from xbench.search.run_ranks import ranks_in_run

if TYPE_CHECKING:
    import pandas as pd

SHARE_PLACES = 10


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
        notes: What a reader should know: what was skipped, counted once or taken together.
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
    notes: tuple[str, ...] = field(default=(), compare=False)

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row per query language and score, then the means over the query languages.

        The columns are query_language (empty for a mean), measure and value.

        Examples:
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
    subset: str | None = None,
    languages: str | Sequence[str] | None = None,
) -> LanguageBias:
    """Measure effectiveness and language bias of a run in a pool of several languages.

    Ties are broken as in trec_eval; a pool of one language has no bias scores. `xbench bias --help`
    describes the tables.

    Args:
        run: What `xbench.data.trec_files.read_run` takes: a file in TREC's format, mteb's
            predictions, the JSON of ranx or BEIR, a DataFrame, a dictionary, and others.
        qrels: What `xbench.data.trec_files.read_qrels` takes: a file in TREC's format, BEIR's
            table, JSON, a DataFrame, a dictionary, and others.
        passage_language: Language of every passage of the pool, retrieved or not, by passage id; or
            tables. Any names serve as languages; labels of the same language, such as ``zh`` and
            ``zh-Hans``, are taken together.
        query_language: Language by query id; one language for all; a table, as a `Path` or a name
            that ends in .tsv, .csv or .gz; or None if the other tables list the queries.
        question: Question id of queries that are versions of one question; without it, or the
            tables' column, there is no ``rank_correlation``.
        subset: Of a run that is mteb's predictions, the subset to measure; by default all
            together, if their queries have different ids.
        languages: Languages to measure, all by default: the queries and passages in others are not
            there, as if the pool had never had them.

    Raises:
        UserError: If an input is malformed, run and qrels have no query in common, or a language or
            alignable versions are missing.
    """
    notes: list[str] = []
    scored, judged = read_run(run, subset, notes), read_qrels(qrels, notes)
    table = read_languages(passage_language, query_language, scored, judged, notes)
    _check_common(run, qrels, scored, judged)
    questions = table.question if question is None else question
    _check_languages(run, qrels, subset, scored, judged, table)
    table = table.in_one_form(notes)
    if languages is not None:
        wanted = languages.split(",") if isinstance(languages, str) else languages
        table = table.part(wanted)
        scored, judged = _part(scored, judged, table)
        notes.append(
            f"Measured in {', '.join(wanted)} alone: {len(table.passage):,} passages in the pool"
        )
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
    unjudged = scored.keys() - judged.keys()
    if unjudged:
        where = places(run, sorted(unjudged)[:3], subset, of_queries=True)
        notes.append(
            f"{name_of(run, 'run')}: queries without judgment are skipped: {len(unjudged):,} "
            f"({some(unjudged, where)}); check the qrels if they should count"
        )
    return _summary(ranks, len(judged), answered, len(unjudged), notes)


def _part(scored: Scored, judged: Scored, part: Languages) -> tuple[Scored, Scored]:
    """Return what a run and qrels have of the queries and passages in some languages."""
    return (
        {
            query: {passage: own[passage] for passage in own if passage in part.passage}
            for query, own in scored.items()
            if query in part.query or query not in judged
        },
        {
            query: {passage: own[passage] for passage in own if passage in part.passage}
            for query, own in judged.items()
            if query in part.query
        },
    )


def _summary(
    ranks: Mapping[str, PoolRanks],
    judged: int,
    answered: int,
    unjudged: int,
    notes: Sequence[str],
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
        notes=tuple(notes),
    )


def _check_common(run: ScoredSource, qrels: ScoredSource, scored: Scored, judged: Scored) -> None:
    """Check that some query with a relevant passage is in the run."""
    relevant = {q for q, passages in judged.items() if max(passages.values()) > 0}
    if not relevant & scored.keys():
        raise UserError(
            f"{name_of(run, 'run')} and {name_of(qrels, 'qrels')} have no query in common that has "
            f"a relevant passage: the run has {some(scored)}, the qrels have {some(relevant)}. "
            "Check that both belong together and name queries alike"
        )


def _check_languages(
    run: ScoredSource,
    qrels: ScoredSource,
    subset: str | None,
    scored: Scored,
    judged: Scored,
    languages: Languages,
) -> None:
    problems = Problems(
        "languages",
        "Expected a string that is not empty for every passage of the pool and every query of the "
        "qrels: add them to the table, or to passage_language and query_language",
    )
    for content, source, kind in ((scored, run, "run"), (judged, qrels, "qrels")):
        missing = {p for found in content.values() for p in found} - languages.passage.keys()
        if missing:
            first = sorted(missing)[:3]
            where = places(source, first, subset, of_qrels=kind == "qrels")
            problems.add(
                f"{name_of(source, kind)}: {len(missing):,} passages without language: "
                f"{some(missing, where)}"
            )
    missing = judged.keys() - languages.query.keys()
    if missing:
        where = places(qrels, sorted(missing)[:3], of_qrels=True, of_queries=True)
        problems.add(
            f"{name_of(qrels, 'qrels')}: {len(missing):,} queries without language: "
            f"{some(missing, where)}"
        )
    for own, given in (("passage", languages.passage), ("query", languages.query)):
        for key, label in given.items():
            if not (isinstance(label, str) and label):
                problems.add(f"the language of {own} {key!r} is {label!r}")
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
