"""Whose queries against whose passages each subset of a result is, and what setting that makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from xbench.data.catalogue import TASKS, subsets
from xbench.data.datasets import Setting
from xbench.data.languages import language
from xbench.metrics import PoolRanks
from xbench.results.imported import ISO_639_1
from xbench.results.per_query_file import PerQuery

Languages = tuple[tuple[str, str], ...]
"""Query language and passage language of each subset, empty where it is not one language."""


def subset_languages(
    task: str,
    entries: Sequence[Mapping[str, Any]],
    ranks: PerQuery | None,
    own: Setting | None = None,
) -> Languages:
    """Return the languages of subsets, of the catalogue, else of the ranks, else as mteb says.

    Args:
        task: Name of the task.
        entries: The scores of each subset.
        ranks: Their ranks, if there are any.
        own: The setting of a task of a corpus of one's own, whose subsets are listed with the
            language of the queries and then, if it is another one, that of the passages.
    """
    names = tuple(entry["hf_subset"] for entry in entries)
    if task in TASKS:
        known = _catalogued(task)
        if known.keys() >= set(names):
            return tuple(known[name] for name in names)
    if ranks is not None:
        return tuple(_languages_of(ranks.subsets[name]) for name in names)
    if own is not None:
        listed = [[language(code).code for code in entry["languages"]] for entry in entries]
        return tuple((one[0], "" if own == "multilingual" else one[-1]) for one in listed)
    codes = [[_iso_639_1(code) for code in entry["languages"]] for entry in entries]
    return tuple((own[0], own[0]) if len(own) == 1 else ("", "") for own in codes)


@cache
def _catalogued(task: str) -> Mapping[str, tuple[str, str]]:
    dataset, setting = TASKS[task]
    return {
        name: (own.query_language, "" if setting == "multilingual" else own.passage_languages[0])
        for name, own in subsets(setting, dataset.languages).items()
    }


def _languages_of(ranks: PoolRanks) -> tuple[str, str]:
    return ranks.query_language, next(iter(ranks.pool)) if len(ranks.pool) == 1 else ""


def _iso_639_1(code: str) -> str:
    """Return the ISO 639-1 code of a language that mteb writes, or mteb's if it is not known.

    >>> _iso_639_1("arb-Arab"), _iso_639_1("lao-Laoo")
    ('ar', 'lao')
    """
    language = code.partition("-")[0]
    return ISO_639_1.get(language, language)


def setting_of(languages: Languages, ranks: PerQuery | None) -> str:
    """Return the setting of a task that is not in the catalogue, empty if it is none of them."""
    if ranks is not None and ranks.multilingual:
        return "multilingual"
    if not all(passage for _, passage in languages):
        return ""
    same = {query == passage for query, passage in languages}
    return "" if len(same) > 1 else "monolingual" if same == {True} else "crosslingual"
