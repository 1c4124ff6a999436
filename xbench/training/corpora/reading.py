"""Reading training corpora: files, folders and datasets of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
from datasets import Dataset, DatasetDict, load_dataset, load_from_disk

from xbench._util.errors import UserError
from xbench._util.hub import hub_access
from xbench.data.languages import chosen_languages
from xbench.training.corpora.columns import Shape
from xbench.training.corpora.formats import read_table, read_text_file
from xbench.training.corpora.pair_index import Scan, scan
from xbench.training.corpora.pairs import ParallelPairs, ReadingReport
from xbench.training.corpora.presence import has_language, pair_counts, unpack
from xbench.training.corpora.published import PUBLISHED, find_published, read_published
from xbench.training.corpora.rows import UNITS
from xbench.training.corpora.source import PLACEHOLDER, CorpusSource, squad_files
from xbench.training.corpora.squad import read_squad
from xbench.training.corpora.tables import WideTable, some_rows


def read_pairs(source: CorpusSource, cache_dir: Path) -> ParallelPairs:
    """Read a corpus; what has to be rearranged is written once, to the cache.

    Args:
        source: The corpus.
        cache_dir: Folder under which tables and what was found in them are kept.

    Raises:
        UserError: If it cannot be read or is not as expected; the message names file and row.
    """
    folder = cache_dir / "training"
    with hub_access(offline=not source.on_hub):
        read = _open(source, folder)
    table = read.table
    if source.rows is not None:
        table = table.select(range(min(source.rows, len(table))))
    if not len(table):
        raise UserError(f"{source.path}: no rows; expected at least one question")
    languages = _languages(table, source)
    table = table.select_columns(
        [n for n in table.column_names if n.partition("_")[2] in languages]
    )
    found = scan(table, languages, folder)
    if source.rows is None:
        _refuse_empty(table, found, languages, source.path)
    absent = tuple(c for c in source.languages if not chosen_languages([c], languages))
    pairless = np.flatnonzero(~(found.queries.any(axis=1) & found.passages.any(axis=1)))
    if len(pairless) and (not source.languages or len(pairless) == len(table)):
        raise UserError(
            f"{source.path}: no query with a passage in rows {some_rows(pairless + 1)}; expected "
            "both in some language in every row"
        )
    most = found.negatives
    return ParallelPairs(
        name=source.title,
        languages=languages,
        table=table,
        queries=found.queries,
        passages=found.passages,
        group=found.group if len(found.group) else None,
        negatives=min(source.negatives if source.negatives is not None else most, most),
        report=_report(source.title, languages, found, len(pairless), absent, read),
    )


def read_scored(source: CorpusSource, cache_dir: Path) -> Dataset:
    """Read texts with a score or a label, whose columns are those that a loss takes.

    Args:
        source: The corpus.
        cache_dir: Folder under which tables are kept.

    Raises:
        UserError: If it cannot be read, has no score, or has one that is not a number.
    """
    with hub_access(offline=not source.on_hub):
        table = _load(source, cache_dir / "training")
    labels = [name for name in table.column_names if name in SCORES]
    if len(labels) != 1:
        raise UserError(
            f"{source.path}: columns {', '.join(table.column_names)}; expected texts and one "
            f"column of {', '.join(SCORES)}"
        )
    dtype = str(getattr(table.features[labels[0]], "dtype", ""))
    texts = [n for n, kind in table.features.items() if getattr(kind, "dtype", "") == "string"]
    if not dtype.startswith(("float", "int")) or not texts:
        raise UserError(
            f"{source.path}: column {labels[0]} holds {dtype or table.features[labels[0]]}, texts "
            f"are {', '.join(texts) or 'missing'}; expected numbers, and columns of texts"
        )
    chosen = table.select_columns([*(source.columns or texts), *labels])
    return chosen if source.rows is None else chosen.select(range(min(source.rows, len(chosen))))


SCORES = ("score", "scores", "label", "labels")
"""Columns that a loss takes as its labels."""


def _open(source: CorpusSource, folder: Path) -> WideTable:
    path = Path(source.path)
    shapes: dict[str, Shape] = {shape: shape for shape in get_args(Shape)}
    shape = shapes.get(source.format)
    said = (source.columns, source.language)
    published = PUBLISHED.get(source.format) or find_published(source.path)
    if published is not None:
        copy = path if path.is_dir() else None
        return read_published(published, source.languages, source.revision, copy, folder)
    if source.format == "squad" or PLACEHOLDER in source.path or squad_files(source.path):
        return _open_squad(source, folder)
    if path.suffix in UNITS:
        return read_text_file(path, shape, folder, *said)
    return read_table(_load(source, folder), shape, source.path, folder, *said)


def _open_squad(source: CorpusSource, folder: Path) -> WideTable:
    files = squad_files(source.path)
    chosen = {a: files[a] for a in chosen_languages(source.languages, sorted(files))}
    if not chosen:
        raise UserError(
            f"{source.path}: no files of the languages {', '.join(source.languages) or 'known'}; "
            f"expected some such as en.json, found {', '.join(files) or 'none'}"
        )
    return read_squad(chosen, source.passage, folder)


def _load(source: CorpusSource, folder: Path) -> Dataset:
    """Load a Parquet file, a folder that datasets saved, or a dataset of the hub."""
    path = Path(source.path)
    cache = str(folder)
    if source.format == "scored" and path.is_file() and path.suffix in UNITS:
        kind = "csv" if path.suffix == ".csv" else "json"
        return load_dataset(kind, data_files=str(path), split="train", cache_dir=cache)
    if path.is_file() and path.suffix != ".parquet":
        raise UserError(f"{path}: expected a file of one of {', '.join((*UNITS, '.parquet'))}")
    try:
        if path.suffix == ".parquet":
            return load_dataset("parquet", data_files=str(path), split="train", cache_dir=cache)
        if any((path / name).is_file() for name in ("state.json", "dataset_dict.json")):
            saved = load_from_disk(str(path))
            return saved[source.split] if isinstance(saved, DatasetDict) else saved
        return load_dataset(
            source.path, split=source.split, revision=source.revision, cache_dir=cache
        )
    except Exception as error:
        raise UserError(
            f"{source.path}, split {source.split}: cannot be loaded ({type(error).__name__}: "
            f"{error}); expected a file ({', '.join((*UNITS, '.parquet'))}), a folder saved by "
            "datasets or of <language>.json files, or the name of a dataset on the hub; one that "
            "consists of a loading script may be there as revision refs/convert/parquet"
        ) from error


def _languages(table: Dataset, source: CorpusSource) -> tuple[str, ...]:
    there = sorted({name.partition("_")[2] for name in table.column_names})
    languages = chosen_languages(source.languages, there)
    if not languages:
        raise UserError(
            f"{source.path}: none of {', '.join(source.languages)}; it has {', '.join(there)}"
        )
    return languages


def _refuse_empty(table: Dataset, found: Scan, languages: tuple[str, ...], where: str) -> None:
    """Refuse a column of queries or passages without any text."""
    for side, bits in (("query", found.queries), ("passage", found.passages)):
        there = unpack(np.bitwise_or.reduce(bits, axis=0)[None], len(languages))[0]
        for code, any_text in zip(languages, there, strict=True):
            if not any_text and f"{side}_{code}" in table.column_names:
                raise UserError(
                    f"{where}: column {side}_{code} has no text in any row; fill it or remove it"
                )


def _report(
    name: str,
    languages: tuple[str, ...],
    found: Scan,
    pairless: int,
    absent: tuple[str, ...],
    read: WideTable,
) -> ReadingReport:
    pairs = pair_counts(found.queries, found.passages, len(languages))
    both = pairs.diagonal()
    only = np.array(
        [
            np.count_nonzero(has_language(found.queries, i) != has_language(found.passages, i))
            for i in range(len(languages))
        ]
    )
    return ReadingReport(
        name=name,
        rows=len(found.queries),
        rows_by_language=dict(zip(languages, both.tolist(), strict=True)),
        one_sided=dict(zip(languages, only.tolist(), strict=True)),
        monolingual_pairs=int(both.sum()),
        crosslingual_pairs=int(pairs.sum() - both.sum()),
        duplicates=found.repeated,
        shared_passages=found.shared,
        without_pair=pairless,
        negatives=found.negatives,
        without_negatives=found.without_negatives,
        absent=absent,
        ignored_columns=read.ignored,
        notes=read.notes,
    )
