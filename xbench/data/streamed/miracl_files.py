"""MIRACL's topics, qrels and passages: in its own layout, in a clone of the hub, or on the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xbench._util.errors import UserError
from xbench.data.datasets import Dataset
from xbench.data.download import DataLocation
from xbench.data.fetch import RemoteFile
from xbench.data.hub_dataset import HubDataset
from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.streamed.corpus import HubFiles, LanguageFiles, LocalFiles, PassageFiles
from xbench.data.streamed.miracl_tables import Rows, qrels_of, read_qrels, read_topics, topics_of

if TYPE_CHECKING:
    import pyarrow as pa

_UNIQUE = "Expected every query once"
_PARTS = ("queries", "qrels", "corpus")


def language_files(dataset: Dataset, language: str, location: DataLocation) -> LanguageFiles:
    """Find and read what there is in a language, all but the passages.

    Args:
        dataset: MIRACL or a selection of it.
        language: ISO 639-1 code.
        location: With ``data_dir``: a folder that holds ``<dataset.folder>`` in MIRACL's own
            layout, or ``<dataset.hub>``, a clone of the hub's repository.

    Raises:
        UserError: If something is missing or malformed, or the network fails.
    """
    if location.data_dir is None:
        hub = HubDataset.at(dataset.hub, dataset.revision, location)
        return _from_hub(hub.snapshot(f"{language}-corpus") or hub, dataset, language)
    own, clone = location.data_dir / dataset.folder, location.data_dir / dataset.hub
    if own.is_dir() or not clone.is_dir():
        return _from_folder(own, clone, dataset, language)
    return _from_hub(clone, dataset, language)


def language_topics(dataset: Dataset, language: str, location: DataLocation) -> Texts:
    """Read the queries of a language, whether its passages are there or not.

    Args:
        dataset: MIRACL or a selection of it.
        language: ISO 639-1 code.
        location: As for `language_files`.

    Raises:
        UserError: If they are missing or malformed, or the network fails.
    """
    data = location.data_dir
    if data is not None and (data / dataset.folder).is_dir():
        folder, clone = data / dataset.folder, data / dataset.hub
        return read_topics(_table("topics", folder, clone, dataset, language))
    return language_files(dataset, language, location).topics


def miracl_remote_files(
    dataset: Dataset, languages: Sequence[str], location: DataLocation
) -> list[RemoteFile]:
    """Return the files on the hub that some languages are read from.

    Args:
        dataset: MIRACL or a selection of it.
        languages: ISO 639-1 codes.
        location: Where they are kept.

    Raises:
        UserError: If the hub cannot be asked for their names.
    """
    hub = HubDataset.at(dataset.hub, dataset.revision, location)
    return [
        file
        for code in languages
        for part in _PARTS
        for file in HubFiles(hub, f"{code}-{part}", dataset.split).remote
    ]


def _judged(topics: Texts, qrels: Qrels, passages: PassageFiles) -> LanguageFiles:
    """Keep the queries that have a relevant passage."""
    kept = {
        query: text
        for query, text in zip(topics.ids, topics.texts, strict=True)
        if any(relevance > 0 for relevance in qrels.judgments.get(query, {}).values())
    }
    if not kept:
        raise UserError(
            f"{qrels.file}: judges none of the {len(topics):,} queries; check that topics and "
            "qrels belong together"
        )
    return LanguageFiles(
        topics=Texts(ids=tuple(kept), texts=tuple(kept.values())),
        qrels=Qrels(
            judgments={query: qrels.judgments[query] for query in kept},
            file=qrels.file,
            lines={query: qrels.lines[query] for query in kept},
        ),
        passages=passages,
    )


def _from_folder(folder: Path, clone: Path, dataset: Dataset, language: str) -> LanguageFiles:
    topics, qrels = (_table(kind, folder, clone, dataset, language) for kind in ("topics", "qrels"))
    corpus = f"miracl-corpus-v1.0-{language}"
    passages = _first(
        [folder / corpus, folder / "miracl-corpus" / corpus],
        Path.is_dir,
        f"the passages of {language} (docs-*.jsonl.gz)",
        clone,
    )
    return _judged(read_topics(topics), read_qrels(qrels), LocalFiles(passages))


def _table(kind: str, folder: Path, clone: Path, dataset: Dataset, language: str) -> Path:
    version = f"miracl-v1.0-{language}"
    name = f"{kind}.{version}-{dataset.split}.tsv"
    places = [folder / version / kind / name, folder / kind / name, folder / name]
    return _first(places, Path.is_file, f"the {kind} of {language}", clone)


def _first(places: list[Path], is_there: Callable[[Path], bool], what: str, clone: Path) -> Path:
    for place in places:
        if is_there(place):
            return place
    listed = "".join(f"\n  {place}" for place in places)
    raise UserError(
        f"{what} are missing; looked for:{listed}\nPut them there, or a clone of the hub's "
        f"repository at {clone}, or leave out --data-dir and XBENCH_DATA_DIR to stream them"
    )


def _from_hub(source: HubDataset | Path, dataset: Dataset, language: str) -> LanguageFiles:
    queries, judgments, passages = (
        HubFiles(source, f"{language}-{part}", dataset.split) for part in _PARTS
    )
    topics = topics_of(queries.place, _columns(queries, (("_id", "id"), ("text",))), _UNIQUE)
    names = (("query-id",), ("query-id",), ("corpus-id",), ("score",))
    qrels = qrels_of(judgments.place, _columns(judgments, names), _UNIQUE)
    return _judged(topics, qrels, passages)


def _columns(files: HubFiles, columns: tuple[tuple[str, ...], ...]) -> Rows:
    number = 0
    for table in files.tables():
        values = [_column(files, table, names) for names in columns]
        for cells in zip(*values, strict=True):
            number += 1
            yield number, tuple("" if cell is None else str(cell) for cell in cells)


def _column(files: HubFiles, table: pa.RecordBatch, names: tuple[str, ...]) -> list[object]:
    for name in names:
        if name in table.schema.names:
            values: list[object] = table.column(name).to_pylist()
            return values
    raise UserError(
        f"{files.place}: columns {table.schema.names}; expected one named {' or '.join(names)}. "
        "Fetch the repository again"
    )
