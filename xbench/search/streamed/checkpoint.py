"""Progress on disk: which shards are searched, and the best passages so far.

A checkpoint is a folder. Its manifest names everything that the progress depends on, the shards
that are done, and a file for each target. New files are written next to the old ones before the
manifest names them, so that it is whole whenever the process ends.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import Timeout
from safetensors.numpy import load, save

from xbench._util.atomic_write import file_lock, usable, write_atomically
from xbench._util.errors import UserError
from xbench.search.top_k import TopK

Identity = Mapping[str, str | int | None]
"""Everything that the progress depends on, by the words in which it is reported."""

MANIFEST = "progress.json"
CACHE_ADVICE = "Make room, or choose another --cache-dir that can be written."


class Checkpoint:
    """The progress of one search.

    Args:
        folder: Where to keep it.
        identity: Everything that the progress depends on.

    Attributes:
        done: Indices of the shards that are done, by language.
        truncated: How many passages of these were truncated, by language.

    Raises:
        UserError: If another process works on the same search, or what is there was begun with
            something else.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.done: dict[str, set[int]] = {}
        self.truncated: Counter[str] = Counter()
        self._folder = folder
        self._identity = dict(identity)
        self._files: dict[str, str] = {}
        with usable(folder, CACHE_ADVICE):
            self._lock = file_lock(folder.with_name(f"{folder.name}.lock"))
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                raise UserError(
                    f"{folder}: another process is working on this search; wait until it has "
                    "finished"
                ) from error
        try:
            with usable(folder, CACHE_ADVICE):
                self._read()
        except BaseException:
            self._lock.release()
            raise

    def _read(self) -> None:
        path = self._folder / MANIFEST
        try:
            manifest = json.loads(path.read_bytes())
            found = manifest["identity"]
            done = {code: set(shards) for code, shards in manifest["done"].items()}
            truncated, files = Counter(manifest["truncated"]), dict(manifest["files"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: damaged ({type(error).__name__}: {error}); delete {self._folder} to "
                "start this search again"
            ) from error
        if changes := _changes(found, self._identity):
            raise UserError(
                f"{self._folder}: a search that was begun with something else and not finished: "
                f"{'; '.join(changes)}. Run it as it was begun to finish it, or delete that folder "
                "to start again"
            )
        self.done, self.truncated, self._files = done, truncated, files
        for stray in set(self._folder.iterdir()) - {
            path,
            *map(self._folder.joinpath, files.values()),
        }:
            stray.unlink()

    def restore(self, target: str) -> TopK | None:
        """Return the best passages of a target so far, or None if there are none yet.

        Raises:
            UserError: If the file is damaged.
        """
        if target not in self._files:
            return None
        path = self._folder / self._files[target]
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() not in path.name:
                raise ValueError("its digest is not that of its name")
            arrays = load(content)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: damaged ({error}); delete {self._folder} to start this search again"
            ) from error
        width = arrays["ids"].shape[-1]
        return TopK.restored(arrays["scores"], arrays["ids"].view(f"S{width}")[..., 0])

    def save(self, language: str, shard: int, truncated: int, changed: Mapping[str, TopK]) -> None:
        """Record that a shard is done.

        Args:
            language: Language of the shard's passages.
            shard: Its index.
            truncated: How many of its passages were truncated.
            changed: The best passages of the targets to which it added any.

        Raises:
            UserError: If the disk is full or the place cannot be written.
        """
        self.done.setdefault(language, set()).add(shard)
        self.truncated[language] += truncated
        old = {self._files[target] for target in changed if target in self._files}
        for target, top in changed.items():
            content = _packed(top)
            name = f"{target}-{hashlib.sha256(content).hexdigest()}.safetensors"
            write_atomically(self._folder / name, content)
            self._files[target] = name
        manifest: dict[str, Any] = {
            "identity": self._identity,
            "done": {code: sorted(shards) for code, shards in self.done.items()},
            "truncated": self.truncated,
            "files": self._files,
        }
        write_atomically(self._folder / MANIFEST, json.dumps(manifest, indent=1).encode())
        for name in old - set(self._files.values()):
            with suppress(OSError):
                (self._folder / name).unlink()

    def close(self, *, finished: bool) -> None:
        """Let go of the checkpoint, and of its files if the search is finished."""
        if finished:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()


def _packed(top: TopK) -> bytes:
    scores, ids = top.arrays()
    width = ids.dtype.itemsize
    return save(
        {
            "scores": scores,
            "ids": np.ascontiguousarray(ids[..., None]).view(np.uint8).reshape(*ids.shape, width),
        }
    )


def _changes(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {_shown(found.get(name))}, now {_shown(expected.get(name))}"
        for name in dict.fromkeys([*found, *expected])
        if found.get(name) != expected.get(name)
    ]


def _shown(value: object) -> str:
    return "absent" if value is None else repr(value)
