"""What a user may say about a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from xbench._util.options import option

OnBadLine = Literal["stop", "skip"]
"""Stop at what is wrong with a corpus, or skip it and count it."""

ON_BAD_LINE: tuple[OnBadLine, ...] = get_args(OnBadLine)

BackendName = Literal["local", "ray"]

BACKENDS: tuple[BackendName, ...] = get_args(BackendName)


@dataclass(frozen=True)
class SearchOptions:
    """How to read and search large corpora; each field's metadata says what it does."""

    on_bad_line: OnBadLine = option(
        "stop",
        help="MIRACL: stop at defects of the corpus files, or skip such lines and count them.",
        choices=ON_BAD_LINE,
        show_default=True,
    )
    backend: BackendName = option(
        "local",
        help="MIRACL: search in this process, or on Ray (pip install 'xbench-mteb[ray]').",
        choices=BACKENDS,
        show_default=True,
    )
    ray_address: str | None = option(None, help="Address of a Ray cluster [default: a local one].")
    ray_workers: int | None = option(
        None, help="Number of workers [default: one per GPU, or per core].", kind=int, minimum=1
    )
    many_pairs: bool = option(
        False,
        help="Belebele: evaluate all cross-lingual pairs of more than 12 languages.",
        kind=bool,
    )
    show_progress: bool = True
