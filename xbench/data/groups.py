"""Which questions belong together: those of one paragraph, and those of one article.

Questions about one text are hard or easy together, so that intervals and tests draw whole texts.
Results name their questions only, so ``question_groups.json`` has the paragraphs and articles of
all questions of the datasets that have such; it follows from the files of the datasets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS
from xbench.data.datasets import UNITS, Unit

IntArray = NDArray[np.int64]

Groups = list[list[list[str]]]
"""Ids of questions by paragraph, by article."""


def question_groups(
    name: str,
    questions: Sequence[str] | None = None,
    unit: Unit = "article",
    *,
    groups: Mapping[str, str] | None = None,
) -> IntArray:
    """Return the number of each question's group, from 0 in the order of first occurrence.

    A question of which nothing is known is a group of its own, as all of MIRACL are. XBench-Mini's
    articles have one paragraph each.

    Args:
        name: Title of a dataset (``XQuAD-R``), or name of one of its tasks.
        questions: Ids of the questions; all of the dataset in the order of their ids if omitted.
        unit: What makes a group.
        groups: Group of each question, by id, in place of articles and paragraphs.

    Raises:
        UserError: If there is no such unit.

    >>> len(set(question_groups("XQuAD-R").tolist()))
    48
    """
    if unit == "question":
        return np.arange(len(_asked(name, questions)))
    names = group_names(name, questions, unit, groups=groups)
    numbers = {group: i for i, group in enumerate(dict.fromkeys(names))}
    return np.array([numbers[group] for group in names], np.int64)


def group_names(
    name: str,
    questions: Sequence[str] | None = None,
    unit: Unit = "article",
    *,
    groups: Mapping[str, str] | None = None,
) -> list[str]:
    """Return what each question's group is called; the arguments are those of `question_groups`.

    >>> group_names("XBench-Mini", ["animals-1", "animals-2", "another"])
    ['article 4', 'article 4', 'question another']
    """
    if unit not in UNITS:
        raise UserError(f"resample: {unit!r}; expected one of {', '.join(UNITS)}")
    known = _known(_title(name)) if groups is None else {}
    depth = 1 if unit == "article" else 2
    return [
        f"group {groups[question]}"
        if groups is not None and question in groups
        else f"article {'.'.join(map(str, known[question][:depth]))}"
        if question in known
        else f"question {question}"
        for question in _asked(name, questions)
    ]


def _asked(name: str, questions: Sequence[str] | None) -> Sequence[str]:
    return sorted(_known(_title(name))) if questions is None else questions


def _title(name: str) -> str:
    return TASKS[name][0].title if name in TASKS else name


def groups_in_order(name: str, number: int) -> IntArray:
    """Return the article of each question of a dataset, in the order of their ids.

    Args:
        name: Title of the dataset.
        number: Number of questions; of another than that of the whole dataset it is not known which
            they are, and each is a group.
    """
    groups = question_groups(name)
    return groups if len(groups) == number else np.arange(number)


@lru_cache(maxsize=1)
def _table() -> dict[str, Groups]:
    text = (files("xbench.data") / "question_groups.json").read_text("utf-8")
    return dict(json.loads(text))


@lru_cache(maxsize=8)
def _known(title: str) -> Mapping[str, tuple[int, int]]:
    """Return article and paragraph of each question of a dataset."""
    return {
        question: (a, p)
        for a, article in enumerate(_table().get(title, []))
        for p, paragraph in enumerate(article)
        for question in paragraph
    }
