"""A look at every passage of a language before anything is encoded."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tqdm.auto import tqdm

from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.data.parallel_corpus import Qrels
from xbench.data.streamed.corpus import SHARD, PassageFiles, Shard, StreamedCorpus, checksum
from xbench.data.streamed.duplicate_ids import IdHashes
from xbench.data.streamed.parsing import Defect

logger = logging.getLogger(__name__)

VERSION = 1
"""Version of what is kept of a scan."""

DUPLICATE = "duplicate docid"
LACKING = "judged docid that the corpus lacks"

MOST_DUPLICATES = 100_000
"""More duplicates than this are never skipped: a file is there twice."""

_SHOWN = 3


@dataclass
class _Scan:
    """What was found; JSON can hold it."""

    fingerprint: str = ""
    shards: list[tuple[int, int, int, int]] = field(default_factory=list)
    checks: list[int] = field(default_factory=list)
    longest_id: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    duplicates: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, place: str, detail: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= _SHOWN:
            self.examples.setdefault(kind, []).append(f"{place}: {kind}: {detail}")


def scan(
    language: str,
    files: PassageFiles,
    qrels: Qrels,
    *,
    on_bad_line: Literal["stop", "skip"],
    cache_dir: Path,
    progress: bool,
) -> StreamedCorpus:
    """Look at all passages once, and return the corpus if it is sound.

    The outcome is kept until a file or the qrels change. Memory does not grow with the corpus.

    Args:
        language: ISO 639-1 code.
        files: Where the passages are.
        qrels: Judgments; every docid in them must be in the corpus.
        on_bad_line: Whether to stop at defects, or to leave out what is defective. Of duplicates
            the first stays; a judged docid that is missing stays judged.
        cache_dir: Folder to keep the outcome in, and for temporary files of 8 bytes per passage.
        progress: Whether to show how far it is.

    Raises:
        UserError: If there are defects and they are not to be skipped, if there is no passage, or
            if a file cannot be read.
    """
    cache_key = files.cache_key()
    known = [VERSION, SHARD, cache_key, qrels.file, qrels.fingerprint]
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    path = cache_dir / "scans" / f"{key}.json"
    found = _cached(path)
    if found is None:
        found = _scan(language, files, qrels, path.parent, progress)
        if files.cache_key() != cache_key:
            raise UserError(f"{files.place}: a file changed while it was read; start again")
        write_atomically(path, json.dumps(asdict(found)).encode())
    if found.counts:
        _tell(language, files, found, on_bad_line)
    if not found.shards:
        raise UserError(f"{files.place}: has no passage; expected those of {language}")
    return StreamedCorpus(
        language=language,
        files=files,
        fingerprint=found.fingerprint,
        shards=tuple(Shard(*shard) for shard in found.shards),
        passages=sum(passages for *_, passages in found.shards),
        longest_id=found.longest_id,
        skipped=dict(found.counts),
        duplicates={int(file): frozenset(rows) for file, rows in found.duplicates.items()},
        checks=tuple(found.checks),
    )


def _cached(path: Path) -> _Scan | None:
    try:
        return _Scan(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _tell(language: str, files: PassageFiles, found: _Scan, on_bad_line: str) -> None:
    counts = ", ".join(f"{kind}: {count:,}" for kind, count in found.counts.items())
    too_many = found.counts.get(DUPLICATE, 0) > MOST_DUPLICATES
    if on_bad_line == "skip" and not too_many:
        logger.warning("%s: skipped of the %s passages: %s", files.place, language, counts)
        return
    lines = [line for lines in found.examples.values() for line in lines]
    more = sum(found.counts.values()) - len(lines)
    listed = "".join(f"\n  {line}" for line in [*lines, *([f"and {more:,} more"] if more else [])])
    remedy = (
        "Fix or fetch the files again, or leave out what is defective with --on-bad-line skip"
        if on_bad_line == "stop"
        else f"So many duplicates (more than {MOST_DUPLICATES:,}) are not skipped: see whether a "
        "file is there twice"
    )
    total = "In all at least" if too_many else "In all"
    raise UserError(
        f"{files.place}: the {language} passages are not sound:{listed}\n{total}: {counts}.\n"
        f"{remedy}"
    )


def _scan(language: str, files: PassageFiles, qrels: Qrels, folder: Path, progress: bool) -> _Scan:
    size = files.size
    with IdHashes(folder) as hashes, _bar(f"Scanning {language}", size, progress) as bar:
        check = _Scanner(files, qrels, bar, hashes=hashes)
        found = check.all()
        repeated = hashes.repeated(MOST_DUPLICATES + 1)
    if repeated:
        with _bar(f"Duplicates in {language}", size, progress) as bar:
            found = _Scanner(files, qrels, bar, repeated=repeated).all()
    return found


def _bar(title: str, size: int | None, progress: bool) -> Any:  # noqa: ANN401
    unit = "passage" if size is None else "B"
    return tqdm(total=size, desc=title, unit=unit, unit_scale=True, disable=not progress)


class _Scanner:
    """One pass over all files; with the repeated hashes known, duplicates are found in it."""

    def __init__(
        self,
        files: PassageFiles,
        qrels: Qrels,
        bar: Any,  # noqa: ANN401
        hashes: IdHashes | None = None,
        repeated: set[int] | None = None,
    ) -> None:
        self._files, self._qrels, self._bar = files, qrels, bar
        self._hashes, self._repeated = hashes, repeated or set()
        self._first: dict[str, str] = {}
        self._lacking = {docid for judged in qrels.judgments.values() for docid in judged}
        self._near = files.size is not None
        self._found = _Scan()

    def all(self) -> _Scan:
        """Look at all files."""
        found = self._found
        digests = [[name, self._file(i, name)] for i, name in enumerate(self._files.names)]
        left_out = [found.counts, found.duplicates]
        content = [VERSION, self._files.identity, digests, found.shards, found.checks, left_out]
        found.fingerprint = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        for query, lines in self._qrels.lines.items():
            for docid, line in lines.items():
                if docid in self._lacking:
                    place = f"{self._qrels.file}: line {line}"
                    found.add(LACKING, place, f"{docid!r} of query {query!r}")
        return found

    def _file(self, file: int, name: str) -> str:
        """Look at one file and return its digest."""
        digest = hashlib.sha256()

        def seen(content: bytes) -> None:
            digest.update(content)
            self._bar.update(len(content))

        ids: list[str] = []
        start = number = 0
        for number, row in enumerate(self._files.iter_checked(file, seen), 1):
            if isinstance(row, tuple):
                if self._repeated and self._is_duplicate(row[0], file, name, number):
                    continue
                ids.append(row[0])
                if len(ids) == SHARD:
                    self._close(ids, Shard(file, start, number - start, SHARD))
                    ids, start = [], number
            elif isinstance(row, Defect):
                self._found.add(row.kind, f"{name}: line {number:,}", row.detail)
        if ids:
            self._close(ids, Shard(file, start, number - start, len(ids)))
        return digest.hexdigest()

    def _is_duplicate(self, docid: str, file: int, name: str, number: int) -> bool:
        if hash(docid) not in self._repeated:
            return False
        place = f"{name}: line {number:,}"
        first = self._first.setdefault(docid, place)
        if first == place:
            return False
        self._found.add(DUPLICATE, place, f"{docid!r} is at {first} before")
        if self._found.counts[DUPLICATE] <= MOST_DUPLICATES:
            self._found.duplicates.setdefault(str(file), []).append(number - 1)
        return True

    def _close(self, ids: list[str], shard: Shard) -> None:
        found = self._found
        found.shards.append((shard.file, shard.start, shard.rows, shard.passages))
        found.checks.append(checksum(ids))
        found.longest_id = max(found.longest_id, *(len(docid.encode()) for docid in ids))
        self._lacking.difference_update(ids)
        if self._hashes:
            self._hashes.add(ids)
        if not self._near:
            self._bar.update(len(ids))
