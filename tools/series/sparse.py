"""sparse on the C files that a series touches: what the last patch has and the base has not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from orchestrator.kernels import programs
from tools.series.architectures import Target, concerns
from tools.series.build import Build
from tools.series.diagnostics import Diagnostic, most


class Sparse:
    """The objects of the files that a series touches, in a directory of their own."""

    def __init__(
        self, source: Path, folder: Path, target: Target, options: str, files: list[str], jobs: int | None
    ):
        programs.require("sparse")
        self._source = source
        self._files = [file for file in files if file.endswith(".c") and concerns(target, file)]
        self._build = Build(source, folder, target, options, jobs)

    def check(self) -> Counter[Diagnostic]:
        """Return what sparse and the compiler say of the files that the tree has."""
        present = [file for file in self._files if (self._source / file).is_file()]
        if not present:
            return Counter()
        self._build.configure()
        objects = [str(Path(file).with_suffix(".o")) for file in present]
        return most(self._build.make(objects, "W=", "C=2", "CHECK=sparse"))

    def place(self, diagnostic: Diagnostic) -> str:
        """Return where it was last seen; of what make itself says there is no place."""
        return self._build.places.get(diagnostic, diagnostic.file)
