"""The models of a comparison: their ranks on disk, and whether they were run on the same data."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xbench._util.errors import UserError, did_you_mean
from xbench.data.catalogue import TASKS
from xbench.metrics import FloatArray, task_per_query
from xbench.results.language_selection import command_for, selected_ranks
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery
from xbench.results.reading import read_ranks
from xbench.results.store import EXPERIMENTS
from xbench.results.variant_names import is_label, of_folder

logger = logging.getLogger(__name__)

Sample = FloatArray
"""One value per question and subset, nan where a question has no query there."""


@dataclass(frozen=True)
class Candidate:
    """A model as it was run, and its ranks.

    Attributes:
        name: Name to show.
        folder: Folder of its results.
        tasks: Ranks by task name.
    """

    name: str
    folder: Path
    tasks: Mapping[str, PerQuery]


@dataclass(frozen=True)
class TaskValues:
    """One model's values on one task, per query, arranged by question and subset.

    Attributes:
        questions: Row of each question in a sample.
        subsets: By name: query language, rows of its questions, values by measure.
    """

    questions: dict[str, int]
    subsets: Mapping[str, tuple[str, list[int], Mapping[str, FloatArray]]]

    @property
    def languages(self) -> list[str]:
        """Query languages, in alphabetical order."""
        return sorted({language for language, _, _ in self.subsets.values()})

    @property
    def measures(self) -> list[str]:
        """Names of the measures that some subset has."""
        return list(dict.fromkeys(m for _, _, values in self.subsets.values() for m in values))

    def sample(self, measure: str, language: str | None = None) -> Sample:
        """Return a measure's values, of the subsets of one query language or of all."""
        chosen = [s for s in self.subsets.values() if language in (None, s[0])]
        sample = np.full((len(self.questions), len(chosen)), np.nan)
        for column, (_, rows, values) in enumerate(chosen):
            if measure in values:
                sample[rows, column] = values[measure]
        return sample


def task_values(content: PerQuery) -> TaskValues:
    """Arrange a model's values on a task by question and subset."""
    found = task_per_query(content.subsets, multilingual=content.multilingual)
    ids = sorted({q for ranks in content.subsets.values() for q in ranks.questions})
    questions = {question: i for i, question in enumerate(ids)}
    return TaskValues(
        questions,
        {
            name: (ranks.query_language, [questions[q] for q in ranks.questions], found[name])
            for name, ranks in sorted(content.subsets.items())
        },
    )


def read_candidates(
    names: Sequence[str], *results: Path, languages: Sequence[str] = ()
) -> list[Candidate]:
    """Read the ranks of models.

    Args:
        names: Folders of result files, or models' names, ``org/model``, ``org/model@revision`` or
            ``org/model@dim=128,int8``.
        *results: Folders of results, in which a name is looked up.
        languages: Codes of the languages to keep; none keeps all. What needs another search is
            skipped with a warning that has the command.

    Raises:
        UserError: If there is no such model or it is there more than once, one is named twice, or a
            file is damaged.
    """
    folders = [_folder(name, results) for name in names]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UserError(f"a model is named twice: {', '.join(map(str, folders))}")
    shown = [_shown(folder) for folder in folders]
    if len(set(shown)) < len(shown):
        shown = [
            f"{name}@{_place(folder).name[:7]}" for name, folder in zip(shown, folders, strict=True)
        ]
    if len(set(shown)) < len(shown):
        shown = [str(folder) for folder in folders]
    return [
        Candidate(name, folder, _tasks_on(name, folder, languages) if languages else _tasks(folder))
        for name, folder in zip(shown, folders, strict=True)
    ]


def _folder(name: str, results: Sequence[Path]) -> Path:
    return Path(name) if Path(name).is_dir() else _named(name, results)


def _tasks_on(name: str, folder: Path, languages: Sequence[str]) -> dict[str, PerQuery]:
    tasks, missing = selected_ranks(folder, languages)
    for task in missing:
        logger.warning(
            "%s: %s has no result on the pool of %s; to search it, with stored embeddings: %s",
            name,
            task,
            ", ".join(languages),
            command_for(name.partition(" ")[0], task, languages),
        )
    if not tasks:
        raise UserError(f"{name}: has no result on {', '.join(languages)} in {folder}")
    return tasks


def _tasks(folder: Path) -> dict[str, PerQuery]:
    files = sorted(folder.glob(f"*{PER_QUERY_SUFFIX}"))
    if not files:
        raise UserError(f"{folder}: has no results of a model; {_expected_in(folder)}")
    return {path.name.removesuffix(PER_QUERY_SUFFIX): read_ranks(path) for path in files}


def _expected_in(folder: Path) -> str:
    """Return what to name in place of a folder that has no ranks."""
    pattern = f"*{PER_QUERY_SUFFIX}"
    if below := sorted({path.parent for path in folder.glob(f"*/*/{pattern}")}):
        listed = ", ".join(dict.fromkeys(path.parent.name.replace("__", "/", 1) for path in below))
        return f"it is a folder of all results: --results {folder}, and a name of {listed}"
    if below := sorted({path.parent for path in folder.glob(f"*/{pattern}")}):
        return f"name a revision in it: {', '.join(map(str, below))}"
    return "expected a folder that `xbench evaluate` wrote, or the model's name as in `org/model`"


def _named(name: str, results: Sequence[Path]) -> Path:
    model, _, mark = name.partition("@")
    revision, _, variant = ("", "", mark) if is_label(mark) else mark.partition("@")
    places = [root / model.replace("/", "__").replace(" ", "_") for root in results]
    folders = [own for place in places for own in sorted(place.glob("*")) if own.is_dir()]
    found = [folder for folder in folders if revision in ("", folder.name)]
    shown = ", ".join(map(str, results))
    if not found:
        paths = [path for root in results for path in root.glob("*__*")]
        there = sorted({path.name.replace("__", "/", 1) for path in paths})
        raise UserError(
            f"{name}: neither a folder nor a model in {shown}; there are "
            f"{', '.join(there) or 'none'}{did_you_mean(model, there)}"
        )
    if len(found) > 1:
        choices = ", ".join(f"{model}@{folder.name}" for folder in found)
        raise UserError(f"{name}: several revisions in {shown}; name one of {choices}")
    return _variant(found[0], variant) if variant else _only_part(found[0])


def _variant(folder: Path, variant: str) -> Path:
    """Return the folder of a variant's results in that of a revision.

    Raises:
        UserError: If there are none.
    """
    places = [path for path in sorted((folder / EXPERIMENTS).glob("*")) if path.is_dir()]
    known = {of_folder(path.name): path for path in places}
    if (found := known.get((variant, ""))) is None:
        there = sorted(own for own, others in known if own and not others)
        raise UserError(
            f"{folder}: has no results of the variant {variant!r}; there are "
            f"{', '.join(there) or 'none'}{did_you_mean(variant, there)}"
        )
    return found


def _only_part(folder: Path) -> Path:
    """Return a folder, or the one in it with results on part of the languages if there is no other.

    Raises:
        UserError: If there are several of these.
    """
    if any(folder.glob(f"*{PER_QUERY_SUFFIX}")):
        return folder
    parts = sorted({path.parent for path in folder.glob(f"{EXPERIMENTS}/*/*{PER_QUERY_SUFFIX}")})
    if len(parts) > 1:
        listed = ", ".join(map(str, parts))
        raise UserError(f"{folder}: has results with other settings only; name one of {listed}")
    return parts[0] if parts else folder


def _place(folder: Path) -> Path:
    """Return the folder of the revision."""
    return folder.parent.parent if folder.parent.name == "experiments" else folder


def _shown(folder: Path) -> str:
    name = _place(folder).resolve().parent.name.replace("__", "/", 1)
    if _place(folder) == folder:
        return name
    variant, others = of_folder(folder.name)
    shown = f"{name} ({others})" if others else name
    return f"{shown}@{variant}" if variant else shown


def common_tasks(candidates: Sequence[Candidate]) -> list[str]:
    """Return the tasks that all models were run on, in the catalogue's order.

    Raises:
        UserError: If there are none, or a task was not the same for all; it says what differs.
    """
    shared = set.intersection(*(set(candidate.tasks) for candidate in candidates))
    if not shared:
        raise UserError(
            "no task in common: "
            + "; ".join(f"{c.name} has {', '.join(sorted(c.tasks))}" for c in candidates)
        )
    differences = [
        f"{task}: {first.name} and {other.name} differ in {what} ({mine!r} and {theirs!r})"
        for task in sorted(shared)
        for first, other in ((candidates[0], c) for c in candidates[1:])
        for what, mine, theirs in _differences(first.tasks[task], other.tasks[task])
    ]
    if differences:
        raise UserError(
            f"cannot be compared. {'. '.join(differences)}. Compare results on the same data: "
            "evaluate again what differs, or name the languages that both have with --languages"
        )
    order = list(TASKS)
    return sorted(shared, key=lambda task: (order.index(task) if task in order else 99, task))


def _differences(first: PerQuery, second: PerQuery) -> Iterator[tuple[str, object, object]]:
    for what in ("dataset_revision", "task_version", "passage_form"):
        if getattr(first, what) != getattr(second, what):
            yield what.replace("_", " "), getattr(first, what), getattr(second, what)
    names = [sorted(first.subsets), sorted(second.subsets)]
    if names[0] != names[1]:
        yield "subsets", f"{len(names[0])} subsets", f"{len(names[1])} subsets"
        return
    for name in names[0]:
        mine, theirs = first.subsets[name], second.subsets[name]
        if mine.pool != theirs.pool:
            yield f"the pool of subset {name}", dict(mine.pool), dict(theirs.pool)
        if set(mine.questions) != set(theirs.questions):
            yield f"the questions of subset {name}", len(mine.questions), len(theirs.questions)
