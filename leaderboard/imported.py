"""Imported figures: the public MTEB results, ``<results>/imported/*.json``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from xbench._util.errors import UserError
from xbench.data.catalogue import Setting
from xbench.data.languages import LANGUAGES
from xbench.leaderboard.figures import Details, Figure, Key, LeftOut, Publication, Row
from xbench.results.upstream_tasks import upstream_tasks
from xbench.results.validation import Imported, ImportedRow, read_imported
from xbench.results.zero_shot import zero_shot

FOLDER = "imported"

_BY_MTEB = {language.mteb.partition("-")[0]: code for code, language in LANGUAGES.items()}
ISO_639_1 = {**_BY_MTEB, "arb": "ar"}
"""ISO 639-1 code by the part of mteb's code before the script."""


def read_all_imported(folders: Sequence[Path]) -> tuple[list[Row], list[LeftOut]]:
    """Read all imported files of folders of results: their rows, and the files left out.

    Of two files with the same row the first counts, whole.
    """
    rows: list[Row] = []
    left_out = []
    seen: set[object] = set()
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            file = path.relative_to(folder).as_posix()
            try:
                imported = read_imported(path)
                new = [_row(row, imported) for row in imported.rows]
                if seen & {row.identity for row in new}:
                    raise UserError(f"{path.name}: figures in it are there already; remove it")
            except UserError as error:
                left_out.append(LeftOut(file, str(error)))
                continue
            seen |= {row.identity for row in new}
            rows += new
            left_out += [
                LeftOut(f.file, f"{f.field}: {f.found}: {f.rule}") for f in imported.left_out
            ]
    return rows, left_out


def dataset_title(row: ImportedRow) -> str:
    """Return the name of what a row was measured on: task, split if there are several, revision.

    A revision that mteb is known to have read is cut; no two of those begin alike.
    """
    task = upstream_tasks()[row.task]
    split = f", {row.split}" if len(task.splits) > 1 else ""
    known = row.dataset_revision in task.dataset_revisions
    return f"{row.task}{split} @ {row.dataset_revision[:8] if known else row.dataset_revision}"


def _row(row: ImportedRow, imported: Imported) -> Row:
    title = dataset_title(row)
    at = f" at commit {imported.commit[:8]}" if imported.commit else ""
    version = row.mteb_version
    return Row(
        model=row.model,
        dataset=title,
        passage_form="sentence",
        figures=dict(_figures(row)),
        publication=Publication(
            source=imported.title,
            title=f"{imported.title}{at}",
            url=imported.url,
            passage_form="sentence",
            note="A passage is what the task's own corpus holds",
        ),
        revision=row.model_revision,
        origin="imported",
        details=Details(
            n_parameters=row.n_parameters,
            zero_shot=zero_shot(row.training_datasets, row.task),
            training_data=row.training_datasets,
        ),
        notes=(*row.notes, *([f"measured with mteb {version}"] if version else [])),
    )


def _figures(row: ImportedRow) -> Iterator[tuple[Key, Figure]]:
    """Yield the figure of each subset, and of each setting that has all its subsets their mean."""
    subsets: dict[Setting, dict[str, Key]] = defaultdict(dict)
    for name, codes in row.languages.items():
        key = _key(row.measure, codes)
        subsets[key.setting][name] = key
    for setting, keys in subsets.items():
        values = {name: row.values[name] for name in keys if name in row.values}
        yield from ((keys[name], Figure(value)) for name, value in values.items())
        if len(values) == len(keys):
            mean = float(np.mean(list(values.values())))
            yield Key(setting, row.measure, None, "macro"), Figure(mean)


def _key(measure: str, codes: Sequence[str]) -> Key:
    """Return what a subset's figure says.

    Of two languages the first is that of the passages, as in the files of MLQA
    (``test-context-ar-question-de``), from which mteb has the names.
    """
    passage, query = (ISO_639_1[code.partition("-")[0]] for code in (codes[0], codes[-1]))
    if passage == query:
        return Key("monolingual", measure, query)
    return Key("crosslingual", measure, query, None, passage)
