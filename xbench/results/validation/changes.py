"""Check what a pull request changes: every file, and what is new, replaced and removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xbench.results.findings import Notes, Plain, TaskCheck
from xbench.results.per_query_file import PER_QUERY_SUFFIX
from xbench.results.store import EXPERIMENTS, META_NAME, SETTINGS_NAME
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.text_rules import skeleton
from xbench.results.validation.batches import check_tasks
from xbench.results.validation.changed_descriptions import changed_descriptions, content_of
from xbench.results.validation.changed_scores import changed_scores
from xbench.results.validation.file_kinds import IMPORTED, LOCK_NAME, REPORTED
from xbench.results.validation.look_alikes import Fingerprint, files_of, look_alikes
from xbench.results.validation.same_publications import same_publications
from xbench.results.validation.strays import is_result, strays
from xbench.results.validation.trees import Repository, Tree, disk_tree, written

LISTED = 40
"""How many sentences say what changes; the rest are counted."""

TEXT = r"[A-Za-z0-9_][A-Za-z0-9_/-]*\.md"
"""Files that may change along with results, as no program reads them."""

UNREAD = "expected results alone; propose other changes in a pull request of their own"


@dataclass(frozen=True)
class Changes:
    """What a folder of results has that another one has not.

    Attributes:
        checks: The checks of all files that differ.
        sentences: What is new, replaced and removed.
    """

    checks: list[TaskCheck]
    sentences: list[str]


def check_changes(folder: Path, base: Path) -> Changes:
    """Check the files of a folder of results that are not in another one, or not the same.

    Args:
        folder: Folder of all results, as it would be.
        base: Folder of all results, as it is.
    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve would follow links
    there = disk_tree(Path(os.path.abspath(base)))  # noqa: PTH100
    return _Comparison(root, disk_tree(root), there, there).changes()


def check_pull_request(folder: Path, ref: str) -> Changes:
    """Check the files of a folder of results that differ from what a branch started from.

    Args:
        folder: Folder of all results in a checkout of the pull request.
        ref: The branch that it is for. What it got since the two parted is not said to be removed,
            but new results must not be copies of it either.

    Raises:
        UserError: If the folder is in no repository of git, or there is no such branch.
    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100
    if root.is_symlink():
        rule = "expected the folder of results itself"
        return Changes([_noted(root.parent, root.name, "", Plain("a symbolic link"), rule)], [])
    repository = Repository.of(root)
    newest, commit = repository.commit(ref), repository.merge_base(ref)
    trees = repository.checked_out(root), repository.tree(commit), repository.tree(newest)
    found = _Comparison(root, *trees).changes()
    elsewhere = [_elsewhere(root, path) for path in repository.changed_elsewhere(commit)]
    return Changes([*found.checks, *elsewhere], found.sentences)


def _elsewhere(root: Path, path: str) -> TaskCheck:
    """Return the check of a file outside the results: text may change with them, nothing else."""
    notes = Notes(path)
    add = notes.warn if re.fullmatch(TEXT, path) else notes.error
    add("", Plain("a change outside the results, which this check does not read"), UNREAD)
    return TaskCheck(root.parent / path, notes.listed())


@dataclass(frozen=True)
class _Comparison:
    """A folder of results, as it would be, as it was before, and as it has become meanwhile."""

    root: Path
    head: Tree
    base: Tree
    newest: Tree

    @cached_property
    def changed(self) -> list[str]:
        """The files that are new or differ, in order."""
        return [path for path, form in self.head.forms.items() if self._differs(path, form)]

    @cached_property
    def changed_ranks(self) -> set[str]:
        """The results whose ranks, or whose model's description, are new or differ."""
        changed = set(self.changed)
        return {
            path
            for path in filter(is_result, self.head.forms)
            if {path.replace(".json", PER_QUERY_SUFFIX), f"{path.rpartition('/')[0]}/{META_NAME}"}
            & changed
        }

    @cached_property
    def gained(self) -> list[str]:
        """The files that others added or changed meanwhile, in order."""
        old, new = self.base, self.newest
        return [
            path
            for path, form in new.forms.items()
            if form == "file"
            and new is not old
            and (path not in old.forms or old.digest(path) != new.digest(path))
        ]

    def _inside(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    @cached_property
    def removed(self) -> list[str]:
        """The files that are no longer there, in order."""
        return [path for path in self.base.forms if path not in self.head.forms]

    def _differs(self, path: str, form: str) -> bool:
        if self.base.forms.get(path) != form:
            return True
        return form in ("file", "executable") and self.head.digest(path) != self.base.digest(path)

    def changes(self) -> Changes:
        """Check all of it."""
        from xbench.results.validation.folders import without_repetition

        touched = {path.rpartition("/")[0] for path in (*self.changed, *self.removed)}
        results = [p for p in self.head.forms if is_result(p) and p.rpartition("/")[0] in touched]
        siblings = self._siblings(results)
        every = sorted([*results, *siblings])
        checks, prints = check_tasks([self.root / path for path in every], self.root)
        checks += self._look_alikes(checks, prints)
        gone = [path for path in self.head.forms if path.rpartition("/")[0] in touched]
        looked_at = sorted({*self.changed, *(gone if self.removed else ())})
        checks += strays(self.head, self.root, looked_at, published=True)
        checks += self._lost()
        checks += [check for path in self.changed if (check := self._table(path))]
        checks += changed_descriptions(
            self.root, self.head, self.base, self.changed, self.newest, self.gained
        )
        checks += same_publications(self.root, self.head, self.changed, self.newest, self.gained)
        checks += self._names()
        unchanged = {self.root / path for path in siblings}
        found = [
            check
            for check in without_repetition(checks)
            if check.path not in unchanged or not check.accepted
        ]
        return Changes(found, list(self._sentences(results)))

    def _siblings(self, results: Sequence[str]) -> list[str]:
        """Return the same tasks with other settings, which must not be the same run."""
        changed = {_same_task(path) for path in results}
        return [
            path
            for path in filter(is_result, self.head.forms)
            if path not in results and _same_task(path) in changed
        ]

    def _look_alikes(
        self, checks: Sequence[TaskCheck], prints: Sequence[Fingerprint]
    ) -> list[TaskCheck]:
        """Return what is wrong with changed results whose ranks are another model's."""
        sound = {check.path for check in checks if check.run}
        new = [
            own
            for own in prints
            if own.path in sound and self._inside(own.path) in self.changed_ranks
        ]
        tasks, own_paths = {own.path.name for own in new}, {own.path for own in new}
        others = [self.root / path for path in filter(is_result, self.head.forms)]
        gained = [p for p in filter(is_result, self.gained) if p.rpartition("/")[2] in tasks]
        with written(self.newest, [file for path in gained for file in files_of(path)]) as folder:
            there = [own for own in others if own not in own_paths]
            return look_alikes(new, [*there, *(folder / path for path in gained)], self.root)

    def _lost(self) -> Iterator[TaskCheck]:
        """Yield the files that are removed, but for those that can be made again."""
        for path in self.removed:
            name = path.rpartition("/")[2]
            if name == LOCK_NAME or name.endswith(SUMMARY_SUFFIX):
                continue
            rule = "results are removed by whoever keeps them; say in words why they should go"
            yield _noted(self.root, path, "", Plain("removed"), rule)

    def _table(self, path: str) -> TaskCheck | None:
        """Return what changes in a file of published or imported scores."""
        notes = Notes(path)
        if path.startswith(f"{IMPORTED}/"):
            rule = (
                "`xbench import-mteb` makes this file from a clone; whoever keeps the pages runs it"
            )
            notes.error("", Plain("changed imported scores"), rule)
        elif path.startswith(f"{REPORTED}/") and self.head.forms[path] == "file":
            old, new = (content_of(tree, path) for tree in (self.base, self.head))
            changed_scores(old, new, notes)
        return TaskCheck(self.root / path, notes.listed()) if notes.findings else None

    def _names(self) -> Iterator[TaskCheck]:
        """Yield new models whose names read like that of another one."""
        every = (*self.head.forms, *self.gained)
        there = {path.split("/")[0] for path in every if "__" in path.split("/")[0]}
        by_skeleton: dict[str, set[str]] = {}
        for name in there:
            by_skeleton.setdefault(skeleton(name), set()).add(name)
        old = {path.split("/")[0] for path in self.base.forms}
        for name in sorted({path.split("/")[0] for path in self.changed} & (there - old)):
            if others := by_skeleton[skeleton(name)] - {name}:
                rule = f"reads like {sorted(others)[0].replace('__', '/', 1)}; choose another name"
                yield _noted(self.root, name, "name", name.replace("__", "/", 1), rule)

    def _sentences(self, results: Sequence[str]) -> Iterator[str]:
        """Yield what is new, replaced and removed."""
        known = _Known.of(self.base.forms)
        lines: dict[str, list[str]] = {}
        for path in results:
            if path in self.changed or path.replace(".json", ".per_query.json.gz") in self.changed:
                folder, _, name = path.rpartition("/")
                lines.setdefault(f"{known.news(path)} {_run(folder)}", []).append(
                    name.removesuffix(".json")
                )
        for path in self.changed:
            if path.endswith((META_NAME, SETTINGS_NAME)) and path in self.base.forms:
                lines.setdefault(f"Changed description of {_run(path.rpartition('/')[0])}", [])
            if path.startswith((f"{REPORTED}/", f"{IMPORTED}/")):
                state = "Changed" if path in self.base.forms else "New"
                lines.setdefault(f"{state} scores in {path}", [])
        for path in filter(is_result, self.removed):
            folder, _, name = path.rpartition("/")
            lines.setdefault(f"Removed results of {_run(folder)}", []).append(
                name.removesuffix(".json")
            )
        for number, (line, tasks) in enumerate(lines.items()):
            if number == LISTED:
                yield f"{len(lines) - LISTED} more changes"
                return
            yield f"{line}: {', '.join(tasks)}" if tasks else line


@dataclass(frozen=True)
class _Known:
    """The models, runs and results that are there."""

    models: frozenset[str]
    runs: frozenset[str]
    paths: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str]) -> _Known:
        results = frozenset(filter(is_result, paths))
        runs = frozenset(path.rpartition("/")[0] for path in results)
        return cls(frozenset(path.split("/")[0] for path in results), runs, results)

    def news(self, path: str) -> str:
        """Return what a result is, compared with those that are there."""
        folder, model = path.rpartition("/")[0], path.split("/")[0]
        if path in self.paths:
            return "Replaced results of"
        if folder in self.runs:
            return "New tasks of"
        if model not in self.models:
            return "New model"
        return "New settings of" if f"/{EXPERIMENTS}/" in path else "New revision of"


def _same_task(path: str) -> tuple[str, ...]:
    """Return what results of a model, revision and task have in common, whatever the settings."""
    model, revision, *_, task = path.split("/")
    return model, revision, task


def _run(folder: str) -> str:
    model, revision, *settings = folder.split("/")
    kind = f" with {settings[-1]}" if settings else ""
    return f"{model.replace('__', '/', 1)} at {revision}{kind}"


def _noted(root: Path, path: str, where: str, found: object, rule: str) -> TaskCheck:
    notes = Notes(path)
    notes.error(where, found, rule)
    return TaskCheck(root / path, notes.listed())
