"""Call a function in several threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

TICK_S = 0.5
"""How often who waits for threads looks for signals: one of them may have got the signal, which wakes only itself.

Signals are not blocked in the threads instead: the programs that they start would inherit that.
"""

S = TypeVar("S")
T = TypeVar("T")


def in_threads(threads: int, function: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> None:
    """Call a function with each of the arguments in a pool of threads; raise what it raised once all have ended."""
    if not arguments:
        return
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(function, *each) for each in arguments]
        while wait(futures, TICK_S).not_done:
            pass
    for future in futures:
        future.result()


def of_each(threads: int, function: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """Yield what a function returns for each item, in order; raise what it raises. It is called in several threads.

    Whoever leaves early, as at Ctrl-C, does not wait for those threads, nor does the program: it ends with calls that
    have not returned.
    """
    futures: list[Future[T]] = [Future() for _ in items]
    waiting = deque(zip(futures, items, strict=True))

    def work() -> None:
        while waiting:
            try:
                future, item = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            _settle(future, lambda item=item: function(item))  # type: ignore[misc]

    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for future in futures:
            while wait([future], TICK_S).not_done:
                pass
            yield future.result()
    finally:
        waiting.clear()


def started(function: Callable[[], T]) -> Future[T]:
    """Call a function in a thread that the program does not wait for at its end."""
    future: Future[T] = Future()
    threading.Thread(target=_settle, args=(future, function), daemon=True).start()
    return future


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
        future.set_exception(error)
