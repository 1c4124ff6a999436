"""Check scores: of the right subsets, possible, and what their ranks give."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from xbench.data.catalogue import TASKS, subsets
from xbench.data.languages import language
from xbench.metrics import (
    EFFECTIVENESS,
    LANGUAGE_BIAS,
    SCORES,
    FloatArray,
    score_range,
    scores,
)
from xbench.metrics.registry import MEDIANS, RANK_CORRELATION
from xbench.results.findings import ABSENT, RERUN, Notes
from xbench.results.per_query_file import PerQuery
from xbench.results.validation.check_ranks import compare_names

TaskValues = Mapping[str, Mapping[str, FloatArray]]
"""What `xbench.metrics.task_per_query` makes of the ranks of a task."""

TOLERANCE = 1e-5
"""How far a score may be from what its ranks give; result files round to six decimals."""

OWN_FIELDS = ("hf_subset", "languages", "main_score", "mteb_version")
"""Fields of a subset's scores that are not measures."""

RANGES = {measure: score_range(measure) for measure in SCORES}
"""Least and greatest value of every measure."""


@cache
def expected_languages(task: str) -> Mapping[str, list[str]]:
    """Return the languages of each subset of a task, as mteb writes them, by the subset's name."""
    dataset, setting = TASKS[task]
    return {
        name: [
            language(a).mteb
            for a in (
                own.query_language,
                *(own.passage_languages if setting == "crosslingual" else ()),
            )
        ]
        for name, own in subsets(setting, dataset.languages).items()
    }


def check_result(result: Mapping[str, Any], task: str, notes: Notes) -> None:
    """Note what is wrong in a result file that has the right fields."""
    dataset, _ = TASKS[task]
    for field, value in (("task_name", task), ("dataset_revision", dataset.revision)):
        if result[field] != value:
            notes.error(field, result[field], f"expected {value!r}; {RERUN}")
    where = f"scores.{dataset.split}"
    for split in result["scores"]:
        if split != dataset.split:
            rule = f"the only split is {dataset.split}; remove it"
            notes.error(f"scores.{split}", split, rule)
    entries = result["scores"].get(dataset.split)
    if entries is None:
        notes.error(where, ABSENT, f"expected the split {dataset.split}; {RERUN}")
        return
    expected = expected_languages(task)
    compare_names(where, [entry["hf_subset"] for entry in entries], expected, notes)
    for number, entry in enumerate(entries):
        codes = expected.get(entry["hf_subset"])
        if codes:
            _check_entry(entry, codes, dataset.main_score, f"{where}[{number}]", notes)


def _check_entry(
    entry: Mapping[str, Any], languages: list[str], main_score: str, where: str, notes: Notes
) -> None:
    if entry["languages"] != languages:
        expected = ", ".join(languages)
        notes.error(f"{where}.languages", entry["languages"], f"expected {expected}; {RERUN}")
    for measure, value in entry.items():
        if measure in RANGES:
            low, high = RANGES[measure]
            if not low <= value <= high:
                notes.error(f"{where}.{measure}", value, f"expected {low:g} to {high:g}; {RERUN}")
        elif measure not in OWN_FIELDS:
            notes.error(f"{where}.{measure}", value, "no measure of xbench; remove it")
    if entry["main_score"] != entry.get(main_score):
        rule = f"expected the same as {main_score}, {entry.get(main_score)}; {RERUN}"
        notes.error(f"{where}.main_score", entry["main_score"], rule)


def compare_with_ranks(
    result: Mapping[str, Any], ranks: PerQuery, notes: Notes, values: TaskValues | None = None
) -> None:
    """Note every score that is not what the ranks give, and every one that is missing.

    Of ranks by 0.1.0, which do not say what was tied and how much was retrieved, measures of
    language bias do not follow where a relevant passage was not retrieved; new ones are missing.
    """
    recomputed = scores(ranks.subsets, multilingual=ranks.multilingual, values=values)
    without_ties = ranks.multilingual and all(
        own.ties is None and own.own_rank is None for own in ranks.subsets.values()
    )
    split = TASKS[ranks.task][0].split
    for number, entry in enumerate(result["scores"][split]):
        own, where = recomputed[entry["hf_subset"]], f"scores.{split}[{number}]"
        for measure, value in own.items():
            given = entry.get(measure)
            if given is None:
                if without_ties and measure not in EFFECTIVENESS:
                    continue
                notes.warn(f"{where}.{measure}", ABSENT, f"its ranks give {value:.6f}; {RERUN}")
            elif not abs(given - value) <= TOLERANCE:
                rule = f"its ranks give {value:.6f}; {RERUN}"
                notes.error(f"{where}.{measure}", given, rule)
        unknown = entry.keys() - own.keys() - set(OWN_FIELDS)
        if without_ties:
            unknown -= set(LANGUAGE_BIAS) | {*MEDIANS, RANK_CORRELATION}
        for measure in unknown:
            rule = "its ranks give no value; remove it"
            notes.error(f"{where}.{measure}", entry[measure], rule)
