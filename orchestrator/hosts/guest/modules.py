"""Kernel modules for the initramfs, in load order.

Dependencies are read from `depends=` in `.modinfo` of the modules: an unpacked Debian package has no modules.dep, which
depmod generates at installation.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import KernelError
from orchestrator.kernels import compressed

_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
_LARGEST = 512 << 20
"""Bytes of a module."""
_SUFFIX = re.compile(r"\.ko(\.(gz|xz|zst))?$")


class Module(Struct, frozen=True):
    """A module and its uncompressed object file."""

    name: str
    code: bytes


def ordered_modules(folder: Path, names: tuple[str, ...]) -> tuple[Module, ...]:
    """Return ``names`` and their dependencies from ``folder`` (``lib/modules/RELEASE``), in load order.

    A module without a file is assumed to be built in. ``KernelError`` if a file cannot be read.
    """
    files = {_name(path): path for path in sorted(folder.rglob("*.ko*")) if _SUFFIX.search(path.name)}
    modules: dict[str, Module] = {}
    visited: set[str] = set()

    def visit(name: str) -> None:
        if name in visited or name not in files:
            return
        visited.add(name)
        code = _read(files[name])
        for dependency in _dependencies(code):
            visit(dependency)
        modules[name] = Module(name, code)

    for name in names:
        visit(name.replace("-", "_"))
    return tuple(modules.values())


def _name(path: Path) -> str:
    return _SUFFIX.sub("", path.name).replace("-", "_")


def _dependencies(code: bytes) -> list[str]:
    match = _DEPENDS.search(code)
    return [name.replace("-", "_") for name in match[1].decode().split(",") if name] if match else []


def _read(path: Path) -> bytes:
    try:
        return compressed.read(path, _LARGEST)
    except KernelError as error:
        raise KernelError(f"cannot read kernel module {error}") from None
    except OSError as error:
        raise KernelError(f"cannot read kernel module {path}: {error.strerror}") from None
