"""What a user may say about a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from xbench._util.options import option
from xbench.data.datasets import UNITS, Unit

View = Literal["summary", "languages", "bias", "all"]
VIEWS: tuple[View, ...] = get_args(View)
"""What tables of text show: means over subsets and the chief measures of bias; scores by language;
all measures of bias; everything."""


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
    show: View = option(
        "summary",
        help="Tables to show: means and chief measures of bias; scores by query language, with "
        "gaps and spreads; all measures of bias; or all. CSV and JSON always have all.",
        choices=VIEWS,
        show_default=True,
    )
