"""Measured scores: checked result files as rows of the score table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from xbench.data.catalogue import TASKS, subsets
from xbench.metrics import SCORES, IntArray
from xbench.results.findings import Finding, TaskCheck
from xbench.results.score_table import Contents
from xbench.results.store import subset_scores
from xbench.results.summaries import SHARES_AT, Summary, summarise
from xbench.results.zero_shot import zero_shot

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
        elif (identity := (found.run, path.stem)) in seen:
            contents.exclude(path, root, REPEATED)
        else:
            seen.add(identity)
            add_task(found, path.relative_to(root).as_posix(), contents)


def add_task(check: TaskCheck, file: str, contents: Contents) -> None:
    """Add the scores of an accepted result, and what is known of its run.

    Args:
        check: The check of the result, with its run, result, and ranks or summary.
        file: Path of the result file, as the table names it.
        contents: What to add to.
    """
    dataset, setting = TASKS[check.path.stem]
    run, summary = check.run, check.summary or summarise(check.ranks)  # type: ignore[arg-type]
    about = {
        "provenance": "measured",
        "source": "",
        "model": run.model,  # type: ignore[union-attr]
        "revision": run.revision,  # type: ignore[union-attr]
        "passage_form": run.passage_form,  # type: ignore[union-attr]
        "settings": run.options,  # type: ignore[union-attr]
        "dataset": dataset.title,
        "task": check.path.stem,
        "setting": setting,
        "file": file,
    }
    entries = {entry["hf_subset"]: entry for entry in subset_scores(check.result or {})}
    questions = _questions(sorted(entries), summary.evidence[dataset.main_score].values)
    _add_subsets(about, entries, questions, contents)
    _add_shares(about, summary, questions, contents)
    _add_means(about, list(entries.values()), summary, contents)
    contents.runs.append(about | _details(check, dataset.title))
    contents.influence |= {(file, m): own.values for m, own in summary.evidence.items()}
    contents.paths[file] = check.path


Entries = Mapping[str, Mapping[str, Any]]
"""The scores of each subset, by its name."""


def _add_subsets(
    about: Mapping[str, str], entries: Entries, questions: Mapping[str, int], contents: Contents
) -> None:
    measures = tuple(tuple(filter(KNOWN.__contains__, entry)) for entry in entries.values())
    pairs = zip(entries.values(), measures, strict=True)
    values = [value for entry, own in pairs for value in itemgetter(*own)(entry)]
    counts = np.repeat([questions[name] for name in entries], [len(own) for own in measures])
    columns = _subset_columns(about["task"], tuple(entries), measures)
    contents.columns.add(len(values), **about, **columns, value=values, n_questions=counts)


@cache
def _subset_columns(
    task: str, names: tuple[str, ...], measures: tuple[tuple[str, ...], ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return the columns that say what each score of the subsets is of.

    Models have them in common, so they are the same objects for all.
    """
    dataset, setting = TASKS[task]
    known = subsets(setting, dataset.languages)
    rows = [
        (name, known[name].query_language, *known[name].passage_languages[:1], measure)
        for name, own in zip(names, measures, strict=True)
        for measure in own
    ]
    subset, query, passage, measure = zip(*rows, strict=True)
    columns = {"subset": subset, "query_language": query, "measure": measure}
    return columns if setting == "multilingual" else {**columns, "passage_language": passage}


def _add_shares(
    about: Mapping[str, str], summary: Summary, questions: Mapping[str, int], contents: Contents
) -> None:
    shares = [(q, p, share) for q, row in summary.shares.items() for p, share in row.items()]
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
            n_questions=np.array([questions[q] for q in queries]),
        )


def _add_means(
    about: Mapping[str, str],
    entries: Sequence[Mapping[str, Any]],
    summary: Summary,
    contents: Contents,
) -> None:
    """Add the mean over the subsets of every score that all have, and LAReQA's of all queries."""
    first = next(iter(summary.evidence.values())).values
    total = int((~np.isnan(first)).any(axis=1).sum())
    shared = set[str].intersection(*map(set, entries))
    common = [measure for measure in SCORES if measure in shared]
    known = [summary.evidence[m].interval if m in summary.evidence else None for m in common]
    contents.columns.add(
        len(common),
        **about,
        average="macro",
        measure=common,
        value=[fmean([entry[m] for entry in entries]) for m in common],
        low=[ends[0] if ends else np.nan for ends in known],
        high=[ends[1] if ends else np.nan for ends in known],
        n_questions=total,
    )
    contents.columns.add(
        1, **about, average="micro", measure="map", value=summary.micro, n_questions=total
    )


def _questions(names: Sequence[str], values: np.ndarray[Any, Any]) -> Mapping[str, int]:
    """Return the number of questions of each subset.

    Args:
        names: Names of the subsets, in order.
        values: The influence values of the main score, shape (questions, subsets), or one column
            where every question has a query in every subset.
    """
    counts: IntArray = (~np.isnan(values)).sum(axis=0)
    own = counts.tolist() if len(counts) == len(names) else [int(counts[0])] * len(names)
    return dict(zip(names, own, strict=True))


def _details(check: TaskCheck, title: str) -> dict[str, Any]:
    meta, settings, result = check.meta or {}, check.settings or {}, check.result or {}
    own, declared = settings["xbench"], meta["training_datasets"]
    encoding, date = own["encoding"], result.get("date")
    training_data = None if declared is None else tuple(declared)
    return {
        "n_parameters": meta.get("n_parameters"),
        "license": meta.get("license"),
        "url": meta.get("reference"),
        "training_data": training_data,
        "zero_shot": zero_shot(training_data, title),
        "command": own["command"],
        "versions": settings["version"],
        "query_prompt": own["prompts"]["query"],
        "passage_prompt": own["prompts"]["passage"],
        "maximum_length": own["maximum_length"],
        "dtype": own["dtype"],
        "truncated": encoding["truncated"] / encoding["texts"]
        if encoding and encoding["texts"]
        else None,
        "date": date and datetime.fromtimestamp(date, timezone.utc).date().isoformat(),
        "notes": tuple(f"{w.field}: {w.found}: {w.rule}" for w in check.findings),
    }


def explanation(check: TaskCheck, file: str) -> str:
    """Return the first errors of a check, as a reader of the list of excluded files sees them.

    Args:
        check: The check.
        file: The file they are listed under; other files are named.
    """
    errors = [finding for finding in check.findings if not finding.warning]
    listed = [_sentence(error, file) for error in errors[:2]]
    more = [f"and {len(errors) - 2} more"] if len(errors) > 2 else []
    return "; ".join([*listed, *more])


def _sentence(finding: Finding, file: str) -> str:
    where = "" if finding.file == file else finding.file.rpartition("/")[2]
    place = " ".join(part for part in (where, finding.field) if part)
    parts = (place, finding.found, finding.rule)
    return ": ".join(part for part in parts if part)
