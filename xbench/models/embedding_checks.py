"""Do embeddings have the right shape, finite values, and something to say of their texts?"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from xbench._util.errors import UserError
from xbench.models.vectors import FloatArray, Vectors, flat

if TYPE_CHECKING:
    from xbench.models.embedding_store import Role

logger = logging.getLogger(__name__)

SAME = 1e-6
"""Difference up to which two vectors are the same, as a share of the largest component."""


@contextmanager
def errors_of_encode(name: str, texts: int, role: Role) -> Iterator[None]:
    """Turn what a model raises while it encodes a number of texts into an error for the user.

    Raises:
        UserError: If it raised something.
    """
    try:
        yield
    except UserError as error:
        message = f"{name}: {str(error).rstrip('.')}. What was encoded before is kept."
        raise UserError(message) from error
    except Exception as error:
        advice = " Try a smaller --batch-size." if "out of memory" in str(error).lower() else ""
        raise UserError(
            f"{name}: encode failed on {texts} texts in the role {role!r} "
            f"({type(error).__name__}: {error}).{advice} What was encoded before is kept."
        ) from error


def check_vectors(vectors: Vectors, texts: Sequence[str], role: Role, name: str) -> None:
    """Check that a model returned one finite vector, or one finite matrix, per text.

    Raises:
        UserError: If it did not.
    """
    what = f"for {len(texts)} texts in the role {role!r}"
    if isinstance(vectors, list):
        shapes = {own.shape[1:] for own in vectors}
        if len(vectors) != len(texts) or len(shapes) != 1 or len(shapes.pop()) != 1:
            raise UserError(
                f"{name}: encode returned {len(vectors)} matrices {what}; expected one for each, "
                "all of shape (tokens, dimensions) with the same dimensions. What was encoded "
                "before is kept."
            )
        finite = np.array([np.isfinite(own).all() for own in vectors], np.bool_)
    else:
        shape = vectors.shape
        if len(shape) != 2 or shape[0] != len(texts) or shape[1] == 0:
            raise UserError(
                f"{name}: encode returned an array of shape {shape} {what}; expected "
                f"({len(texts)}, dimensions). What was encoded before is kept."
            )
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
    bad = ~finite
    if bad.any():
        text = texts[int(np.argmax(bad))]
        raise UserError(
            f"{name}: the embedding of {int(bad.sum())} of {len(texts)} texts in the role {role!r} "
            f"holds NaN or infinity, first of {text[:80]!r}. Try another --dtype (float32) where "
            "the model has one, or correct the code that makes the embeddings; what was encoded "
            "before is kept."
        )


@dataclass
class Spread:
    """Whether the embeddings of a role differ, as far as they have been seen.

    Attributes:
        name: Name of the model, for messages.
        role: Role of the texts.
        texts: Number of texts seen.
        zeros: How many of these have a vector of zeros.
    """

    name: str
    role: Role
    texts: int = 0
    zeros: int = 0
    _first: tuple[str, FloatArray] | None = field(default=None, repr=False)
    _texts_differ: bool = False
    _vectors_differ: bool = False

    def add(self, embeddings: Vectors, texts: Sequence[str]) -> None:
        """Look at the embeddings of some texts."""
        if not len(texts):
            return
        vectors = flat(embeddings)
        text, vector = self._first = self._first or (texts[0], vectors[0].copy())
        self.texts += len(texts)
        self.zeros += int((~vectors.any(axis=1)).sum())
        self._texts_differ = self._texts_differ or any(other != text for other in texts)
        if not self._vectors_differ:
            limit = SAME * float(np.abs(vector).max())
            self._vectors_differ = bool((np.abs(vectors - vector) > limit).any())

    def check(self) -> None:
        """Refuse embeddings that say nothing of the texts.

        Raises:
            UserError: If all are zero, or different texts all have the same.
        """
        what = ""
        if self.texts and self.zeros == self.texts:
            what = "are all zero"
        elif self._texts_differ and not self._vectors_differ:
            what = "are all the same"
        if what:
            raise UserError(
                f"{self.name}: the embeddings of {self.texts:,} texts in the role {self.role!r} "
                f"{what}, so that nothing can be ranked by them. Check whether the model's "
                "tokenizer knows the script of these texts, its weights and pooling, whether its "
                "prompt fills the maximum length, or try another --dtype (float32); they were not "
                "kept."
            )

    def warn(self) -> None:
        """Report how many embeddings are zero, if any."""
        if self.zeros:
            logger.warning(
                "%s: the embeddings of %s of %s texts in the role %r are zero; these texts are as "
                "far from one passage as from another",
                self.name,
                f"{self.zeros:,}",
                f"{self.texts:,}",
                self.role,
            )
