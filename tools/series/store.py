"""A git store in the cache: the sources of the series as commits without parents, and the patches on top of them.

All sources are in one store, so that a patch of one finds what it needs for a three-way merge in another.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput, KernelError
from orchestrator.kernels.locks import locked
from orchestrator.kernels.source import find_source
from tools.series.git import complaint, git, try_git
from tools.series.mail import read_mail
from tools.series.series import Series

BASE_DATE = "2000-01-01T00:00:00Z"


class Store:
    """The store; commits that are made of the same source and patches have the same names each time."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "series" / "store.git"
        with locked(self.folder.with_name("store.lock")):
            if not (self.folder / "HEAD").is_file():
                self.folder.mkdir(parents=True, exist_ok=True)
                git(self.folder, "init", "--quiet", "--bare")
                # A conflict that was resolved once is resolved in the same way when the patch is ported again.
                for name in ("rerere.enabled", "rerere.autoUpdate"):
                    git(self.folder, "config", name, "true")
                git(self.folder, "config", "merge.conflictStyle", "diff3")
                # Lines of a message that begin with # are part of it.
                git(self.folder, "config", "commit.cleanup", "scissors")

    def base(self, series: Series) -> str:
        """Return the commit of the source of a series; made at first, and when the source has changed."""
        source = find_source(series.recipe.source)
        ref = f"refs/bases/{series.name}"
        with locked(self.folder.with_name("store.lock")):
            known = try_git(self.folder, "log", "-1", "--format=%H %B", ref, "--")
            commit, _, identity = known.stdout.strip().partition(" ")
            if identity == source.identity:
                return commit
            with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix="source-") as scratch:
                tree = Path(scratch) / "tree"
                source.copy_to(tree)
                environment = {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(tree)}
                environment["GIT_INDEX_FILE"] = f"{scratch}/index"
                settings = ("-c", "core.looseCompression=1", "-c", "core.bare=false")
                git(tree, *settings, "add", "--all", "--force", ".", environment=environment)
                written = git(tree, *settings, "write-tree", environment=environment)
            author = {"GIT_AUTHOR_NAME": "source", "GIT_AUTHOR_EMAIL": "series@localhost"}
            commit = self._commit(written, None, source.identity, {**author, "GIT_AUTHOR_DATE": BASE_DATE})
            git(self.folder, "update-ref", ref, commit)
            return commit

    def imported(self, series: Series, base: str) -> str:
        """Return the last commit of the patches on ``base``. Raises ``KernelError`` if one does not apply."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix="import-") as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            git(self.folder, "read-tree", base, environment=index)
            tip = base
            for file in series.files:
                tip = self._import(file, tip, index)
        return tip

    def _import(self, file: Path, parent: str, index: dict[str, str]) -> str:
        mail = read_mail(file)
        words = ("apply", "--cached", "--whitespace=nowarn", "-")
        applied = try_git(self.folder, *words, content=mail.diff, environment=index)
        if applied.returncode:
            raise KernelError(f"{file.name} does not apply to {file.parents[1].name}: {complaint(applied)}")
        return self._commit(
            git(self.folder, "write-tree", environment=index), parent, mail.message, mail.author
        )

    def _commit(self, tree: str, parent: str | None, message: str, author: dict[str, str]) -> str:
        return git(
            self.folder,
            *("commit-tree", tree),
            *(("-p", parent) if parent else ()),
            content=f"{message}\n".encode(errors="surrogateescape"),
            environment={**author, "GIT_COMMITTER_DATE": author["GIT_AUTHOR_DATE"]},
        )

    def tree(self, folder: Path, commit: str) -> Path:
        """Return a tree of the store in ``folder``; a new one has ``commit`` checked out, on no branch.

        Raises ``BadInput`` if the directory has something else.
        """
        if (folder / ".git").is_file():
            words = ("rev-parse", "--path-format=absolute", "--git-common-dir")
            if try_git(folder, *words).stdout.strip() == str(self.folder.resolve()):
                return folder
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(
                f"{folder} has something else than a tree of {self.folder}; name another with --tree"
            )
        git(self.folder, "worktree", "prune")
        git(self.folder, "worktree", "add", "--quiet", "--detach", folder, commit)
        return folder
