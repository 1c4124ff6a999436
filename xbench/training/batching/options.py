"""What a batch is made of: monolingual, cross-lingual or a hybrid of both (arXiv 2408.10536)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xbench._util.errors import UserError, did_you_mean
from xbench.training.corpora.labels import language_labels

SamplingMode = Literal["monolingual", "crosslingual", "hybrid", "plain"]
"""X-X-mono, X-Y, a coin between the two for every batch, and rows as they come."""

NegativeLanguage = Literal["passage", "query"]
"""Language of hard negatives: that of the pair's passage, or of its query."""

SAMPLING_MODES: tuple[SamplingMode, ...] = get_args(SamplingMode)

LanguageSampling = Literal["uniform", "proportional"] | float | Mapping[str, float]
"""``uniform``, ``proportional``, a temperature of at least 1, or a weight for each language."""

LanguagePairs = Literal["all"] | int | str | tuple[str, ...]


@dataclass(frozen=True)
class BatchSampling:
    """How batches are drawn (arXiv 2408.10536, section 2.2).

    Attributes:
        sampling: In a monolingual batch all queries and passages are of one language; in a
            crosslingual batch every query and its passage are of different languages; hybrid
            flips a coin for each batch. In a plain batch every question is in a language of its
            own, with a passage of the same language where there is one.
        alpha: Probability that a batch of hybrid sampling is monolingual.
        stratified: Whether the number of monolingual batches of an epoch is exactly alpha's share,
            rounded up or down, and that of each language its weight's, instead of coin flips.
        language_sampling: How often a language is drawn: ``uniform`` as in the paper,
            ``proportional`` to its rows, a temperature T (rows to the power of 1/T), or weights
            by language; those not named are not drawn.
        language_pairs: The pairs of cross-lingual batches, as query and passage language:
            ``all``, a number of pairs drawn by the seed, ``size:N`` for those with the most rows,
            or a list such as ``("en-de",)``.
        max_repeats: Times that a question is drawn in an epoch at most, where a language is so
            rare that its share takes repetition.

    Raises:
        UserError: If a value is not one of these.
    """

    sampling: SamplingMode = "hybrid"
    alpha: float = 0.5
    stratified: bool = False
    language_sampling: LanguageSampling = "uniform"
    language_pairs: LanguagePairs = "all"
    max_repeats: int = 20

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLING_MODES:
            raise UserError(
                f"sampling is {self.sampling!r}; expected one of {', '.join(SAMPLING_MODES)}"
                f"{did_you_mean(str(self.sampling), list(SAMPLING_MODES))}"
            )
        if not (_is_number(self.alpha) and 0 <= self.alpha <= 1):
            raise UserError(f"alpha is {self.alpha!r}; expected a probability from 0 to 1")
        object.__setattr__(self, "language_sampling", language_sampling(self.language_sampling))
        if self.max_repeats < 1:
            raise UserError(f"max_repeats is {self.max_repeats}; expected at least 1")
        if isinstance(self.language_pairs, str) and self.language_pairs != "all":
            _largest(self.language_pairs)
        if isinstance(self.language_pairs, int) and self.language_pairs < 1:
            raise UserError(f"language_pairs is {self.language_pairs}; {EXPECTED_PAIRS}")

    def of_corpus(self, sampling: str | None, alpha: float | None) -> BatchSampling:
        """Return how the batches of a corpus are drawn that asks for something else."""
        changed: dict[str, Any] = {"sampling": sampling, "alpha": alpha}
        return replace(self, **{name: v for name, v in changed.items() if v is not None})

    @property
    def monolingual_share(self) -> float:
        """Share of the batches that are monolingual."""
        return {"monolingual": 1.0, "crosslingual": 0.0}.get(self.sampling, self.alpha)

    def pairs(
        self, languages: Sequence[str], rows: NDArray[np.int64] | None = None, seed: int = 0
    ) -> NDArray[np.int64]:
        """Return the language pairs of cross-lingual batches, as positions in `languages`.

        Args:
            languages: Languages of a corpus.
            rows: Shape (languages, languages): rows with a query and a passage in each pair; none
                takes all to be alike.
            seed: Seed to draw a number of pairs with.

        Returns:
            Shape (pairs, 2): query language, passage language.

        Raises:
            UserError: If a pair is malformed or names a language that is not there.

        >>> BatchSampling(language_pairs=("en-de",)).pairs(["de", "en"])
        array([[1, 0]])
        """
        every = list(permutations(range(len(languages)), 2))
        counts = np.ones((len(languages),) * 2, np.int64) if rows is None else rows
        wanted = self.language_pairs
        if isinstance(wanted, tuple):
            chosen = [_pair(name, languages) for name in dict.fromkeys(wanted)]
        elif wanted == "all":
            chosen = every
        else:
            there = [pair for pair in every if counts[pair]]
            if isinstance(wanted, int):
                order = np.random.default_rng((seed, wanted)).permutation(len(there))
                chosen = [there[i] for i in sorted(order[:wanted])]
            else:
                chosen = sorted(there, key=lambda pair: -counts[pair])[: _largest(wanted)]
        return np.array(chosen, np.int64).reshape(-1, 2)

    def language_weights(
        self, rows: NDArray[np.int64], languages: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return how often each language is drawn, from its number of rows; the sum is 1.

        Raises:
            UserError: If weights name none of the languages.
        """
        wanted = self.language_sampling
        if isinstance(wanted, Mapping):
            label = language_labels(wanted)
            by_label = {label[tag]: weight for tag, weight in wanted.items()}
            own = np.array([by_label.get(code, 0.0) for code in languages])
            if not own.any():
                raise UserError(
                    f"language_sampling has weights of {', '.join(wanted)}; expected some of "
                    f"{', '.join(languages)}"
                )
        else:
            exponents = {"uniform": 0.0, "proportional": 1.0}
            exponent = exponents[wanted] if isinstance(wanted, str) else 1 / wanted
            own = np.power(np.maximum(rows, 1), exponent)
        weights = np.where(rows > 0, own, 0.0)
        return np.asarray(weights / max(weights.sum(), 1e-300))


EXPECTED_PAIRS = "expected all, a number of at least 1, size:N, or a list of pairs such as en-de"


def language_sampling(value: object) -> LanguageSampling:
    """Return how languages are drawn, from how a user says it.

    Args:
        value: ``uniform``, ``proportional``, a temperature as a number, as ``temperature=T`` or as
            ``{"temperature": T}``, or weights as a mapping or as ``en=2,de=1``.

    Raises:
        UserError: If it is none of these.

    >>> language_sampling("temperature=2"), language_sampling("en=2,de=1")
    (2.0, {'en': 2.0, 'de': 1.0})
    """
    found = value
    if isinstance(found, str) and "=" in found:
        parts = [part.partition("=") for part in found.split(",")]
        found = {name.strip(): _number(text) for name, _, text in parts}
    elif isinstance(found, str):
        found = _number(found)
    if isinstance(found, Mapping):
        if set(found) == {"weights"} and isinstance(found["weights"], Mapping):
            found = found["weights"]
        elif set(found) == {"temperature"}:
            found = found["temperature"]
    if found in ("uniform", "proportional"):
        return found
    if _is_number(found) and found >= 1:  # type: ignore[operator]
        return float(found)  # type: ignore[arg-type]
    if (
        isinstance(found, Mapping)
        and found
        and all(_is_number(weight) and weight >= 0 for weight in found.values())
    ):
        return {str(name): float(weight) for name, weight in found.items()}
    raise UserError(
        f"language_sampling is {value!r}; expected uniform, proportional, temperature=T of at "
        "least 1, or weights such as en=2,de=1"
    )


def from_weighting(weighting: object) -> object:
    """Return the sampling of languages that the older option ``language_weighting`` asks for.

    Raises:
        UserError: If it is not uniform, size or an exponent from 0 to 1.
    """
    if _is_number(weighting) and 0 <= weighting <= 1:  # type: ignore[operator]
        return 1 / weighting if weighting else "uniform"  # type: ignore[operator]
    if weighting in ("uniform", "size"):
        return {"uniform": "uniform", "size": "proportional"}[str(weighting)]
    raise UserError(
        f"language_weighting is {weighting!r}; expected uniform, size or an exponent from 0 to 1"
    )


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _largest(text: str) -> int:
    name, _, number = text.partition(":")
    if name != "size" or not number.isdecimal() or not int(number):
        raise UserError(f"language_pairs is {text!r}; {EXPECTED_PAIRS}")
    return int(number)


def _pair(name: str, languages: Sequence[str]) -> tuple[int, int]:
    """Return the two languages of a pair; codes may have hyphens themselves."""
    parts = name.split("-")
    for cut in range(1, len(parts)):
        sides = ["-".join(parts[:cut]), "-".join(parts[cut:])]
        found = [language_labels([own])[own] for own in sides]
        if found[0] != found[1] and set(found) <= set(languages):
            return languages.index(found[0]), languages.index(found[1])
    raise UserError(
        f"language_pairs: {name!r}; expected two different languages of the data, as in en-de "
        f"(query-passage); the data has {', '.join(languages)}"
    )
