"""Check each patch of a series: checkpatch, builds for six architectures with the option off and on, sparse."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput
from orchestrator.kernels.config import parse as parse_config
from orchestrator.kernels.locks import locked
from tools.series.architectures import TARGETS, Target, read_targets
from tools.series.build import Build
from tools.series.checkpatch import checkpatch, counts
from tools.series.command import run_command, say
from tools.series.commits import commits
from tools.series.diagnostics import Diagnostic
from tools.series.figures import Figures
from tools.series.git import git
from tools.series.matrix import Column
from tools.series.series import PROJECT, Series, find_series
from tools.series.sparse import Sparse
from tools.series.store import Store

PARTS = ("checkpatch", "build", "sparse")
CONFIGS = Path(__file__).with_name("configs")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class Step(NamedTuple):
    """What is built at once: patches up to a commit."""

    subject: str
    commit: str
    files: list[Path]


class Check:
    """The check of patches ``first`` to ``last`` of a series, in a tree of its own; ``at_once``: as if it were one."""

    def __init__(
        self, series: Series, patches: str, targets: list[Target], jobs: int | None, at_once: bool = False
    ) -> None:
        self._series = series
        self._targets = targets
        self._jobs = jobs
        first, last = read_range(patches, len(series.files))
        files = series.files[first - 1 : last]
        say(f"reading the source of {series.name}")
        store = Store()
        base = store.base(series)
        everything = commits(store.folder, store.imported(series, base))
        self._steps = [
            Step(commit.subject, commit.id, [file])
            for commit, file in zip(everything[first - 1 : last], files, strict=True)
        ]
        if at_once:
            self._steps = [Step(f"patches {first} to {last} at once", self._steps[-1].commit, files)]
        self._base = everything[first - 2].id if first > 1 else base
        self._tree = store.tree(cache_folder() / "series" / f"check-{series.name}", self._base)
        self.figures = Figures(first, [step.subject for step in self._steps])

    def run(self, parts: set[str]) -> None:
        """Check; complaints are reported as they are found."""
        git(self._tree, "reset", "--hard", "--quiet")
        self._check_out(self._base)
        touched = self._changed(self._base, self._steps[-1].commit)
        columns = [self._column(target, touched) for target in self._targets] if "build" in parts else []
        sparse = self._sparse(touched) if "sparse" in parts else None
        for column in columns:
            say(f"base: building for {column.target.name}")
            column.start()
        before = sparse.check() if sparse else Counter()
        parent = self._base
        for number, step in enumerate(self._steps, self.figures.first):
            say(f"{number} {step.subject}")
            self._check_out(step.commit)
            if "checkpatch" in parts:
                self.figures.complaints.append(self._checkpatch(step.files))
            changed = self._changed(parent, step.commit)
            for column in columns:
                for diagnostic in column.step(changed):
                    print(
                        f"{step.files[-1].name}: {column.target.name}: {column.describe(diagnostic)}",
                        flush=True,
                    )
            parent = step.commit
        self.figures.builds = {column.target.name: column.cells for column in columns}
        self.figures.unset = {column.target.name: self._unset(column.configuration) for column in columns}
        if sparse:
            self._finish(sparse, before)

    def _unset(self, configuration: Mapping[str, str]) -> list[str]:
        """Return the options of the series that are not as it wants them: the rest of its code was not built."""
        wanted = parse_config(self._series.option)
        return sorted(name for name, value in wanted.items() if configuration.get(name) != value)

    def _checkpatch(self, files: list[Path]) -> Counter[str]:
        total = Counter[str]()
        for file in files:
            lines = checkpatch(self._tree, file)
            total += counts(lines)
            for line in lines:
                print(f"{file.name}: checkpatch: {line}")
        return total

    def _finish(self, sparse: Sparse, before: Counter[Diagnostic]) -> None:
        new = sparse.check() - before
        self.figures.sparse = new.total()
        for diagnostic in new:
            print(
                f"{self._series.name}: sparse: {sparse.place(diagnostic)}: {diagnostic.kind}: {diagnostic.text}"
            )

    def _column(self, target: Target, touched: list[str]) -> Column:
        off, on = (
            Build(self._tree, self._folder(name), target, options, self._jobs)
            for name, options in (
                (f"{target.name}-off", self._options(target)),
                (
                    f"{target.name}-on",
                    self._options(target) + self._series.option,
                ),
            )
        )
        return Column(off, on, touched, self._tree)

    def _sparse(self, touched: list[str]) -> Sparse:
        target = self._targets[0]
        options = self._options(target) + self._series.option
        return Sparse(self._tree, self._folder(f"{target.name}-sparse"), target, options, touched, self._jobs)

    def _folder(self, name: str) -> Path:
        return self._tree.with_name(f"{self._tree.name}.build") / name

    @staticmethod
    def _options(target: Target) -> str:
        files = (CONFIGS / "common.config", CONFIGS / f"{target.name}.config")
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def _check_out(self, commit: str) -> None:
        git(self._tree, "checkout", "--quiet", "--force", "--detach", commit)

    def _changed(self, old: str, new: str) -> list[str]:
        return git(self._tree, "diff", "--name-only", "--no-renames", old, new).splitlines()


def read_range(text: str, count: int) -> tuple[int, int]:
    """Return the first and last number of ``N`` or ``N-M``; empty: all of ``count``. ``BadInput`` if there are none."""
    if not count:
        raise BadInput("the series has no patches")
    if not text:
        return 1, count
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= count:
        raise BadInput(f"--patches {text}: expected N or N-M between 1 and {count}")
    return first, last


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="check-series", description=f"{__doc__} See roles/kernel/files/README.md."
    )
    parser.add_argument("series", metavar="SERIES", help="as linux-6.12")
    parser.add_argument(
        "--patches", metavar="N[-M]", default="", help="only these; compared with what precedes them"
    )
    parser.add_argument(
        "--at-once", action="store_true", help="build only the last one, as if all were one patch"
    )
    parser.add_argument(
        "--arch",
        metavar="LIST",
        default=",".join(TARGETS),
        help="default: %(default)s; sparse takes the first",
    )
    parser.add_argument("--only", choices=PARTS, help="only this part")
    parser.add_argument(
        "--roles", type=Path, metavar="DIR", default=PROJECT / "roles", help=argparse.SUPPRESS
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="jobs of make (default: as many as CPUs)")
    run_command(parser, _run)


def _run(options: argparse.Namespace) -> int:
    series = find_series(options.series, options.roles.resolve())
    with locked(
        cache_folder() / "series" / f"check-{series.name}.lock", lambda: say("waiting for another check")
    ):
        check = Check(series, options.patches, read_targets(options.arch), options.jobs, options.at_once)
        check.run({options.only} if options.only else set(PARTS))
    print(check.figures.text())
    return int(check.figures.adds)
