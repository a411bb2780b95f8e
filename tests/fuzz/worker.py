"""One process that gives a target inputs: coverage-guided by Atheris, which changes those that reached new code.

    python -m tests.fuzz.worker TARGET RUNS SEED STATE

``STATE`` is a directory: ``inputs`` has those that reached new code, ``finds`` those that broke a property, and ``now``
the number of inputs and the present one, for whoever watches.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import sys
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.mutation import LARGEST
from tests.fuzz.now import HEAD

NOW_SIZE = HEAD.size + LARGEST
OURS = 0.7
"""Share of the inputs that are nearly valid documents; libFuzzer changes bytes for the others."""


def main(name: str, runs: str, seed: str, state: str) -> None:
    """Run a target; the process ends with the last input."""
    with atheris.instrument_imports(include=["orchestrator"]):
        from tests.fuzz.finds import find_of
        from tests.fuzz.properties import check
        from tests.fuzz.target import find

        target = find(name)
    logging.disable()
    folder = Path(state)
    for kind in ("inputs", "finds"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (folder / "inputs" / f"seed-{number}").write_bytes(content)
    now = _shared(folder / "now")
    (count,) = struct.unpack_from("<Q", now)
    began = _cpu()

    def test(data: bytes) -> None:
        nonlocal count
        struct.pack_into(f"{len(data)}s", now, HEAD.size, data)
        struct.pack_into("<QQ", now, 0, count, len(data))
        try:
            check(target, data)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            find_of(error).save(folder / "finds", data)
        count += 1
        HEAD.pack_into(now, 0, count, len(data), _cpu() - began)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < OURS:
            return target.mutate(data, random)[:most]
        changed: bytes = atheris.Mutate(data, most)
        return changed

    options = (
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={LARGEST}",
        "-timeout=3600",
        "-rss_limit_mb=0",
    )
    atheris.Setup(
        [sys.argv[0], str(folder / "inputs"), *options, "-verbosity=0", f"-artifact_prefix={folder}/"],
        test,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


def _cpu() -> float:
    """Return the seconds of CPU of this process and of those that have ended."""
    return sum(os.times()[:4])


def _shared(path: Path) -> mmap.mmap:
    """Map a file of two numbers and an input."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, NOW_SIZE)
    return mmap.mmap(descriptor, NOW_SIZE)


if __name__ == "__main__":
    main(*sys.argv[1:])
