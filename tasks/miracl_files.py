"""MIRACL's topics, qrels and passages: in its own layout, in a clone of the hub, or on the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xbench.catalogue import Dataset
from xbench.corpus import Qrels, Texts
from xbench.errors import UserError
from xbench.passages import HubFiles, LocalFiles, PassageFiles
from xbench.runs import Problems, opened
from xbench.sources import DataLocation

if TYPE_CHECKING:
    import pyarrow as pa

_TOPICS = ("query id", "question")
_QRELS = ("query id", "Q0", "docid", "relevance")
_UNIQUE = "Expected every query once"

Rows = Iterator[tuple[int, tuple[str, ...]]]
"""Line, and cells of it."""


@dataclass(frozen=True)
class LanguageFiles:
    """What there is in one language.

    Attributes:
        topics: Queries with a relevant passage.
        qrels: Their judgments.
        passages: Where the passages lie.
    """

    topics: Texts
    qrels: Qrels
    passages: PassageFiles


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
        if location.offline:
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

    if location.offline:
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


def read_topics(path: Path) -> Texts:
    """Read a file of two columns: query id and question.

    Raises:
        UserError: If a line is malformed or a query occurs twice.
    """
    return _topics(str(path), _cells(path, _TOPICS), f"Expected {len(_TOPICS)} columns: {_TOPICS}")


def read_qrels(path: Path) -> Qrels:
    """Read a file of four columns: query id, Q0, docid and relevance.

    Raises:
        UserError: If a line is malformed or a passage is judged twice for a query.
    """
    return _qrels(str(path), _cells(path, _QRELS), f"Expected {len(_QRELS)} columns: {_QRELS}")


def _topics(source: str, rows: Rows, remedy: str) -> Texts:
    problems = Problems(source, f"{remedy}, every query once, and a question that is not blank")
    texts: dict[str, str] = {}
    for line, cells in rows:
        if len(cells) != len(_TOPICS):
            problems.add(f"line {line}: {len(cells)} columns instead of {len(_TOPICS)}")
        elif cells[0] in texts:
            problems.add(f"line {line}: query {cells[0]!r} occurs a second time")
        elif not (cells[0] and cells[1].strip()):
            problems.add(f"line {line}: query {cells[0]!r} has no id or no question")
        else:
            texts[cells[0]] = cells[1].strip()
    problems.raise_if_any()
    if not texts:
        raise UserError(f"{source}: holds no query; check the file")
    return Texts(ids=tuple(texts), texts=tuple(texts.values()))


def _qrels(source: str, rows: Rows, remedy: str) -> Qrels:
    problems = Problems(source, f"{remedy}, the relevance an integer, every passage once per query")
    judgments: dict[str, dict[str, int]] = {}
    lines: dict[str, dict[str, int]] = {}
    for line, cells in rows:
        if len(cells) != len(_QRELS):
            problems.add(f"line {line}: {len(cells)} columns instead of {len(_QRELS)}")
            continue
        query, _, docid, relevance = cells
        if docid in judgments.get(query, ()):
            problems.add(f"line {line}: query {query!r}, docid {docid!r}: occurs a second time")
        elif not (query and docid):
            problems.add(f"line {line}: no query id or no docid")
        elif not relevance.removeprefix("-").isdecimal():
            problems.add(f"line {line}: relevance {relevance!r} is not an integer")
        else:
            judgments.setdefault(query, {})[docid] = int(relevance)
            lines.setdefault(query, {})[docid] = line
    problems.raise_if_any()
    if not any(value > 0 for judged in judgments.values() for value in judged.values()):
        raise UserError(
            f"{source}: no query has a relevant passage (relevance > 0); check the file"
        )
    return Qrels(judgments=judgments, file=source, lines=lines)


def _cells(path: Path, columns: tuple[str, ...]) -> Rows:
    """Yield line and cells; what a question holds after its first tab belongs to it."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}: line {number}: is not UTF-8 ({error.reason}); save it as UTF-8"
                ) from error
            if text.strip():
                yield number, tuple(text.split("\t") if "\t" in text else text.split())


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
    topics = _topics(queries.place, _columns(queries, (("_id", "id"), ("text",))), _UNIQUE)
    names = (("query-id",), ("query-id",), ("corpus-id",), ("score",))
    qrels = _qrels(judgments.place, _columns(judgments, names), _UNIQUE)
    return _judged(topics, qrels, passages)


def _columns(files: HubFiles, columns: tuple[tuple[str, ...], ...]) -> Rows:
    from xbench.hub_files import tables

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
            f"{dataset.revision}. Name a local copy with --data-dir, or leave out --offline"
        ) from error
