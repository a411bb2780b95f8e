"""A small git repository with branches of all kinds, and what git and quilt make of their patches."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.experiment.model import PatchSource
from orchestrator.kernels.apply import apply_patches
from orchestrator.kernels.patches import read_patches

LINES = "".join(f"line {number}\n" for number in range(1, 31))
BINARY = bytes(range(256)) * 8


class History:
    """A repository whose branches begin at the tag ``base``; its work tree is ``tree``.

    :ivar first: a mail whose patch touches no file of the others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_")
        } | {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Jörg Author",
            "GIT_AUTHOR_EMAIL": "author@example.org",
            "GIT_COMMITTER_NAME": "C",
            "GIT_COMMITTER_EMAIL": "c@example.org",
            "GIT_AUTHOR_DATE": "2024-10-01T10:00:00Z",
            "GIT_COMMITTER_DATE": "2024-10-01T10:00:00Z",
            "QUILT_PATCHES": "patches",
        }
        self.git("init", "-q", "-b", "main")
        for name, content in {
            "mm.c": LINES.encode(),
            "start.c": LINES.replace("line", "start").encode(),
            "data.bin": BINARY,
            "dos.txt": LINES.replace("\n", "\r\n").encode(),
            "noeol.txt": b"one\ntwo",
            "latin1.txt": "Größe\n".encode("latin-1") * 9,
            "with space.txt": LINES.encode(),
            "größe.txt": LINES.encode(),
            "deep/er/file.c": LINES.encode(),
        }.items():
            self.write(name, content)
        (self.tree / "link").symlink_to("mm.c")
        self.commit("base")
        self.git("tag", "base")
        shutil.copytree(self.tree, folder / "pristine", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        self.first = self.patches(lambda: self.write("first.txt", b"1\n"), "first: of all")

    def git(self, *words: str | Path, tree: Path | None = None, content: bytes = b"") -> bytes:
        """Run git and return its output."""
        return self.run("git", *words, tree=tree, content=content).stdout

    def run(
        self, *words: str | Path, tree: Path | None = None, content: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            words,
            cwd=tree or self.tree,
            env=self.environment,
            input=content,
            capture_output=True,
            check=check,
        )

    def write(self, name: str, content: bytes) -> None:
        file = self.tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        content = (self.tree / name).read_bytes()
        assert old in content
        self.write(name, content.replace(old, new, 1))

    def commit(self, message: str, *options: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", *options, "-F", "-", content=message.encode())

    def patches(self, change: Callable[[], object], message: str, *options: str) -> bytes:
        """Return the mail, or mails, that ``git format-patch`` makes of a change on ``base``."""
        self.git("checkout", "-q", "-B", "topic", "base")
        change()
        self.commit(message, "--allow-empty")
        return self.mails(*options)

    def mails(self, *options: str, since: str = "base") -> bytes:
        return self.git("format-patch", "--stdout", *options, since)

    def diff(self, change: Callable[[], object], *options: str) -> bytes:
        """Return the output of ``git diff`` for a change on ``base``."""
        self.git("checkout", "-q", "-f", "-B", "topic", "base")
        self.git("clean", "-fdq")
        change()
        self.git("add", "-AN")
        diff = self.git("diff", *options)
        self.git("checkout", "-q", "-f", "base")
        self.git("clean", "-fdq")
        return diff

    def copy(self, name: str) -> Path:
        """Return a copy of the tree at ``base``, without a repository."""
        copy = self.folder / name
        shutil.rmtree(copy, ignore_errors=True)
        return shutil.copytree(self.folder / "pristine", copy, symlinks=True)

    def content(self, tree: Path) -> str:
        """Return git's name of the content of a directory: names, modes and bytes."""
        index = self.folder / "index"
        index.unlink(missing_ok=True)
        words = ("git", "--git-dir", self.tree / ".git", "--work-tree", tree)
        environment = self.environment | {"GIT_INDEX_FILE": str(index)}
        for action in (("add", "-Af", "."), ("write-tree",)):
            done = subprocess.run(
                [*words, *action], cwd=tree, env=environment, capture_output=True, check=True
            )
        return done.stdout.decode().strip()

    def am(self, mailbox: Path, *options: str) -> tuple[str, list[str]] | None:
        """Return the content and the subjects of the commits that ``git am`` makes; None: it refuses."""
        self.git("checkout", "-q", "-f", "-B", "am", "base")
        self.git("clean", "-fdq")
        if self.run("git", "am", "-q", *options, mailbox, check=False).returncode:
            self.run("git", "am", "--abort", check=False)
            shutil.rmtree(self.tree / ".git" / "rebase-apply", ignore_errors=True)
            self.git("reset", "-q", "--hard", "base")
            self.git("clean", "-fdq")
            return None
        subjects = self.git("log", "--reverse", "--format=%s", "base..am").decode().splitlines()
        return self.git("rev-parse", "HEAD^{tree}").decode().strip(), subjects

    def quilt(self, patches: Path) -> str | None:
        """Return the content that ``quilt push -a`` makes; None: it refuses."""
        tree = self.copy("quilt")
        shutil.copytree(patches, tree / "patches")
        if self.run("quilt", "push", "-a", tree=tree, check=False).returncode:
            return None
        shutil.rmtree(tree / "patches")
        shutil.rmtree(tree / ".pc")
        return self.content(tree)


def ours(history: History, patches: Path) -> tuple[str, list[str]] | None:
    """The content of the tree and the names of the patches; None: refused."""
    tree = history.copy("ours")
    try:
        read = read_patches([PatchSource("path", str(patches))])
        apply_patches(read, tree)
    except KernelError:
        return None
    return history.content(tree), [patch.name for patch in read]
