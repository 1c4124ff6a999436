"""Processes that work for this one, and end with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Literal


def worker_pool(
    processes: int, method: Literal["spawn", "fork"], begin: Callable[[], Any] | None = None
) -> ProcessPoolExecutor:
    """Return a pool of processes that end with this one, however it ends.

    Those of the library wait for ever when the process that began them is killed.

    Args:
        processes: Number of processes.
        method: How each begins.
        begin: Called in each process before its work.
    """
    return ProcessPoolExecutor(
        processes, mp_context=get_context(method), initializer=_begin, initargs=(begin,)
    )


def _begin(begin: Callable[[], Any] | None) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    if begin:
        begin()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)
