"""Measured scores: checked result files as rows of the score table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from xbench.data.catalogue import TASKS, main_score, own_task
from xbench.data.datasets import Setting
from xbench.metrics import EFFECTIVENESS, SCORES
from xbench.metrics import scores as task_scores_of
from xbench.metrics.registry import (
    EVIDENCE,
    LANGUAGE_ADVANTAGE,
    NOT_ALWAYS_DEFINED,
    WRONG_SHARE_RATIO,
)
from xbench.results.findings import TaskCheck
from xbench.results.per_query_file import PerQuery
from xbench.results.run_details import explanation, part_of, run_details
from xbench.results.score_table import Contents, TaskSums
from xbench.results.subset_languages import Languages, setting_of, subset_languages
from xbench.results.summaries import SHARES_AT, Summary, summarise

KNOWN = frozenset(SCORES)
REPEATED = "the same run's result is there already"
LANGUAGE_SHARE = f"language_share_at_{SHARES_AT}"
"""Share of a passage language among the first places of a multilingual pool."""

Check = Callable[[Path, Path], TaskCheck]
"""What reads and checks a result file in a folder of results."""


def read_measured(files: Iterable[tuple[Path, Path]], check: Check, contents: Contents) -> None:
    """Add the scores of result files; of two of the same run and task the first counts.

    Args:
        files: Each result file and the folder of results it is in.
        check: What reads and checks it.
        contents: What to add to.
    """
    seen = set()
    for path, root in files:
        found = check(path, root)
        if found.run is None:
            contents.exclude(path, root, explanation(found, path.relative_to(root).as_posix()))
        elif (identity := (found.run, found.part, path.stem)) in seen:
            contents.exclude(path, root, REPEATED)
        else:
            seen.add(identity)
            add_task(found, path.relative_to(root).as_posix(), contents)


def add_task(check: TaskCheck, file: str, contents: Contents) -> None:
    """Add the scores of a result that may be used, and what is known of its run.

    Of tasks of the catalogue those of `xbench.metrics.SCORES` are added, of others all numbers.
    Without ranks or a summary there are no intervals and no mean over all queries.

    Args:
        check: The check of the result, with its run, its result, and its ranks or their summary.
        file: Path of the result file, as the table names it.
        contents: What to add to.

    Raises:
        ValueError: If the check has no run or no result.
    """
    run, result, task = check.run, check.result, check.path.stem
    if run is None or result is None:
        raise ValueError(f"{file}: the result cannot be used")
    splits = {split: entries for split, entries in result["scores"].items() if entries}
    if task in TASKS:
        splits = {split: splits[split] for split in splits if split == TASKS[task][0].split}
    own = own_task(task, result["dataset_revision"])
    about = {
        "provenance": "measured",
        "source": "",
        "model": run.model,
        "revision": run.revision,
        "passage_form": run.passage_form,
        "settings": run.options,
        "task": task,
        "file": file,
    }
    for split, entries in splits.items():
        part = check if len(splits) == 1 else replace(check, ranks=None, summary=None)
        title = own[0] if own else task if len(splits) == 1 else f"{task}, {split}"
        _add_split(about, title, entries, part, contents, own and own[1])
    contents.paths[file] = check.path


Scores = Mapping[str, Mapping[str, float]]
"""The measures of each subset, by its name."""


def _add_split(
    about: Mapping[str, str],
    title: str,
    entries: Sequence[Mapping[str, Any]],
    check: TaskCheck,
    contents: Contents,
    own: Setting | None,
) -> None:
    """Add a split's scores; `own` is the setting of a task of a corpus of one's own."""
    known = own is not None or about["task"] in TASKS
    summary = check.summary or (summarise(check.ranks) if check.ranks else None)
    scores: Scores = {entry["hf_subset"]: _measures(entry, known=known) for entry in entries}
    if _is_old(scores, about["task"]):
        scores = _recomputed(scores, check.ranks)
    languages = subset_languages(about["task"], entries, check.ranks, own)
    if about["task"] in TASKS:
        dataset, setting = TASKS[about["task"]]
        about = {**about, "dataset": dataset.title + part_of(check), "setting": setting}
    else:
        other = own or setting_of(languages, check.ranks)
        about = {**about, "dataset": title + part_of(check), "setting": other}
    questions, total = _questions(about["task"], sorted(scores), check.ranks, summary)
    _add_subsets(about, scores, languages, questions, contents)
    if summary is not None:
        _add_shares(about, summary, questions, contents)
        _add_advantages(about, summary, contents)
    _add_means(about, scores, summary, total, contents, known=known)
    contents.runs.append(about | run_details(check, about["dataset"]))
    if summary is not None:
        contents.influence |= {
            (about["file"], measure): own.values for measure, own in summary.evidence.items()
        }
        contents.chance |= {
            (about["file"], measure): value for measure, value in summary.chance.items()
        }
    if summary is not None and summary.sums is not None and questions is not None:
        own_sums = TaskSums(dict(zip(scores, languages, strict=True)), questions, summary.sums)
        contents.sums[about["file"]] = own_sums


def _measures(entry: Mapping[str, Any], *, known: bool) -> Mapping[str, float]:
    """Return the scores of a subset that are used, of other projects' tasks the finite numbers."""
    if known:
        return {name: value for name, value in entry.items() if name in KNOWN}
    return {
        name: float(value)
        for name, value in entry.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    }


def _is_old(scores: Scores, task: str) -> bool:
    """Return whether measures of language bias are those of 0.1.0, by the names of the new ones."""
    parallel = task in TASKS and TASKS[task][1] == "multilingual" and not TASKS[task][0].streamed
    return parallel and not all(EVIDENCE[0] in own for own in scores.values())


def _recomputed(scores: Scores, ranks: PerQuery | None) -> Scores:
    """Return old scores with the measures of language bias that the ranks give, if there are any.

    Old ones, in which passages that were not retrieved are at the last place, are never used.
    """
    kept = {
        name: {measure: value for measure, value in own.items() if measure in EFFECTIVENESS}
        for name, own in scores.items()
    }
    if ranks is None:
        return kept
    found = task_scores_of(ranks.subsets, multilingual=True)
    return {name: {**found[name], **own} for name, own in kept.items()}


def _add_subsets(
    about: Mapping[str, str],
    scores: Scores,
    languages: Languages,
    questions: Mapping[str, int] | None,
    contents: Contents,
) -> None:
    measures = tuple(map(tuple, scores.values()))
    values = [value for own in scores.values() for value in own.values()]
    if not values:
        return
    counts = None
    if questions is not None:
        counts = np.repeat([questions[name] for name in scores], [len(own) for own in measures])
    columns = _subset_columns(tuple(scores), languages, measures)
    contents.columns.add(len(values), **about, **columns, value=values, n_questions=counts)


@cache
def _subset_columns(
    names: tuple[str, ...], languages: Languages, measures: tuple[tuple[str, ...], ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return the columns that say what each score of the subsets is of.

    Models have them in common, so they are the same objects for all.
    """
    rows = [
        (name, *pair, measure)
        for name, pair, own in zip(names, languages, measures, strict=True)
        for measure in own
    ]
    subset, query, passage, measure = zip(*rows, strict=True)
    return {
        "subset": subset,
        "query_language": query,
        "passage_language": passage,
        "measure": measure,
    }


def _add_shares(
    about: Mapping[str, str],
    summary: Summary,
    questions: Mapping[str, int] | None,
    contents: Contents,
) -> None:
    rows = [(q, p, share) for q, row in summary.shares.items() for p, share in row.items()]
    shares = [row for row in rows if isfinite(row[2])]
    if shares:
        queries, passages, values = zip(*shares, strict=True)
        contents.columns.add(
            len(shares),
            **about,
            subset=queries,
            query_language=queries,
            passage_language=passages,
            measure=LANGUAGE_SHARE,
            value=values,
            n_questions=[questions[q] for q in queries] if questions else None,
        )


def _add_advantages(about: Mapping[str, str], summary: Summary, contents: Contents) -> None:
    """Add how much each passage language is favoured, by query language and over all of them."""
    pairs = [(q, p, v) for q, row in summary.advantages.items() for p, v in row.items()]
    if not pairs:
        return
    queries, passages, values = zip(*pairs, strict=True)
    contents.columns.add(
        len(pairs),
        **about,
        subset=queries,
        query_language=queries,
        passage_language=passages,
        measure=LANGUAGE_ADVANTAGE,
        value=values,
    )
    favoured = summary.favoured
    contents.columns.add(
        len(favoured),
        **about,
        passage_language=list(favoured),
        average="macro",
        measure=LANGUAGE_ADVANTAGE,
        value=[own.value for own in favoured.values()],
        low=[own.interval[0] for own in favoured.values()],
        high=[own.interval[1] for own in favoured.values()],
        n_questions=[own.questions for own in favoured.values()],
    )
    contents.columns.add(
        len(summary.wrong_shares),
        **about,
        passage_language=list(summary.wrong_shares),
        average="macro",
        measure=WRONG_SHARE_RATIO,
        value=list(summary.wrong_shares.values()),
    )


def _add_means(
    about: Mapping[str, str],
    scores: Scores,
    summary: Summary | None,
    total: int | None,
    contents: Contents,
    *,
    known: bool,
) -> None:
    """Add the mean over the subsets of every score that all have, and LAReQA's of all queries."""
    entries = list(scores.values())
    shared = set[str].intersection(*map(set, entries)) | {
        measure for measure in NOT_ALWAYS_DEFINED if any(measure in entry for entry in entries)
    }
    order = SCORES if known else (*entries[0], *NOT_ALWAYS_DEFINED)
    common = [m for m in dict.fromkeys(order) if m in shared]
    evidence = {} if summary is None else summary.evidence
    ends = [evidence[m].interval if m in evidence else None for m in common]
    contents.columns.add(
        len(common),
        **about,
        average="macro",
        measure=common,
        value=[fmean([entry[m] for entry in entries if m in entry]) for m in common],
        low=[own[0] if own else np.nan for own in ends],
        high=[own[1] if own else np.nan for own in ends],
        n_questions=total,
    )
    if summary is not None:
        contents.columns.add(
            1, **about, average="micro", measure="map", value=summary.micro, n_questions=total
        )


def _questions(
    task: str, names: Sequence[str], ranks: PerQuery | None, summary: Summary | None
) -> tuple[Mapping[str, int] | None, int | None]:
    """Return the number of questions of each subset, and of all, None if it is not known.

    Args:
        task: Name of the task.
        names: Names of the subsets, in order.
        ranks: The ranks.
        summary: Their summary.
    """
    if ranks is not None:
        ids = {question for own in ranks.subsets.values() for question in own.questions}
        return {name: len(own.questions) for name, own in ranks.subsets.items()}, len(ids)
    if summary is None:
        return None, None
    present = ~np.isnan(summary.evidence[main_score(task)].values)
    return {name: summary.questions[name] for name in names}, int(present.any(axis=1).sum())
