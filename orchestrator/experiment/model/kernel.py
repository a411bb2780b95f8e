"""Kernels and their build recipes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

from msgspec import Struct


class Suite(Struct, frozen=True):
    """The suite of a Debian or Ubuntu archive that has a package.

    :ivar name: such as ``trixie-backports``.
    :ivar version: the version of the package; empty: the newest one.
    :ivar mirror: URI of the archive; empty: that of the machine's own distribution.
    :ivar keyring: file with the keys of the archive; empty: those of the machine's own distribution.
    """

    name: str
    version: str = ""
    mirror: str = ""
    keyring: str = ""

    @property
    def label(self) -> str:
        """A name for files: that of the suite, with a hash of the mirror if one is set."""
        name = re.sub(r"[^A-Za-z0-9-]", "_", self.name)
        return f"{name}-{hashlib.sha256(self.mirror.encode()).hexdigest()[:8]}" if self.mirror else name


class KernelSource(Struct, frozen=True):
    """The source of a kernel.

    :ivar kind: a Debian source package, a tarball, a git repository at ``ref``, or a source tree.
    :ivar location: name, path or URL. Paths are absolute.
    :ivar ref: branch, tag or commit; for ``git`` only.
    :ivar suite: where the package is; None: in the machine's own apt sources.
    """

    kind: Literal["package", "tarball", "git", "folder"]
    location: str
    ref: str = ""
    suite: Suite | None = None


class PatchSource(Struct, frozen=True):
    """A source of patches.

    :ivar kind: ``path`` or ``b4``.
    :ivar location: for ``path``: a diff, a mail, a mailbox, or a directory of patches (in the order of its file
        ``series``, otherwise by name); for ``b4``: the message id of a series on the kernel's mailing lists.
    :ivar first: how many of its patches are applied, from the first one on; 0: all.
    """

    kind: Literal["path", "b4"]
    location: str
    first: int = 0


class Recipe(Struct, frozen=True):
    """How to build a kernel.

    :ivar name: name of the recipe file; empty for an inline recipe.
    :ivar base: ``tiny`` (allnoconfig), ``defconfig``, ``running`` (the configuration of this machine), or the path of
        a complete configuration.
    :ivar fragments: files with ``CONFIG_…`` lines; all must be in the final configuration.
    :ivar compiler: command, such as ``gcc`` or ``gcc-12``; its version is part of the hash of the kernel.
    """

    name: str
    source: KernelSource
    patches: tuple[PatchSource, ...] = ()
    base: Literal["tiny", "defconfig", "running"] | Path = "tiny"
    fragments: tuple[Path, ...] = ()
    compiler: str = "gcc"


class Kernel(Struct, frozen=True):
    """A kernel to run.

    :ivar source: ``default``: the default of the provider (a guest: Debian's kernel; a machine: the running kernel);
        ``running``: the kernel of the machine (for a guest: of the controller); ``package``: a Debian package;
        ``image``: a kernel image; ``recipe``: a kernel to build.
    :ivar suite: where the package is; None: in the machine's own apt sources.
    :ivar modules: the directory that contains ``lib/modules`` of the image; None: no modules.
    :ivar command_line: words to append to the kernel command line of the host.
    :ivar architecture: name of the host's architecture, set by the provider; empty: that of this machine.
    """

    name: str
    source: Literal["default", "running", "package", "image", "recipe"] = "default"
    package: str = ""
    image: Path | None = None
    modules: Path | None = None
    recipe: Recipe | None = None
    command_line: tuple[str, ...] = ()
    suite: Suite | None = None
    architecture: str = ""
