"""Call a function in several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def in_threads(threads: int, function: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> None:
    """Call a function with each of the arguments in a pool of threads; raise what it raised once all have ended."""
    if not arguments:
        return
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(function, *each) for each in arguments]
    for future in futures:
        future.result()
