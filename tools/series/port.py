"""Port a series of patches to another kernel, beside the one it was made for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput, KernelError
from tools.series import table
from tools.series.branch import Branch
from tools.series.command import run_command, say
from tools.series.commits import Commit, base_of, commits, read
from tools.series.git import try_git
from tools.series.mail import patches_of
from tools.series.plan import Step, steps, unchanged
from tools.series.proof import build_patches, prove
from tools.series.series import PROJECT, Series, find_series, read_upstream, require_unique
from tools.series.store import Store
from tools.series.written import read_ported, write_patches, write_ported


class Port:
    """The port of one series to another kernel."""

    def __init__(self, origin: Series, target: Series, folder: Path) -> None:
        self.origin = origin
        self.target = target
        self.folder = folder
        patches = patches_of(origin)
        if not patches:
            raise BadInput(f"{origin.patches} has no patches")
        self.subjects = [patch.subject for patch in patches]
        require_unique(origin.name, self.subjects)
        self.upstream = read_upstream(target, self.subjects)
        self.patches = patches

    def status(self) -> str:
        """Return the table; of the branch, if patches on it wait to be written."""
        found = patches_of(self.target)
        ported = read_ported(self.target.ported(self.origin))
        if (self.folder / ".git").is_file():
            branch = Branch(self.folder, self.target.name)
            if branch.head and branch.head != branch.state.head:
                found, ported = branch.commits, {**ported, **branch.state.ported}
        table_rows = table.rows(self.patches, found, self.upstream, ported, self.target.name)
        return table.text(table_rows, self.origin.name, self.target.name)

    def run(self, restart: bool) -> Branch:
        """Port what is missing and write the patches. Raises ``Conflict``."""
        store = Store()
        say(f"reading the sources of {self.origin.name} and {self.target.name}")
        origin = commits(store.folder, store.imported(self.origin, store.base(self.origin)))
        base = store.base(self.target)
        branch = Branch(store.tree(self.folder, base), self.target.name)
        if restart:
            _forget(branch)
        branch.require_clean()
        old = self._ported_so_far(store, branch, base)
        require_unique(self.target.name, [commit.subject for commit in old])
        ported = {**read_ported(self.target.ported(self.origin)), **branch.state.ported}
        plan = steps(origin, old, self.upstream, ported)
        self._apply(branch, base, plan)
        self._write(store, branch, base, ported)
        return branch

    def _ported_so_far(self, store: Store, branch: Branch, base: str) -> list[Commit]:
        """Return the commits of the branch, or those of the patches if these have changed since the last run."""
        head = branch.head
        written = self._import(store, head, base)
        if written == branch.state.written:
            waiting = commits(store.folder, head) if head else []
            return waiting + [read(store.folder, one) for one in branch.state.pending]
        if branch.state.written and head != branch.state.head:
            raise BadInput(
                f"{self.target.patches} and the branch {branch.name} in {branch.tree} have both changed since the "
                "last run; undo one of them, or use --restart to take the patches"
            )
        branch.state.written, branch.state.head, branch.state.pending = written, "", []
        branch.state.ported = {}
        return commits(store.folder, written)

    def _import(self, store: Store, head: str, base: str) -> str:
        """Return the last commit of TO's patches, on the base of the branch, or on the new one if they are for that."""
        if head and (old := base_of(store.folder, head)) != base:
            with suppress(KernelError):
                return store.imported(self.target, old)
        return store.imported(self.target, base)

    def _apply(self, branch: Branch, base: str, plan: list[Step]) -> None:
        on_base = branch.head and base_of(branch.tree, branch.head) == base
        present = branch.commits if on_base else []
        done = unchanged(plan, present)
        if not on_base or done < len(present):
            branch.state.pending = [step.commit.id for step in plan[done:] if step.kind != "port"]
            branch.save()
            branch.start(present[done - 1].id if done else base)
        else:
            branch.start(branch.head)
        for number, step in enumerate(plan[done:], done + 1):
            say(f"{number}/{len(plan)} {step.kind}: {step.commit.subject}")
            if step.former:
                say(
                    "  ported again, so changes that were made for "
                    f"{self.target.name} are lost, unless they conflict; look for them when it is done:\n"
                    f"  git -C {branch.tree} show {step.former.id[:12]}"
                )
            branch.apply(step)

    def _write(self, store: Store, branch: Branch, base: str, ported: Mapping[str, str]) -> None:
        changed = write_patches(self.target, branch.tree, base, branch.head)
        say(
            f"{len(changed)} files written to {self.target.patches}"
            if changed
            else "the patches are up to date"
        )
        known = {**ported, **branch.state.ported}
        present = {commit.subject for commit in branch.commits}
        records = {
            one.subject: known.get(one.subject, one.digests) for one in self.patches if one.subject in present
        }
        write_ported(self.target.ported(self.origin), records)
        branch.state.written, branch.state.head = store.imported(self.target, base), branch.head
        branch.state.pending, branch.state.ported = [], {}
        branch.save()


def _forget(branch: Branch) -> None:
    """Leave the branch, so that the patches are what was ported so far."""
    try_git(branch.tree, "cherry-pick", "--abort")
    try_git(branch.tree, "reset", "--hard", "--quiet")
    try_git(branch.tree, "checkout", "--quiet", "--detach")
    try_git(branch.tree, "branch", "--quiet", "-D", branch.name)
    branch.state.head = branch.state.written = ""
    branch.state.pending, branch.state.ported = [], {}
    branch.save()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="port-series", description=f"{__doc__} See roles/kernel/files/README.md."
    )
    parser.add_argument("origin", metavar="FROM", help="the series to port, as linux-6.12")
    parser.add_argument(
        "target", metavar="TO", help="the series to write, as linux-7.3; its directory and its recipe exist"
    )
    parser.add_argument("--tree", type=Path, metavar="DIR", help="where to port (default: in the cache)")
    parser.add_argument(
        "--roles", type=Path, metavar="DIR", default=PROJECT / "roles", help=argparse.SUPPRESS
    )
    parser.add_argument("--status", action="store_true", help="print what is left, do nothing")
    parser.add_argument("--no-proof", action="store_true", help="build, but do not start guests")
    parser.add_argument(
        "--restart", action="store_true", help="forget the branch; begin with the patches of TO"
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="jobs of make (default: as many as CPUs)")
    run_command(parser, _run)


def _run(options: argparse.Namespace) -> int:
    if options.origin == options.target:
        raise BadInput("FROM and TO are the same series")
    origin, target = (find_series(name, options.roles.resolve()) for name in (options.origin, options.target))
    folder = (options.tree or cache_folder() / "series" / f"port-{target.name}").resolve()
    port = Port(origin, target, folder)
    if not options.status:
        branch = port.run(options.restart)
        build_patches(branch, target, options.jobs)
        if not options.no_proof:
            prove(target)
    print(port.status())
    return 0
