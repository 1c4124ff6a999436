"""Check many results, on all cores where there are enough of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

from xbench._util.errors import UserError
from xbench._util.worker_pool import worker_pool
from xbench.results.findings import TaskCheck
from xbench.results.validation.check_task import check_task
from xbench.results.validation.look_alikes import Fingerprint, fingerprint

ENOUGH = 24
"""How many results one process checks; several take a second to start."""


def check_tasks(paths: Sequence[Path], root: Path) -> tuple[list[TaskCheck], list[Fingerprint]]:
    """Check results, and return what look-alikes are found by; ranks are not kept.

    Args:
        paths: The result files.
        root: The folder of results that they are in.

    Raises:
        UserError: If a process that checks them is ended from outside.
    """
    check = partial(_check, root=root)
    workers = min(os.cpu_count() or 1, 8)
    if len(paths) <= ENOUGH or workers < 2:
        found = list(map(check, paths))
    else:
        try:
            with worker_pool(workers, "spawn") as pool:
                found = list(pool.map(check, paths, chunksize=6))
        except BrokenProcessPool as error:
            raise UserError("a process of the check was ended; is there enough memory?") from error
    return [check for check, _ in found], [own for _, own in found if own is not None]


def _check(path: Path, root: Path) -> tuple[TaskCheck, Fingerprint | None]:
    found = check_task(path, root)
    own = fingerprint(path, found.ranks) if found.ranks is not None else None
    return replace(found, ranks=None, summary=None), own
