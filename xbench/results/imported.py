"""Scores imported from the public MTEB results repository, as one file of this project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from xbench._util.errors import UserError
from xbench.data.datasets import Setting
from xbench.data.languages import LANGUAGES
from xbench.results.imported_file import Imported, ImportedRow, read_imported
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.zero_shot import zero_shot

if TYPE_CHECKING:
    from xbench.results.score_table import Contents

FOLDER = "imported"


def read_all_imported(folders: Sequence[Path], contents: Contents) -> None:
    """Add the scores of all imported files of folders of results.

    Of two files with the same row the first counts, whole.
    """
    from xbench.results.score_table import Excluded

    seen: set[tuple[str, ...]] = set()
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            try:
                imported = read_imported(path)
                titles = [dataset_title(row) for row in imported.rows]
                identities = {
                    (title, row.model, row.model_revision)
                    for title, row in zip(titles, imported.rows, strict=True)
                }
                if seen & identities:
                    raise UserError(f"{path.name}: scores in it are there already; remove it")
            except UserError as error:
                contents.exclude(path, folder, error)
                continue
            seen |= identities
            file = path.relative_to(folder).as_posix()
            contents.paths[file] = path
            for title, row in zip(titles, imported.rows, strict=True):
                _add_row(row, title, imported, file, contents)
            contents.excluded += [
                Excluded(f.file, f"{f.field}: {f.found}: {f.rule}") for f in imported.left_out
            ]


def dataset_title(row: ImportedRow) -> str:
    """Return the name of what a row was measured on: task, split if there are several, revision.

    A revision that mteb is known to have read is shortened; no two of those begin alike.
    """
    task = upstream_tasks()[row.task]
    split = f", {row.split}" if len(task.splits) > 1 else ""
    known = row.dataset_revision in task.dataset_revisions
    return f"{row.task}{split} @ {row.dataset_revision[:8] if known else row.dataset_revision}"


_BY_MTEB = {language.mteb.partition("-")[0]: code for code, language in LANGUAGES.items()}
ISO_639_1 = {**_BY_MTEB, "arb": "ar"}
"""ISO 639-1 code by the part of mteb's code before the script."""


def _add_row(
    row: ImportedRow, title: str, imported: Imported, file: str, contents: Contents
) -> None:
    """Add the score of each subset, and of each setting that has all its subsets their mean."""
    at = f" at commit {imported.commit[:8]}" if imported.commit else ""
    version = [f"measured with mteb {row.mteb_version}"] if row.mteb_version else []
    about = {
        "provenance": "imported",
        "source": imported.title,
        "model": row.model,
        "revision": row.model_revision,
        "passage_form": "sentence",
        "settings": "",
        "dataset": title,
        "task": row.task,
        "file": file,
    }
    by_setting: dict[Setting, dict[str, tuple[str, str]]] = defaultdict(dict)
    for name, codes in row.languages.items():
        setting, query, passage = _languages(codes)
        by_setting[setting][name] = (query, passage)
    for setting, subsets in by_setting.items():
        own = about | {"setting": setting, "measure": row.measure}
        there = [name for name in subsets if name in row.values]
        values = [row.values[name] for name in there]
        contents.columns.add(
            len(there),
            **own,
            subset=there,
            query_language=[subsets[name][0] for name in there],
            passage_language=[subsets[name][1] for name in there],
            value=values,
        )
        if len(there) == len(subsets):
            contents.columns.add(1, **own, average="macro", value=fmean(values))
    contents.runs.append(
        about
        | {
            "setting": "",
            "n_parameters": row.n_parameters,
            "training_data": row.training_datasets,
            "zero_shot": zero_shot(row.training_datasets, row.task),
            "title": f"{imported.title}{at}",
            "url": imported.url,
            "notes": ("A passage is what the task's own corpus holds", *row.notes, *version),
        }
    )


def _languages(codes: Sequence[str]) -> tuple[Setting, str, str]:
    """Return a subset's setting, query language and passage language.

    Of two languages the first is that of the passages, as in the files of MLQA
    (``test-context-ar-question-de``), from which mteb has the names.
    """
    passage, query = (ISO_639_1[code.partition("-")[0]] for code in (codes[0], codes[-1]))
    return ("monolingual" if passage == query else "crosslingual"), query, passage
