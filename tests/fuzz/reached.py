"""Print how many lines of the modules under test some inputs reach, and how many lines these have.

python -m tests.fuzz.reached TARGET DIRECTORY
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import coverage

from tests.fuzz.seeds import ROOT


def main(name: str, folder: str) -> None:
    """Read the inputs in a directory with coverage.py; imports count, as for every test."""
    logging.disable()
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(ROOT / "orchestrator" / "*")]
    )
    measured.start()
    from tests.fuzz.properties import limits
    from tests.fuzz.target import find

    target = find(name)
    for file in sorted(Path(folder).iterdir()):
        with contextlib.suppress(BaseException), limits(10 * target.seconds):
            target.run(file.read_bytes())
    measured.stop()
    files = [path for module in target.modules for path in _files(module)]
    analyses = [measured.analysis2(str(path)) for path in dict.fromkeys(files)]
    lines, missing = (sum(len(one[index]) for one in analyses) for index in (1, 3))
    print(lines - missing, lines)


def _files(module: str) -> Iterable[Path]:
    """Return the files of a module or a package."""
    path = ROOT.joinpath(*module.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else _existing(path.with_suffix(".py"))


def _existing(path: Path) -> Iterator[Path]:
    assert path.is_file(), f"{path}: no such module"
    yield path


if __name__ == "__main__":
    main(*sys.argv[1:])
