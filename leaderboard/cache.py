"""Read what pages show of result files, and keep what takes long to derive from them.

An entry's name is the digest of the bytes it was derived from and of the code that derived it. The
folder may be deleted at any time; an entry that is damaged is derived again.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from threadpoolctl import threadpool_limits

import xbench
from xbench._util.atomic_write import write_atomically
from xbench._util.errors import UserError
from xbench.leaderboard.task_scores import Record, TaskRecord, read_record, summarised_record
from xbench.results.safe_json import PACKED_LIMIT
from xbench.results.store import DAMAGED, META_NAME, PER_QUERY_SUFFIX, SETTINGS_NAME

MODULES = ("data/catalogue", "data/languages")
PACKAGES = ("metrics", "results", "results/validation")
READERS = ("cache", "figures", "task_scores", "standings")
"""The code that derives what is kept: modules and packages of xbench, and modules of this one."""

FOLDER = "leaderboard"
WORTH_PROCESSES = 12
"""How many files there must be to derive from before processes are started for it."""

CHUNK = 12
"""How many files a process reads before it hands over what it found: six are a model's."""

_RECORD = TypeAdapter(TaskRecord)


def read_records(
    files: Sequence[tuple[Path, Path]], cache_dir: Path | None, *, from_ranks: bool = False
) -> list[Record]:
    """Return what pages show of result files, in as many processes as there are processors.

    What summaries say is read quickly; what only ranks say is kept in the cache.

    Args:
        files: Each result file, and the folder of results it lies in.
        cache_dir: Where to keep what was derived; None to keep nothing.
        from_ranks: Whether to look at no summary.
    """
    read = partial(_read, cache_dir=cache_dir, from_ranks=from_ranks)
    if len(files) < WORTH_PROCESSES:
        return [read(file) for file in files]
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        return list(pool.map(read, files, chunksize=CHUNK))


def _read(file: tuple[Path, Path], cache_dir: Path | None, *, from_ranks: bool) -> Record:
    record = None if from_ranks else summarised_record(*file)
    if record is None:
        place = None if cache_dir is None else _place(*file, cache_dir)
        record = None if place is None else _stored(place)
        if record is None:
            record = read_record(*file)
            if place is not None:
                store(place, _pack(record))
    return record


def store(place: Path, content: bytes) -> None:
    """Keep an entry; a cache that cannot be written is no error."""
    with suppress(UserError):
        write_atomically(place, content)


def _pack(record: Record) -> bytes:
    content, evidence = record
    arrays: dict[str, NDArray[Any]] = {f"values.{name}": own for name, own in evidence.items()}
    arrays["record"] = np.frombuffer(_RECORD.dump_json(content), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _unpack(packed: bytes) -> Record:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        content = _RECORD.validate_json(arrays["record"].tobytes())
        names = [name for name in arrays if name.startswith("values.")]
        return content, {name.removeprefix("values."): arrays[name] for name in names}


def _stored(place: Path) -> Record | None:
    try:
        return _unpack(place.read_bytes())
    except (*DAMAGED, BadZipFile):
        return None


def _place(path: Path, root: Path, cache_dir: Path) -> Path | None:
    """Return where the record of a result file is kept, None if the file cannot be told."""
    digest = hashlib.sha256(code_digest())
    siblings = sorted(path.parent.parent.glob(f"*/{path.name}"))
    ranks = path.with_name(f"{path.stem}{PER_QUERY_SUFFIX}")
    own = (path, ranks, path.with_name(META_NAME), path.with_name(SETTINGS_NAME))
    try:
        real_root = root.resolve()
        for file in (*own, *siblings):
            digest.update(_content(file, root, real_root))
    except (OSError, RuntimeError, ValueError):
        return None
    return cache_dir / FOLDER / f"{digest.hexdigest()}.npz"


def _content(file: Path, root: Path, real_root: Path) -> bytes:
    """Return the digest of all that the check looks at: place, links, size and content.

    A file that is larger than the check allows is refused whatever follows.
    """
    digest = hashlib.sha256()
    resolved = os.path.relpath(file.resolve(), real_root)
    digest.update(f"{file.relative_to(root)}\0{resolved}\0".encode("utf-8", "surrogateescape"))
    if file.is_file():
        digest.update(f"{file.lstat().st_nlink}\0".encode())
        with file.open("rb") as content:
            digest.update(content.read(PACKED_LIMIT + 1))
    return digest.digest()


@cache
def code_digest() -> bytes:
    """Return the digest of the code that derives records, and of the packages it calls."""
    package, own = Path(xbench.__file__).parent, Path(__file__).parent
    parts = [package / f"{name}.py" for name in MODULES]
    parts += [path for name in PACKAGES for path in sorted((package / name).glob("*.*"))]
    parts += [own / f"{name}.py" for name in READERS]
    digest = hashlib.sha256(" ".join(version(name) for name in ("numpy", "scipy")).encode())
    for path in parts:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()
