"""Kernels that are asked for, and how those are made that are built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class KernelSource:
    """Where a kernel's source comes from.

    :ivar kind: a Debian source package by name, a tarball, a git tree at ``ref``, or a folder as it stands.
    :ivar location: name, path or URL. Paths are absolute.
    :ivar ref: branch, tag or commit; of git only.
    """

    kind: Literal["package", "tarball", "git", "folder"]
    location: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class PatchSource:
    """Patches, to be applied in the order they are found in.

    ``path``: a patch, an mbox of patches, or a folder of patches (in the order of its file ``series``, else by
    name); ``b4``: the message id of a series in the archives of the kernel's mailing lists.
    """

    kind: Literal["path", "b4"]
    location: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kernel is made.

    :ivar name: of the recipe's file; empty for one that stands in the experiment file itself.
    :ivar base: ``tiny`` (nothing but what the fragments ask for), ``defconfig``, ``running`` (this machine's), or the
        path of a whole configuration.
    :ivar fragments: files of ``CONFIG_…`` lines that must all be found again in the kernel's configuration.
    :ivar compiler: command, such as ``gcc`` or ``gcc-12``; its version is part of what is built.
    """

    name: str
    source: KernelSource
    patches: tuple[PatchSource, ...] = ()
    base: Literal["tiny", "defconfig", "running"] | Path = "tiny"
    fragments: tuple[Path, ...] = ()
    compiler: str = "gcc"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that is asked for.

    ``default`` is what the provider gives by itself (a guest: Debian's stock kernel; a machine: the one that runs),
    ``running`` the kernel of the machine (for a guest: of the controller), ``package`` a Debian package by name,
    ``image`` a bzImage, with ``modules`` as the folder that holds ``lib/modules``, if it has any, ``recipe`` one that
    is built. ``command_line``: words of the kernel's command line, beside those of its host.
    """

    name: str
    source: Literal["default", "running", "package", "image", "recipe"] = "default"
    package: str = ""
    image: Path | None = None
    modules: Path | None = None
    recipe: Recipe | None = None
    command_line: tuple[str, ...] = ()
