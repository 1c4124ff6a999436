"""MIRACL's topics, qrels and passages: in its own layout, in a clone of the hub, or on the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xbench._util.errors import UserError
from xbench._util.hub import hub_is_offline
from xbench.data.catalogue import Dataset
from xbench.data.download import DataLocation
from xbench.data.parallel_corpus import Qrels, Texts
from xbench.data.streamed.corpus import HubFiles, LanguageFiles, LocalFiles, PassageFiles
from xbench.data.streamed.miracl_tables import Rows, qrels_of, read_qrels, read_topics, topics_of

if TYPE_CHECKING:
    import pyarrow as pa

_UNIQUE = "Expected every query once"


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
        repository, revision = dataset.hub, dataset.revision
        if location.offline or hub_is_offline():
            repository = _cached(dataset)
        return _from_hub(repository, dataset, language, revision)
    own, clone = location.data_dir / dataset.folder, location.data_dir / dataset.hub
    if own.is_dir() or not clone.is_dir():
        return _from_folder(own, clone, dataset, language)
    return _from_hub(str(clone), dataset, language, None)


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


def hub_snapshot(dataset: Dataset, languages: Sequence[str], location: DataLocation) -> Path:
    """Fetch some languages from the hub into its cache, so that they can be read offline.

    Args:
        dataset: MIRACL or a selection of it.
        languages: ISO 639-1 codes.
        location: If offline, only what is in the cache is returned.

    Raises:
        UserError: If they cannot be fetched.
    """
    from huggingface_hub import snapshot_download

    if location.offline or hub_is_offline():
        return Path(_cached(dataset))
    try:
        return Path(
            snapshot_download(
                dataset.hub,
                repo_type="dataset",
                revision=dataset.revision,
                allow_patterns=["README.md", *(f"{code}-*" for code in languages)],
            )
        )
    except Exception as error:
        raise UserError(
            f"{dataset.hub}: cannot be fetched from the Hugging Face hub ({type(error).__name__}: "
            f"{error}). Check the network; what arrived is kept"
        ) from error


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


def _from_hub(
    repository: str, dataset: Dataset, language: str, revision: str | None
) -> LanguageFiles:
    def files(part: str) -> HubFiles:
        return HubFiles(repository, f"{language}-{part}", dataset.split, revision)

    queries, judgments, passages = files("queries"), files("qrels"), files("corpus")
    topics = topics_of(queries.place, _columns(queries, (("_id", "id"), ("text",))), _UNIQUE)
    names = (("query-id",), ("query-id",), ("corpus-id",), ("score",))
    qrels = qrels_of(judgments.place, _columns(judgments, names), _UNIQUE)
    return _judged(topics, qrels, passages)


def _columns(files: HubFiles, columns: tuple[tuple[str, ...], ...]) -> Rows:
    from xbench.data.streamed.hub_files import tables

    number = 0
    for table in tables(files, None):
        values = [_column(files, table, names) for names in columns]
        for cells in zip(*values, strict=True):
            number += 1
            yield number, tuple("" if cell is None else str(cell) for cell in cells)


def _column(files: HubFiles, table: pa.Table, names: tuple[str, ...]) -> list[object]:
    for name in names:
        if name in table.schema.names:
            values: list[object] = table.column(name).to_pylist()
            return values
    raise UserError(
        f"{files.place}: columns {table.schema.names}; expected one named {' or '.join(names)}. "
        "Fetch the repository again"
    )


def _cached(dataset: Dataset) -> str:
    from huggingface_hub import snapshot_download

    try:
        return str(
            snapshot_download(
                dataset.hub,
                repo_type="dataset",
                revision=dataset.revision,
                local_files_only=True,
            )
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"{dataset.hub}: the Hugging Face cache does not hold it at revision "
            f"{dataset.revision}. Name a local copy with --data-dir, or leave out --offline "
            "and HF_HUB_OFFLINE"
        ) from error
