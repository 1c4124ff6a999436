"""The options of an evaluation, as `xbench evaluate` and `xbench.evaluate` have them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xbench._util.options import option, options_of
from xbench.data.datasets import PASSAGE_FORMS, PassageForm
from xbench.data.download import LocationOptions
from xbench.models.options import ModelOptions
from xbench.search.options import SearchOptions


@dataclass(frozen=True)
class RunOptions:
    """What is encoded, and how results are written; each field's metadata says what it does."""

    passage_form: PassageForm = option(
        "sentence",
        help="Encode a passage as the sentence alone, or followed by its paragraph.",
        choices=PASSAGE_FORMS,
        show_default=True,
    )
    output: Path = option(
        Path("results"), help="Folder of all results.", kind=Path, short="-o", show_default=True
    )
    perturb_seed: int = option(0, help="Seed of --perturb.", kind=int, minimum=0)
    overwrite: bool = option(False, help="Re-run tasks that already have results.", kind=bool)
    no_progress: bool = option(False, help="Show no progress bars.", kind=bool)
    save_runs: bool = option(
        False,
        help="Also write what is retrieved as TREC run and qrels files, the first 1,000 passages "
        "of each query, to a folder next to the results whose name ends in -runs.",
        kind=bool,
    )
    save_failures: bool = option(
        False,
        help="Also write the questions that the model fails most, with the passage it put first, "
        "for the pages of `xbench leaderboard`, to a folder whose name ends in -failures.",
        kind=bool,
    )


GROUPS = (ModelOptions, RunOptions, SearchOptions, LocationOptions)
"""The dataclasses whose fields are the options of an evaluation."""

OPTIONS = {name: own for group in GROUPS for name, own in options_of(group).items()}
"""Every option and its default, by name."""
