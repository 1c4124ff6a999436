"""Which scores of a dataset are in which tables, and what its models are ordered by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from xbench.data.datasets import DATASETS, SETTINGS, Setting

RANKED = {dataset.title: dataset for dataset in DATASETS if not dataset.demonstration}
DEMONSTRATIONS = {dataset.title: dataset for dataset in DATASETS if dataset.demonstration}

ALSO = "MIRACL"
"""How the titles begin of the other datasets that the first page shows."""


_OPEN = """
0bsd afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsl-1.0 cc-by-2.0
cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 ecl-2.0 eupl-1.1 eupl-1.2 gpl gpl-2.0 gpl-3.0
isc lgpl lgpl-2.1 lgpl-3.0 mit mpl-2.0 ms-pl ncsa odc-by osl-3.0 postgresql unlicense wtfpl zlib
"""
OPEN_LICENCES = frozenset(_OPEN.split())
"""Licences that count as open, as the hub names them: free to use for any purpose."""


class Mean(NamedTuple):
    """A mean of a dataset, as the columns of the score table name it."""

    setting: Setting
    measure: str
    average: str = "macro"


@dataclass(frozen=True)
class Shown:
    """What is shown of a dataset.

    Attributes:
        means: The means that are in the dataset's table.
        standing: Those of them that have intervals and standings.
        place: The mean by which the first page ranks the models.
        order: What models are ordered by; the second orders those that do not have the first.
        by_language: The means of each table that has a column per query language.
    """

    means: tuple[Mean, ...]
    standing: tuple[Mean, ...]
    place: Mean
    order: tuple[Mean, ...]
    by_language: tuple[Mean, ...]


_PRECISION = tuple(Mean(setting, "map") for setting in SETTINGS)
_MICRO = Mean("multilingual", "map", "micro")
_DISTANCE = Mean("multilingual", "rank_distance")

PARALLEL = Shown(
    means=(*_PRECISION, _MICRO, _DISTANCE),
    standing=(*_PRECISION, _DISTANCE),
    place=_PRECISION[-1],
    order=(_PRECISION[-1], _MICRO),
    by_language=(*_PRECISION, _DISTANCE),
)
"""Of a dataset whose questions are parallel."""

_STREAMED = (
    Mean("monolingual", "ndcg_at_10"),
    Mean("monolingual", "recall_at_100"),
    Mean("multilingual", "ndcg_at_10"),
    Mean("multilingual", "ndcg_at_10_lost"),
)

STREAMED = Shown(
    means=_STREAMED,
    standing=_STREAMED,
    place=_STREAMED[0],
    order=_STREAMED[:1],
    by_language=(
        *_STREAMED,
        Mean("multilingual", "other_language_share_at_10"),
        Mean("multilingual", "same_language_preference_at_10"),
    ),
)
"""Of a dataset whose passages are streamed."""


def shown(title: str) -> Shown:
    """Return what is shown of a dataset that was measured, of the catalogue or of one's own."""
    return STREAMED if streamed(title) else PARALLEL


def dataset_order(title: str) -> tuple[int, str]:
    """Return what puts titles of datasets in order: ranked ones, others, demonstrations."""
    place = {d.title: 2 * len(DATASETS) if d.demonstration else i for i, d in enumerate(DATASETS)}
    return place.get(title, len(DATASETS)), title


def streamed(title: str) -> bool:
    """Return whether a dataset's passages are what was published, not single sentences."""
    return any(d.streamed and title.startswith(d.prefix) for d in DATASETS)
