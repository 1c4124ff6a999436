"""Part of the languages of a result: what full results answer, and what needs another search.

A pair of languages is the same in a full result and in one on part of the languages. A multilingual
pool is not: one of fewer languages has to be searched, which takes seconds with stored embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xbench._util.errors import UserError
from xbench.data.catalogue import TASKS, own_task
from xbench.data.languages import chosen_languages
from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery
from xbench.results.reading import identity, read_ranks
from xbench.results.store import EXPERIMENTS
from xbench.results.subset_languages import subset_languages

Reader = Callable[[Path, Path], TaskCheck]
"""What reads a result file in a folder of results."""


def select(ranks: PerQuery, languages: Sequence[str]) -> PerQuery | None:
    """Return the ranks of some languages, or None if they do not answer for them.

    Args:
        ranks: The ranks of a task.
        languages: Codes of the languages to keep, as `xbench.data.languages.codes` returns them.
    """
    there = {a for own in ranks.subsets.values() for a in (own.query_language, *own.pool)}
    known = TASKS[ranks.task][0].languages if ranks.task in TASKS else sorted(there)
    kept = set(chosen_languages(languages, known))
    if not kept <= there:
        return None
    pools = {a for own in ranks.subsets.values() for a in own.pool} & kept
    subsets = {
        name: own
        for name, own in ranks.subsets.items()
        if own.query_language in kept
        and (set(own.pool) == pools if ranks.multilingual else set(own.pool) <= kept)
    }
    return replace(ranks, subsets=subsets) if subsets else None


def command_for(model: str, task: str, languages: Sequence[str]) -> str:
    """Return the command that searches the pool of some languages."""
    named = f"xbench evaluate --model {model} --tasks {task}"
    return f"{named} --languages {','.join(languages)}"


def reading_languages(read: Reader, languages: Sequence[str]) -> Reader:
    """Return a reader whose results have some languages only; what it cannot answer is an error."""

    def read_part(path: Path, root: Path) -> TaskCheck:
        check = read(path, root)
        return check if check.run is None else _selected(check, languages)

    return read_part if languages else read


def _selected(check: TaskCheck, languages: Sequence[str]) -> TaskCheck:
    if check.run is None or check.result is None:
        return check
    task, ranks = check.path.stem, check.ranks
    place = check.path.with_name(f"{task}{PER_QUERY_SUFFIX}")
    try:
        if ranks is None and place.is_file():
            ranks = read_ranks(place)
    except UserError:
        ranks = None
    kept = select(ranks, languages) if ranks else None
    names = set(kept.subsets) if kept else set() if ranks else _pairs(check, languages)
    if not names:
        notes = Notes(check.path.name)
        found = Plain(f"does not answer for {', '.join(languages)}")
        rule = "its pools have other languages; these are searched, with stored embeddings, by"
        notes.error("", found, f"{rule} {command_for(check.run.model, task, languages)}")
        return TaskCheck(check.path, notes.listed())
    scores = {
        split: [entry for entry in entries if entry["hf_subset"] in names]
        for split, entries in check.result["scores"].items()
    }
    run = identity(_without_languages(check.meta)) if check.meta else check.run
    result = {**check.result, "scores": scores}
    return replace(check, run=run, result=result, ranks=kept, summary=None, part=tuple(languages))


def as_part(check: TaskCheck) -> TaskCheck:
    """Return a result on part of the languages as one on a dataset of these."""
    settings = (check.meta or {}).get("experiment_kwargs") or {}
    part = tuple(str(settings.get("languages") or "").split(","))
    if check.run is None or check.meta is None or not part[0]:
        return check
    return replace(check, run=identity(_without_languages(check.meta)), part=part)


def _pairs(check: TaskCheck, languages: Sequence[str]) -> set[str]:
    """Return the subsets of one or two languages of a result without ranks."""
    result: Mapping[str, Any] = check.result or {}
    task = check.path.stem
    own = own_task(task, result["dataset_revision"])
    entries = [entry for split in result["scores"].values() for entry in split]
    pairs = subset_languages(task, entries, None, own and own[1])
    known = sorted({code for pair in pairs for code in pair if code})
    kept = set(chosen_languages(languages, known))
    return {
        entry["hf_subset"]
        for entry, pair in zip(entries, pairs, strict=True)
        if "" not in pair and set(pair) <= kept
    }


def _without_languages(meta: Mapping[str, Any]) -> dict[str, Any]:
    settings = meta.get("experiment_kwargs") or {}
    kept = {name: value for name, value in settings.items() if name != "languages"}
    return {**meta, "experiment_kwargs": kept}


def selected_ranks(folder: Path, languages: Sequence[str]) -> tuple[dict[str, PerQuery], list[str]]:
    """Return a model's ranks on some languages, by task, and the tasks that need another search.

    Those of full results are used where they answer, and those of results on these languages.

    Args:
        folder: Folder of a run's results.
        languages: Codes of the languages to keep.

    Raises:
        UserError: If a file is damaged.
    """
    found: dict[str, PerQuery] = {}
    missing: dict[str, None] = {}
    for path in [*sorted(folder.glob(f"*{PER_QUERY_SUFFIX}")), *_parts(folder)]:
        task = path.name.removesuffix(PER_QUERY_SUFFIX)
        if task in found:
            continue
        kept = select(read_ranks(path), languages)
        if kept is None:
            missing[task] = None
        else:
            found[task] = kept
    return found, [task for task in missing if task not in found]


def _parts(folder: Path) -> Iterator[Path]:
    """Yield the ranks of results on part of the languages that differ in nothing else."""
    for own in sorted((folder / EXPERIMENTS).glob("languages_*")):
        if "__" not in own.name:
            yield from sorted(own.glob(f"*{PER_QUERY_SUFFIX}"))
