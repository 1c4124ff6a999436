"""Calls that run at once, of which no finished one is lost when another fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_by_one(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what the function makes of it."""
    for item in items:
        yield item, function(item)


def one_ahead(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what the function makes of it, which a thread does one item ahead."""
    with ThreadPoolExecutor(1) as thread:
        waiting: tuple[Item, Future[Result]] | None = None
        for item in items:
            following = item, thread.submit(function, item)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()


def at_once(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    calls: int,
    give_up: Callable[[], object],
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what the function makes of it, as the calls end.

    After an error, or Ctrl-C, no further call begins. Those that have begun end and are yielded
    before the error is raised.

    Args:
        function: What is called.
        items: What it is called with; read while calls run.
        calls: How many calls run at once.
        give_up: Called after the first error, so that calls that only wait can end.
    """
    source = iter(items)
    running: dict[Future[Result], Item] = {}
    error: BaseException | None = None
    with ThreadPoolExecutor(calls) as threads:
        while True:
            while error is None and len(running) < 2 * calls:
                try:
                    item = next(source)
                except StopIteration:
                    break
                running[threads.submit(function, item)] = item
            if not running:
                break
            try:
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt as interrupt:
                ended, error = set(), interrupt
            for call in ended:
                item = running.pop(call)
                failure = call.exception()
                if failure is None:
                    yield item, call.result()
                error = error or failure
            if error is not None:
                give_up()
                running = {call: item for call, item in running.items() if not call.cancel()}
    if error is not None:
        raise error
