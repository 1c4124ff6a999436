"""What a user may say about a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from xbench._util.options import option
from xbench.data.catalogue import UNITS, Unit


@dataclass(frozen=True)
class CompareOptions:
    """How models are compared; each field's metadata says what it does."""

    resample: Unit = option(
        "article",
        help="What intervals and tests draw: whole articles, paragraphs or single questions.",
        choices=UNITS,
        show_default=True,
    )
    seed: int = option(0, help="Seed of the resampling.", kind=int, minimum=0, show_default=True)
