"""Which figures of a dataset stand in which tables, and what its models are ordered by."""

from __future__ import annotations

from dataclasses import dataclass

from xbench.data.catalogue import DATASETS, SETTINGS, Setting
from xbench.leaderboard.figures import Key

RANKED = {dataset.title: dataset for dataset in DATASETS if not dataset.demonstration}
DEMONSTRATIONS = {dataset.title: dataset for dataset in DATASETS if dataset.demonstration}

ALSO = "MIRACL"
"""How the titles begin of the other datasets whose means stand in the overview."""


@dataclass(frozen=True)
class Shown:
    """What is shown of a dataset.

    Attributes:
        figures: The means that stand in the overview and in the dataset's table.
        standing: Those of them that have intervals and standings.
        place: That by which the overview shows where a model stands.
        order: What models are ordered by; the second orders those that lack the first.
        by_language: Setting and measure of each table that has a column per query language.
    """

    figures: tuple[Key, ...]
    standing: tuple[Key, ...]
    place: Key
    order: tuple[Key, ...]
    by_language: tuple[tuple[Setting, str], ...]


def _mean(setting: Setting, measure: str) -> Key:
    return Key(setting, measure, None, "macro")


_PRECISION = tuple(_mean(setting, "map") for setting in SETTINGS)
_MICRO = Key("multilingual", "map", None, "micro")
_DISTANCE = _mean("multilingual", "rank_distance")

PARALLEL = Shown(
    figures=(*_PRECISION, _MICRO, _DISTANCE),
    standing=(*_PRECISION, _DISTANCE),
    place=_PRECISION[-1],
    order=(_PRECISION[-1], _MICRO),
    by_language=tuple((key.setting, key.measure) for key in (*_PRECISION, _DISTANCE)),
)
"""Of a dataset whose questions are parallel."""

_STREAMED = (
    _mean("monolingual", "ndcg_at_10"),
    _mean("monolingual", "recall_at_100"),
    _mean("multilingual", "ndcg_at_10"),
    _mean("multilingual", "ndcg_at_10_lost"),
)

STREAMED = Shown(
    figures=_STREAMED,
    standing=_STREAMED,
    place=_STREAMED[0],
    order=_STREAMED[:1],
    by_language=(
        *((key.setting, key.measure) for key in _STREAMED),
        ("multilingual", "other_language_share_at_10"),
        ("multilingual", "same_language_preference_at_10"),
    ),
)
"""Of a dataset whose passages are streamed."""

STANDING = (*PARALLEL.standing, *STREAMED.standing)
"""All means that have intervals and standings."""


def shown(title: str) -> Shown:
    """Return what is shown of a dataset of the catalogue."""
    dataset = RANKED.get(title) or DEMONSTRATIONS[title]
    return STREAMED if dataset.streamed else PARALLEL
