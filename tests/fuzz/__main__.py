"""Give each target many inputs and print a table: ``make fuzz``, ``python -m tests.fuzz --inputs N``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.target import names
from tests.fuzz.watch import Result, fuzz, table


def main() -> int:
    """Return the exit code: 1 if an input broke a property."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each target (default: %(default)s)")
    parser.add_argument("--target", action="append", choices=names(), help="may be repeated; default: all")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at once (default: %(default)s)")
    parser.add_argument(
        "--state", type=Path, help="keep inputs and finds in this directory, and start from its inputs"
    )
    options = parser.parse_args()
    folder = options.state or Path(tempfile.mkdtemp(prefix="fuzz-state-"))
    results: dict[str, Result] = {}

    def one(name: str) -> None:
        results[name] = fuzz(name, options.inputs, options.seed, folder / name)
        print(
            f"{name}: {results[name].inputs} inputs, {results[name].finds} finds", file=sys.stderr, flush=True
        )

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, options.target or names()))
    print(table(dict(sorted(results.items()))))
    finds = sorted(folder.glob("*/finds/*.txt"))
    for file in finds:
        print(f"\n{file.with_suffix('')}\n{file.read_text().strip()}", file=sys.stderr)
    if finds:
        print(f"\n{folder}", file=sys.stderr)
    elif options.state is None:
        shutil.rmtree(folder)
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
