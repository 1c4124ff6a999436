"""What a batch is made of: monolingual, cross-lingual or a hybrid of both (arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError

SamplingMode = Literal["monolingual", "crosslingual", "hybrid"]
"""X-X-mono, X-Y, and a coin between the two for every batch."""

NegativeLanguage = Literal["passage", "query"]
"""Language of hard negatives: that of the pair's passage, or of its query."""

SAMPLING_MODES: tuple[SamplingMode, ...] = get_args(SamplingMode)


@dataclass(frozen=True)
class BatchSampling:
    """How batches are drawn (arXiv 2408.10536, section 2.2).

    Attributes:
        sampling: In a monolingual batch all queries and passages are of one language; in a
            crosslingual batch every query and its passage are of different languages; hybrid
            flips a coin for each batch.
        alpha: Probability that a batch of hybrid sampling is monolingual.
        stratified: Whether the number of monolingual batches of an epoch is exactly alpha's share,
            rounded up or down, and that of each language its weight's, instead of coin flips.
        language_weighting: How often a language is drawn: ``uniform`` as in the paper, ``size`` in
            proportion to its rows, or the exponent (1/temperature) that these are raised to.
        language_pairs: The pairs of cross-lingual batches, as query and passage language:
            ``all``, the first n in the order of the languages, or a list such as ``("en-de",)``.

    Raises:
        UserError: If a value is not one of these.
    """

    sampling: SamplingMode = "hybrid"
    alpha: float = 0.5
    stratified: bool = False
    language_weighting: Literal["uniform", "size"] | float = "uniform"
    language_pairs: Literal["all"] | int | tuple[str, ...] = "all"

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLING_MODES:
            raise UserError(
                f"sampling is {self.sampling!r}; expected one of {', '.join(SAMPLING_MODES)}"
            )
        if not _is_fraction(self.alpha):
            raise UserError(f"alpha is {self.alpha!r}; expected a probability from 0 to 1")
        weighting = self.language_weighting
        if not (weighting in ("uniform", "size") or _is_fraction(weighting)):
            raise UserError(
                f"language_weighting is {weighting!r}; expected uniform, size or an exponent "
                "from 0 to 1"
            )
        pairs = self.language_pairs
        if isinstance(pairs, int) and pairs < 1:
            raise UserError(
                f"language_pairs is {pairs}; expected all, a number of at least 1, "
                "or a list of pairs such as en-de"
            )

    @property
    def monolingual_share(self) -> float:
        """Share of the batches that are monolingual."""
        return {"monolingual": 1.0, "crosslingual": 0.0, "hybrid": self.alpha}[self.sampling]

    def pairs(self, languages: Sequence[str]) -> NDArray[np.int64]:
        """Return the language pairs of cross-lingual batches, as positions in `languages`.

        Returns:
            Shape (pairs, 2): query language, passage language.

        Raises:
            UserError: If a pair is malformed or names a language that is not there.

        >>> BatchSampling(language_pairs=("en-de",)).pairs(["de", "en"])
        array([[1, 0]])
        """
        every = list(permutations(range(len(languages)), 2))
        if isinstance(self.language_pairs, tuple):
            chosen = [_pair(name, languages) for name in dict.fromkeys(self.language_pairs)]
        else:
            chosen = every if self.language_pairs == "all" else every[: self.language_pairs]
        return np.array(chosen, np.int64).reshape(-1, 2)

    def language_weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how often each language is drawn, from its number of rows; the sum is 1."""
        exponents = {"uniform": 0.0, "size": 1.0}
        weighting = self.language_weighting
        exponent = exponents[weighting] if isinstance(weighting, str) else weighting
        weights = np.where(rows > 0, np.power(np.maximum(rows, 1), exponent), 0.0)
        return np.asarray(weights / max(weights.sum(), 1e-300))


def _is_fraction(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _pair(name: str, languages: Sequence[str]) -> tuple[int, int]:
    codes = name.split("-")
    if len(codes) != 2 or codes[0] == codes[1] or not set(codes) <= set(languages):
        raise UserError(
            f"language_pairs: {name!r}; expected two different languages of the data, as in en-de "
            f"(query-passage); the data has {', '.join(languages)}"
        )
    return languages.index(codes[0]), languages.index(codes[1])
