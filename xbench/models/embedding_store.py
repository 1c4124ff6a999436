"""Every distinct text is encoded once: a content-addressed store of embeddings that survives.

A store is a folder for one model, role and prompt. It holds chunk files, each named by the SHA-256
of its bytes and written whole or not at all, so that a damaged file is noticed, an interrupted run
goes on where it stopped, and processes that share a store need no lock.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from xbench._util.atomic_write import usable, write_atomically
from xbench._util.errors import UserError
from xbench.models.embedding_checks import Spread, check_vectors
from xbench.models.vectors import FloatArray, Vectors, pack, select, unpack

logger = logging.getLogger(__name__)

Role = Literal["query", "passage"]
CHUNK = 512
"""Texts that a local model encodes before they are stored: what an interruption can lose."""


@dataclass(frozen=True)
class Encoded:
    """Embeddings of some texts.

    Attributes:
        vectors: Shape (texts, dimensions), or a matrix for each text.
        truncated: Whether the text was truncated at the model's maximum length, shape (texts,).
    """

    vectors: Vectors
    truncated: NDArray[np.bool_]


class TextEncoder(Protocol):
    """What the engine needs of a model.

    Attributes:
        name: Name of the model, for messages.
        chunk: Texts that are encoded together.
        sorts_all: Whether these may be of any collections, as the model sorts them itself.
    """

    name: str
    chunk: int
    sorts_all: bool

    def encode(self, texts: Sequence[str], role: Role) -> Encoded:
        """Encode some texts as queries or as passages."""
        ...

    def encode_each(
        self, batches: Iterable[list[str]], role: Role
    ) -> Iterator[tuple[list[str], Encoded]]:
        """Yield batches of texts with their embeddings, each as soon as it is encoded."""
        ...

    def identity(self, role: Role) -> str | None:
        """Return what decides the embeddings of a role, or None if that is not known."""
        ...


@dataclass
class EmbeddingStore:
    """Embeddings of one model in one role, in memory and, with a folder, on disk.

    Attributes:
        folder: Folder of the chunk files; None keeps the embeddings in memory only.
    """

    folder: Path | None
    _row: dict[str, tuple[FloatArray, bool]] = field(default_factory=dict, repr=False)
    _written: set[str] = field(default_factory=set, repr=False)
    _loaded: set[Path] = field(default_factory=set, repr=False)

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the distinct texts that have no embedding yet."""
        return [text for text in dict.fromkeys(texts) if text not in self._row]

    def get(self, texts: Sequence[str]) -> Encoded:
        """Return the embeddings of texts that are all there."""
        rows = [self._row[text] for text in texts]
        vectors = [vector for vector, _ in rows]
        matrices = bool(vectors) and vectors[0].ndim == 2
        return Encoded(
            vectors=vectors if matrices else np.array(vectors, np.float32),
            truncated=np.array([truncated for _, truncated in rows], np.bool_),
        )

    def known(self, texts: Iterable[str]) -> list[str]:
        """Return the distinct texts that have an embedding, in their order."""
        return [text for text in dict.fromkeys(texts) if text in self._row]

    def add(self, texts: Sequence[str], encoded: Encoded) -> None:
        """Keep the embeddings of some texts, on disk first."""
        if self.folder is not None:
            self._written.add(_write_chunk(self.folder, texts, encoded))
        self._keep(texts, encoded)

    def discard(self) -> None:
        """Forget all embeddings, and remove the files that they were read from or written to."""
        written = {self.folder / name for name in self._written} if self.folder else set()
        for path in written | self._loaded:
            with suppress(OSError):
                path.unlink()
        self._written.clear()
        self._loaded.clear()
        self._row.clear()

    def discard_all(self) -> None:
        """Forget all embeddings, and remove every file of the folder."""
        self.discard()
        for path in self.folder.glob("*.safetensors") if self.folder is not None else ():
            with suppress(OSError):
                path.unlink()

    def load(self, texts: Iterable[str]) -> None:
        """Read from disk the embeddings of these texts that are not in memory."""
        wanted = {_key(text): text for text in self.missing(texts)}
        if self.folder is None or not wanted:
            return
        with usable(self.folder, "Choose another --cache-dir that can be read and written."):
            paths = sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else []
        for path in paths:
            if path.name in self._written:
                continue
            chunk = _read_chunk(path)
            if chunk is None:
                continue
            keys, encoded = chunk
            rows = [i for i, key in enumerate(keys) if key in wanted]
            if rows:
                self._loaded.add(path)
            self._keep(
                [wanted[keys[i]] for i in rows],
                Encoded(select(encoded.vectors, rows), encoded.truncated[rows]),
            )

    def _keep(self, texts: Sequence[str], encoded: Encoded) -> None:
        for text, vector, truncated in zip(texts, encoded.vectors, encoded.truncated, strict=True):
            self._row[text] = vector, bool(truncated)


def embed(
    encoder: TextEncoder,
    role: Role,
    collections: Sequence[Sequence[str]],
    store: EmbeddingStore,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Bring the embeddings of all texts into the store, encoding only what is not there.

    Each collection (the texts of one language), or all together, are cut into the same chunks on
    every run, longest texts first, so that a run that was interrupted gives the same bytes as one
    that was not.

    Args:
        encoder: The model.
        role: Role of the texts.
        collections: Texts, by collection.
        store: Where embeddings are kept.
        progress: Called with a number of texts whenever that many are done.

    Raises:
        UserError: If the model returns something else than one finite vector per text, or if all
            vectors are zero or the same; these are not kept.
    """
    store.load(text for texts in collections for text in texts)
    done = progress or (lambda number: None)
    queues = collections
    if encoder.sorts_all:
        queues = [list(dict.fromkeys(text for texts in collections for text in texts))]
        done(sum(len(set(texts)) for texts in collections) - len(queues[0]))
    batches = _batches(queues, store, encoder.chunk, done)
    for batch, encoded in encoder.encode_each(batches, role):
        check_vectors(encoded.vectors, batch, role, encoder.name)
        store.add(batch, encoded)
        done(len(batch))
    spread = Spread(encoder.name, role)
    try:
        for texts in collections:
            spread.add(store.get(texts).vectors, texts)
        spread.check()
    except UserError:
        store.discard()
        raise
    spread.warn()


def _batches(
    collections: Sequence[Sequence[str]],
    store: EmbeddingStore,
    size: int,
    done: Callable[[int], object],
) -> Iterator[list[str]]:
    """Yield the texts of each chunk that have no embedding and were not yielded before."""
    begun: set[str] = set()
    for texts in collections:
        ordered = sorted(set(texts), key=lambda text: (-len(text), text))
        for start in range(0, len(ordered), size):
            chunk = ordered[start : start + size]
            missing = [text for text in store.missing(chunk) if text not in begun]
            done(len(chunk) - len(missing))
            if missing:
                begun.update(missing)
                yield missing


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write_chunk(folder: Path, texts: Sequence[str], encoded: Encoded) -> str:
    keys = np.frombuffer(bytes.fromhex("".join(map(_key, texts))), np.uint8).reshape(-1, 32)
    content = save(
        {
            "key": keys,
            **pack(encoded.vectors),
            "truncated": encoded.truncated,
        }
    )
    name = f"{hashlib.sha256(content).hexdigest()}.safetensors"
    write_atomically(folder / name, content)
    return name


def _read_chunk(path: Path) -> tuple[list[str], Encoded] | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        logger.warning("%s cannot be read (%s); its texts are encoded again", path, error.strerror)
        return None
    if hashlib.sha256(content).hexdigest() != path.stem:
        logger.warning("%s is damaged; its texts are encoded again", path)
        with suppress(OSError):
            path.unlink()
        return None
    arrays = load(content)
    keys = [key.tobytes().hex() for key in arrays["key"]]
    return keys, Encoded(unpack(arrays), arrays["truncated"])
