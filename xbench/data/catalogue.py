"""The names of tasks and benchmarks, and what they are of: what exists, in one place.

Everything that must know a task by its name without loading mteb reads it here: the task classes,
the command line, the result store and the leaderboard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xbench._util.errors import unknown_name
from xbench.data.datasets import (
    BELEBELE,
    DATASETS,
    MINI,
    MIRACL,
    MIRACL_HARD_NEGATIVES,
    MLQA_R,
    MTOP,
    SETTINGS,
    XQUAD_R,
    Dataset,
    Setting,
)

TASK_VERSION = "1"
"""Version of how the tasks are built and scored; results of different versions never compare."""


@dataclass(frozen=True)
class Subset:
    """One subset of a task: whose queries, against whose passages.

    Attributes:
        query_language: ISO 639-1 code of the queries.
        passage_languages: ISO 639-1 codes of the passages in the pool.
    """

    query_language: str
    passage_languages: tuple[str, ...]


TASKS: dict[str, tuple[Dataset, Setting]] = {
    dataset.task_name(setting): (dataset, setting)
    for dataset in (*DATASETS, MTOP)
    for setting in dataset.settings
}
"""Dataset and setting of every task that xbench itself brings, by task name."""

BENCHMARKS: dict[str, tuple[str, ...]] = {
    name: tuple(task for task, (dataset, _) in TASKS.items() if dataset in datasets)
    for name, datasets in {
        "XBench": (XQUAD_R, MLQA_R),
        "XBenchMIRACL": (MIRACL_HARD_NEGATIVES,),
        "XBenchMIRACLFull": (MIRACL,),
        "XBenchBelebele": (BELEBELE,),
        "XTREME-R": (XQUAD_R,),
        "XBenchMini": (MINI,),
    }.items()
}
"""Task names of every benchmark, by its name."""

DEFAULT_BENCHMARK = "XBench"


def task_names(tasks: Sequence[str], benchmarks: Sequence[str]) -> tuple[str, ...]:
    """Return the names of chosen tasks, those of the default benchmark if none is chosen.

    Raises:
        UserError: If there is no such benchmark.

    >>> len(task_names((), ("XBenchMini",)))
    3
    """
    for name in benchmarks:
        if name not in BENCHMARKS:
            raise unknown_name("benchmark", name, BENCHMARKS)
    named = [task for benchmark in benchmarks for task in BENCHMARKS[benchmark]]
    return tuple(dict.fromkeys([*tasks, *named])) or BENCHMARKS[DEFAULT_BENCHMARK]


CONTENT_REVISION = "sha256-"
"""How the revision of a corpus of one's own begins; the hash of its content follows."""


def own_task(task: str, revision: str) -> tuple[str, Setting] | None:
    """Return the name of the corpus of one's own that a task is of, and the setting.

    Args:
        task: Name of the task.
        revision: Revision of its dataset.

    Returns:
        None if the task is of a dataset that has a name elsewhere.

    >>> own_task("my-faqMonolingualRetrieval", "sha256-07c8")
    ('my-faq', 'monolingual')
    """
    if task in TASKS or not revision.startswith(CONTENT_REVISION):
        return None
    for setting in SETTINGS:
        name = task.removesuffix(f"{setting.capitalize()}Retrieval")
        if name and name != task:
            return name, setting
    return None


def main_score(task: str) -> str:
    """Return the score that models are ranked by in a task, that of parallel corpora by default."""
    return TASKS[task][0].main_score if task in TASKS else "map"


ENTRY_POINT_GROUP = "xbench.tasks"
"""Installed packages add tasks by an entry point that names a task class or several."""


def check_task_name(name: str) -> None:
    """Check that there is a task of a name, without importing any.

    What an entry point of another package adds is known only when it is loaded; where there is
    one, any name passes.

    Raises:
        UserError: If there is no such task.
    """
    from importlib.metadata import entry_points

    if name not in TASKS and not entry_points(group=ENTRY_POINT_GROUP):
        raise unknown_name("task", name, TASKS)


def subsets(setting: Setting, languages: tuple[str, ...]) -> dict[str, Subset]:
    """Return the subsets of a setting by name.

    A subset is named by its query language, and in the cross-lingual setting by query and passage
    language.

    >>> list(subsets("crosslingual", ("ar", "de")))
    ['ar-de', 'de-ar']
    >>> subsets("multilingual", ("ar", "de"))["de"]
    Subset(query_language='de', passage_languages=('ar', 'de'))
    """
    if setting == "monolingual":
        return {a: Subset(a, (a,)) for a in languages}
    if setting == "multilingual":
        return {a: Subset(a, languages) for a in languages}
    return {f"{a}-{b}": Subset(a, (b,)) for a in languages for b in languages if a != b}
