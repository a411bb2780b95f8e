"""Someone who keeps a kernel series: two kernels in miniature, a series for the older one, the tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.running import Ended

PROJECT = Path(__file__).parents[2]
KERNEL = Path(__file__).parent / "series_kernel"
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Jörg Author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_AUTHOR_DATE": "2024-10-01T10:00:00Z",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
    "GIT_EDITOR": "true",
}


class Keeper:
    """A series ``old`` on the branch ``old`` of ``source``; the kernel of ``new`` begins as the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.tree = folder / "tree"
        self.roles = folder / "roles"
        self.programs = folder / "programs"
        self.programs.mkdir()
        names = (Path(sys.executable).parent, self.programs, os.environ["PATH"])
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "PATH": ":".join(map(str, (self.programs, *names))),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        shutil.copytree(KERNEL, self.source)
        (self.source / ".gitignore").write_text("/*\n")  # as in Debian's source
        self.git("init", "-q", "-b", "new")
        self.commit("kernel")
        self.git("branch", "base")
        for name in ("old", "new"):
            self.files(name).mkdir(parents=True)
            (self.files(name) / "guest.config").write_text("CONFIG_PLAIN=y\n")
            (self.files(name) / "accel.config").write_text("CONFIG_FASTER=y\n")
            source = {"git": "../../../source", "ref": {"old": "base"}.get(name, name)}
            self.recipe(name, "base", source, ["guest"])
            self.recipe(name, "accel", source, ["guest", "accel"], patches=[f"../files/{name}/patches"])
        self.git("checkout", "-q", "-b", "old")

    def files(self, series: str) -> Path:
        return self.roles / "kernel" / "files" / series

    def recipe(self, series: str, kind: str, source: object, fragments: list[str], **more: object) -> None:
        folder = self.roles / "kernel" / "recipes"
        folder.mkdir(exist_ok=True)
        config = {"base": "tiny", "fragments": [f"../files/{series}/{name}.config" for name in fragments]}
        document = {"source": source, "config": config, **more}
        (folder / f"{series}-{kind}.yaml").write_text(yaml.safe_dump(document))

    def git(self, *words: str | Path, tree: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=tree or self.source,
            env=self.environment | GIT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, message: str, *options: str) -> None:
        self.git("add", "-A", "--force")
        self.git("commit", "-q", "-m", message, *options)

    def change(self, old: str, new: str, file: str = "mm/migrate.c", tree: Path | None = None) -> None:
        path = (tree or self.source) / file
        text = path.read_text() if path.is_file() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def patch(self, message: str, old: str, new: str, file: str = "mm/migrate.c") -> None:
        """Add a patch to the series ``old``."""
        self.change(old, new, file)
        self.commit(message)
        self.write()

    def write(self) -> None:
        """Write the patches of ``old``, as its branch has them."""
        shutil.rmtree(self.files("old") / "patches", ignore_errors=True)
        self.git("format-patch", "-q", "--zero-commit", "-o", self.files("old") / "patches", "base..old")

    def kernel(self, old: str, new: str, file: str = "mm/migrate.c") -> None:
        """Change the kernel that the series is ported to."""
        self.git("checkout", "-q", "new")
        self.change(old, new, file)
        self.commit("time goes by")
        self.git("checkout", "-q", "old")

    def run(self, command: str, *words: str | Path) -> Ended:
        done = subprocess.run(
            [PROJECT / "tools" / command, "--roles", self.roles, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def port(self, *words: str) -> Ended:
        return self.run("port-series", "old", "new", "--tree", self.tree, "--no-proof", *words)

    def program(self, name: str, text: str) -> None:
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{text}")
        file.chmod(0o755)

    @property
    def ported(self) -> list[str]:
        """The patches of ``new``, by name."""
        return sorted(file.name for file in (self.files("new") / "patches").glob("*"))

    def resolve(self, file: str, text: str) -> None:
        """Resolve a conflict by another text between its markers."""
        path = self.tree / file
        before, _, rest = path.read_text().partition("<<<<<<< ")
        after = rest.partition(">>>>>>> ")[2].partition("\n")[2]
        path.write_text(before + text + after)
        self.git("add", "--force", file, tree=self.tree)

    def proceed(self) -> None:
        """Make the commit that was resolved."""
        self.git("cherry-pick", "--continue", tree=self.tree)

    def applied(self) -> str:
        """What the file is when the patches of ``new`` are applied to its kernel."""
        self.git("checkout", "-q", "-B", "check", "new")
        self.git("am", "-q", *sorted((self.files("new") / "patches").iterdir()))
        text = (self.source / "mm" / "migrate.c").read_text()
        self.git("checkout", "-q", "old")
        return text
