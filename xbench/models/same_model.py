"""Has a text the embedding it had before, or in the other role? Some, encoded again, say so."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from xbench.models.embedding_store import EmbeddingStore, Role, TextEncoder
from xbench.models.vectors import Vectors, dense

logger = logging.getLogger(__name__)

TEXTS = 8
"""How many texts of a role are encoded again."""

LEAST_COSINE = 0.9999
"""Cosine that the two embeddings of a text have at least if the model is the same."""

FEWEST = 64
"""Texts in both roles from which on it is tried whether the roles differ."""

LEAST_COSINE_OF_ROLES = 0.99999
"""Cosine that the embeddings of a text as a query and as a passage have if the roles are alike."""


def least_cosine(one: Vectors, other: Vectors) -> float:
    """Return the least cosine between the two embeddings of each text.

    >>> least_cosine(np.eye(2, dtype=np.float32), np.ones((2, 2), np.float32)).__round__(4)
    0.7071
    """
    a, b = dense(one), dense(other)
    if a.shape != b.shape:
        return 0.0
    equal = (a == b).all(axis=1)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.maximum(norms, 1e-30)
    return float(np.where(equal, 1.0, cosine).min(initial=1.0))


def keep_if_same(
    encoder: TextEncoder, role: Role, texts: Iterable[str], store: EmbeddingStore
) -> bool:
    """Compare stored embeddings with new ones; if they differ, all that is stored is discarded.

    Args:
        encoder: The model.
        role: Role of the texts.
        texts: Texts of which embeddings may be stored.
        store: The embeddings.

    Returns:
        Whether they are of the same model, as far as there are any.

    Raises:
        UserError: If the model fails.
    """
    texts = list(texts)
    store.load(texts)
    known = store.known(texts)
    sample = known[:: max(1, len(known) // TEXTS)][:TEXTS]
    if not sample:
        return True
    cosine = least_cosine(store.get(sample).vectors, encoder.encode(sample, role).vectors)
    if cosine >= LEAST_COSINE:
        return True
    logger.warning(
        "%s: not the model whose embeddings are stored (of %d texts in the role %r that were "
        "encoded again, one has a cosine of %.4f with its stored embedding); all texts are "
        "encoded again",
        encoder.name,
        len(sample),
        role,
        cosine,
    )
    store.discard_all()
    return False


def share_if_alike(
    encoder: TextEncoder,
    role: Role,
    texts: Iterable[str],
    store: EmbeddingStore,
    other: EmbeddingStore,
) -> None:
    """Take over what texts have in the other role, if the model gives them the same in this one.

    Args:
        encoder: The model, whose prompts are the same in both roles.
        role: Role of the texts.
        texts: Texts of which some may have no embedding in this role.
        store: The embeddings of this role.
        other: The embeddings of the other role.

    Raises:
        UserError: If the model fails.
    """
    missing = store.missing(texts)
    other.load(missing)
    known = other.known(missing)
    if len(known) < FEWEST:
        return
    sample = known[:: len(known) // TEXTS][:TEXTS]
    own = encoder.encode(sample, role).vectors
    if least_cosine(other.get(sample).vectors, own) < LEAST_COSINE_OF_ROLES:
        return
    for start in range(0, len(known), encoder.chunk):
        shared = known[start : start + encoder.chunk]
        store.add(shared, other.get(shared))
    logger.info(
        "%s: %d texts have the same embeddings as queries and as passages; they were encoded once",
        encoder.name,
        len(known),
    )
