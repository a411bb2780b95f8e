"""A series: its directory among the files of the role ``kernel``, and the recipe of the source it is made for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.experiment.kernels import load_recipe
from orchestrator.experiment.model import Recipe
from orchestrator.nearest import did_you_mean

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Series:
    """A series of patches.

    :ivar folder: ``files/NAME`` of the role, with ``patches/`` and, of a port, ``upstream``.
    :ivar recipe: ``NAME-base``, the kernel without the series: its source and the small configuration.
    """

    name: str
    folder: Path
    recipe: Recipe

    @property
    def patches(self) -> Path:
        """The directory of its patches; need not exist."""
        return self.folder / "patches"

    @property
    def files(self) -> list[Path]:
        """Its patches in order."""
        return sorted(self.patches.glob("*.patch"))

    @property
    def option(self) -> str:
        """What turns on what the series adds: the fragments of ``NAME-accel`` that ``NAME-base`` has not."""
        recipe = load_recipe(f"{self.name}-accel", Path(), (self.folder.parents[2],))
        fragments = [file for file in recipe.fragments if file not in self.recipe.fragments]
        return "".join(file.read_text(encoding="utf-8") for file in fragments)

    def ported(self, origin: Series) -> Path:
        """The file that says which patches of ``origin`` these were ported from."""
        return self.folder / f"ported.{origin.name}"


def find_series(name: str, roles: Path) -> Series:
    """Return a series by its name. Raises ``BadInput`` if its directory or its recipe is missing."""
    files = roles / "kernel" / "files"
    if not (files / name).is_dir() or "/" in name:
        known = sorted(folder.name for folder in files.glob("*") if folder.is_dir())
        raise BadInput(f"series '{name}' not found in {files}; {did_you_mean(name, known)}")
    return Series(name, files / name, load_recipe(f"{name}-base", Path(), (roles,)))


def read_upstream(series: Series, subjects: list[str]) -> Mapping[str, str]:
    """Return the reason for each subject in the file ``upstream`` of a series; its lines are ``SUBJECT # REASON``.

    :param subjects: those that the other series has.

    Raises ``BadInput`` for a line without a reason, and for a subject that no patch has.
    """
    file = series.folder / "upstream"
    reasons: dict[str, str] = {}
    if not file.is_file():
        return reasons
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        subject, _, reason = (part.strip() for part in line.rpartition(" # "))
        if not subject or not reason:
            raise BadInput(f"{file}:{number}: expected 'SUBJECT # REASON'; found {line!r}")
        if subject not in subjects:
            raise BadInput(
                f"{file}:{number}: no patch has the subject '{subject}'; {did_you_mean(subject, subjects)}"
            )
        reasons[subject] = reason
    return reasons


def require_unique(name: str, subjects: list[str]) -> None:
    """Raise ``BadInput`` if two patches have one subject: patches of two series are matched by it."""
    twice = [subject for subject, count in Counter(subjects).items() if count > 1]
    if twice:
        raise BadInput(f"{name}: two patches have the subject '{twice[0]}'; change one of them")
