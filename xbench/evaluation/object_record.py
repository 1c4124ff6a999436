"""Is an object still the model whose results are there? What it made of some texts says so."""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from xbench.models.embedding_store import EmbeddingStore, Role
from xbench.models.encoder import MtebTextEncoder
from xbench.models.same_model import LEAST_COSINE, least_cosine

logger = logging.getLogger(__name__)

TEXTS = (
    "Who built the old bridge over the river?",
    "The bridge was finished in 1566 and rebuilt after the war.",
    "Wann wurde die erste Ausgabe der Zeitung gedruckt?",
    "La primera edición del periódico se imprimió en la capital.",
    "من كتب هذا الكتاب ومتى نشر؟",
    "这本书于一九三二年在上海出版。",
    "Какая река самая длинная на этом материке?",
    "किसान बारिश से पहले बीज बोते हैं।",
)
"""Texts whose embeddings distinguish one model from another."""

ROLES: tuple[Role, ...] = ("query", "passage")


@dataclass(frozen=True)
class ObjectRecord:
    """What an object made of a few texts when a result was written.

    Attributes:
        result: The result file.
        cache_dir: Where the record is kept.
    """

    result: Path
    cache_dir: Path

    def exists(self) -> bool:
        """Return whether there is a record."""
        return self._folder.is_dir()

    @property
    def _folder(self) -> Path:
        digest = hashlib.sha256(str(self.result.resolve()).encode()).hexdigest()
        return self.cache_dir / "objects" / digest[:32]

    def _store(self, encoder: MtebTextEncoder, role: Role) -> EmbeddingStore:
        settings = f"{encoder.settings(role)}\n{encoder.similarity_name}"
        digest = hashlib.sha256(settings.encode()).hexdigest()
        return EmbeddingStore(self._folder / f"{role}-{digest[:16]}")

    def is_same(self, encoder: MtebTextEncoder) -> bool:
        """Return whether the result is of this model, as far as there is a record."""
        cosines = []
        for role in ROLES:
            store = self._store(encoder, role)
            store.load(TEXTS)
            if store.missing(TEXTS):
                return False
            new = encoder.vectors(TEXTS, role)
            cosines.append(least_cosine(store.get(TEXTS).vectors, new))
        return min(cosines) >= LEAST_COSINE

    def write(self, encoder: MtebTextEncoder) -> None:
        """Keep what a model makes of the texts.

        Raises:
            UserError: If the model fails, or the disk is full or cannot be written.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        for role in ROLES:
            self._store(encoder, role).add(TEXTS, encoder.encode(TEXTS, role))
