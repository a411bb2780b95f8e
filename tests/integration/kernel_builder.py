"""Someone who builds kernels from recipes: a kernel in miniature, recipes, patches, and a cache of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.running import Ended, User

SMALL_KERNEL = Path(__file__).parent / "small_kernel"


class Kernels:
    """Someone who builds kernels from recipes, with a cache of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        shutil.copytree(SMALL_KERNEL, self.tree)
        (folder / "fragment.config").write_text("CONFIG_FIRST=y\n# CONFIG_SECOND is not set\n")
        self.user = User(folder)
        self.user.environment.update(
            XDG_CACHE_HOME=str(folder / "cache"), COMPILED=str(folder / "compiled"), SLOW=str(folder / "slow")
        )

    @property
    def cache(self) -> Path:
        return self.folder / "cache" / "orchestrate"

    def has_started_compiling(self) -> bool:
        """Whether a compiler was at work; its line is there later than its file."""
        file = self.folder / "compiled"
        return file.exists() and bool(file.read_text())

    @property
    def compiled(self) -> list[str]:
        """Names of the objects that were compiled since the last call."""
        file = self.folder / "compiled"
        lines = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return sorted(lines)

    def recipe(self, name: str = "small", **changes: Any) -> Path:
        """Write a recipe, ``tiny`` with one fragment unless ``changes`` say otherwise."""
        document = {
            "source": {"folder": "tree"},
            "config": {"base": "tiny", "fragments": ["fragment.config"]},
            **changes,
        }
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(document))
        return file

    def patch(self, name: str, old: str, new: str, file: str = "mm.c") -> str:
        """Write a patch that replaces a text of the tree; return its name."""
        before, after = self.folder / "a" / file, self.folder / "b" / file
        for path in (before, after):
            path.parent.mkdir(exist_ok=True)
        text = (SMALL_KERNEL / file).read_text()
        assert old in text
        before.write_text(text)
        after.write_text(text.replace(old, new))
        done = subprocess.run(
            ["diff", "-u", f"a/{file}", f"b/{file}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(done.stdout)
        return name

    def build(self, *words: str | Path) -> Ended:
        return self.user.orchestrate("kernel", "build", *words)

    def built(self, *words: str | Path) -> dict[str, Any]:
        """Build and return what ``kernel.json`` says."""
        ended = self.build(*words)
        assert ended.code == 0, ended.err
        document: dict[str, Any] = json.loads((Path(ended.out.strip()) / "kernel.json").read_text())
        return document

    @property
    def kept(self) -> list[str]:
        """Hashes of the kernels in the cache."""
        return sorted(file.parent.name for file in self.cache.glob("kernels/*/kernel.json"))

    @property
    def leftovers(self) -> list[str]:
        """What a build that failed must not leave: half kernels, half sources."""
        return [str(path) for pattern in ("*/*.part", "*/*/source.next") for path in self.cache.glob(pattern)]


def refused(ended: Ended) -> str:
    """The one line that says why a kernel was not built."""
    assert ended.code == 4, ended.err
    (line,) = ended.complaints
    return line
