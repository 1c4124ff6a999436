"""What a user may say about a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

OnBadLine = Literal["stop", "skip"]
"""Stop at what is wrong with a corpus, or leave it out and count it."""

ON_BAD_LINE: tuple[OnBadLine, ...] = get_args(OnBadLine)

BackendName = Literal["local", "ray"]

BACKENDS: tuple[BackendName, ...] = get_args(BackendName)


@dataclass(frozen=True)
class SearchOptions:
    """How to read and search corpora that are streamed.

    Attributes:
        on_bad_line: Whether defects of the files stop the run, or are left out and counted.
        backend: Where to search: in this process, or on Ray.
        ray_address: Address of a Ray cluster; None starts a local one.
        ray_workers: How many workers; None takes one per GPU, or per core where there is none.
        show_progress: Whether to show progress bars.
    """

    on_bad_line: OnBadLine = "stop"
    backend: BackendName = "local"
    ray_address: str | None = None
    ray_workers: int | None = None
    show_progress: bool = True
