"""The architectures that a series is built for, and what of it concerns each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean

_NOTHING_TO_BUILD = ("Documentation/", "tools/", "samples/", "MAINTAINERS")
_SYSCALL_TABLE = re.compile(r"arch/.*/syscalls/")


class Target(NamedTuple):
    """An architecture to build for.

    :ivar kernel: value of ``ARCH``; ``folder``: its directory below ``arch/``.
    :ivar prefix: what the names of its compiler and linker begin with.
    """

    name: str
    kernel: str
    folder: str
    prefix: str


TARGETS = {
    target.name: target
    for target in (
        Target("x86_64", "x86_64", "x86", "x86_64-linux-gnu-"),
        Target("i386", "i386", "x86", "x86_64-linux-gnu-"),
        Target("arm64", "arm64", "arm64", "aarch64-linux-gnu-"),
        Target("ppc64le", "powerpc", "powerpc", "powerpc64le-linux-gnu-"),
        Target("s390x", "s390", "s390", "s390x-linux-gnu-"),
        Target("m68k", "m68k", "m68k", "m68k-linux-gnu-"),
    )
}


def read_targets(text: str) -> list[Target]:
    """Return the architectures of a list ``NAME,NAME``. Raises ``BadInput`` for an unknown one."""
    names = text.split(",")
    for name in names:
        if name not in TARGETS:
            raise BadInput(f"unknown architecture '{name}'; {did_you_mean(name, TARGETS)}")
    return [TARGETS[name] for name in names]


def concerns(target: Target, file: str) -> bool:
    """Whether a kernel of an architecture may change if a file of the source does."""
    if file.startswith(_NOTHING_TO_BUILD):
        return False
    return not file.startswith("arch/") or file.startswith(f"arch/{target.folder}/")


def to_make(target: Target, touched: Iterable[str], source: Path) -> list[str]:
    """Return what make is to build: directories with several files that a series touches, else the object of the one.

    A table of system calls is read by the files of the directory above it.
    """
    folders: defaultdict[str, set[str]] = defaultdict(set)
    whole = set()
    for file in touched:
        path = Path(file)
        if not concerns(target, file):
            continue
        if _SYSCALL_TABLE.match(file):
            whole.add(f"{path.parent.parent}/")
        elif path.suffix in (".c", ".S") and path.parts[0] not in ("scripts", "include"):
            folders[str(path.parent)].add(path.stem)
    for folder, stems in folders.items():
        if len(stems) > 1:
            whole.add(f"{folder}/")
    objects = {
        f"{folder}/{stem}.o"
        for folder, stems in folders.items()
        for stem in stems
        if not any(f"{folder}/".startswith(one) for one in whole)
        and any((source / folder / f"{stem}{suffix}").is_file() for suffix in (".c", ".S"))
    }
    present = {one for one in whole if (source / one).is_dir()}
    return sorted(name.removeprefix("./") for name in present | objects)
