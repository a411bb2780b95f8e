"""A machine for tests that change settings: a real sshd and real shells in a mount namespace.

``/etc`` is a copy. ``/sys`` and a few files of ``/proc/sys`` are regular files. Services, packages, modules and the
boot menu are managed by small scripts with state in files. The machine that runs the tests is not changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.sshd import Sshd, serve

SYS_FILES = {
    "kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never",
    "kernel/mm/transparent_hugepage/shmem_enabled": "always within_size advise [never] deny force",
    "kernel/mm/transparent_hugepage/khugepaged/defrag": "1",
    "kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0",
    "kernel/mm/ksm/run": "1",
    "devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages": "0",
    "devices/system/node/node0/cpulist": "0-1",
    "devices/system/node/node0/distance": "10",
    "devices/system/node/node0/meminfo": "Node 0 MemTotal: 1000000 kB\nNode 0 MemFree: 900000 kB",
    "devices/system/cpu/online": "0-1",
    "devices/system/cpu/intel_pstate/no_turbo": "0",
    "devices/system/cpu/smt/control": "on",
    **{f"devices/system/cpu/cpu{n}/cpufreq/scaling_governor": "powersave" for n in range(2)},
    **{f"devices/system/cpu/cpu{n}/cpuidle/state{s}/disable": "0" for n in range(2) for s in range(4)},
    "module/dummy/refcnt": "0",
}
PROC_FILES = {"vm/swappiness": "60", "vm/compaction_proactiveness": "20"}

TOOLS = {
    # Units are files; "show" prints the whole file.
    "systemctl": """for unit; do :; done
file=ROOT/units/$unit
case $1 in
show) if [ -e "$file" ]; then cat "$file"; else echo LoadState=not-found; fi ;;
start | restart) sed -i 's/^ActiveState=.*/ActiveState=active/' "$file" ;;
stop) sed -i 's/^ActiveState=.*/ActiveState=inactive/' "$file" ;;
enable) sed -i 's/^UnitFileState=.*/UnitFileState=enabled/' "$file" ;;
disable) sed -i 's/^UnitFileState=.*/UnitFileState=disabled/' "$file" ;;
esac
echo "$*" >>ROOT/calls
""",
    "modprobe": """case $1 in
-r) rmdir "/sys/module/$3" 2>/dev/null || rm -r "/sys/module/$3" ;;
*) [ "$2" != nonesuch ] && mkdir -p "/sys/module/$2" ;;
esac
""",
    "dpkg-query": "sed 's/^/installed /' ROOT/packages\n",
    "apt-get": """echo "apt-get $*" >>ROOT/calls
[ "$1" = install ] || exit 0
for name; do
    case $name in
    install | -*) ;;
    nosuch) echo 'E: Unable to locate package nosuch' >&2; exit 100 ;;
    *) echo "$name" >>ROOT/packages ;;
    esac
done
""",
    "update-grub": """menu=/boot/grub/grub.cfg
. /etc/default/grub
for file in /etc/default/grub.d/*.cfg; do [ ! -e "$file" ] || . "$file"; done
{
    echo "linux /boot/vmlinuz root=/dev/sda1 $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
    echo "  linux /boot/vmlinuz root=/dev/sda1 single $GRUB_CMDLINE_LINUX"
    echo "  linux16 /boot/memtest86+.bin"
} >"$menu"
""",
}


@dataclass(frozen=True)
class Machine:
    """The machine's files, as directories of the machine that runs the tests."""

    root: Path
    sshd: Sshd

    def sys(self, path: str) -> str:
        return (self.root / "sys" / path).read_text().strip()

    def proc(self, path: str) -> str:
        return (self.root / "proc" / path).read_text().strip()

    def unit(self, name: str) -> str:
        return (self.root / "units" / name).read_text()

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def state(self) -> dict[str, str]:
        """Return all files that a run must restore."""
        folders = [self.root / name for name in ("sys", "proc", "units")]
        return {
            str(path.relative_to(self.root)): path.read_text().strip()
            for folder in folders
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


@contextmanager
def start(root: Path) -> Iterator[Machine]:
    """Run a machine in ``root``; skips the test without root or mount namespaces."""
    if os.geteuid() != 0 or subprocess.run(("unshare", "--mount", "true"), check=False).returncode:
        pytest.skip("requires root and mount namespaces")
    write(root / "sys", SYS_FILES)
    write(root / "proc", PROC_FILES)
    for name in ("cron.service", "apt-daily.timer", "ssh.service"):
        write(root / "units", {name: "LoadState=loaded\nActiveState=active\nUnitFileState=enabled"})
    write(root, {"packages": "make\ngcc"})
    for name, text in TOOLS.items():
        write(root / "bin", {name: f"#!/bin/sh\n{text.replace('ROOT', str(root))}"})
        (root / "bin" / name).chmod(0o755)
    shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
    write(root / "etc/default", {"grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"'})
    (root / "etc/default/grub.d").mkdir(exist_ok=True)
    write(root / "boot", {"grub/grub.cfg": "menuentry x {\n\tlinux /boot/vmlinuz root=/dev/sda1 quiet\n}"})
    (root / "base").mkdir()
    Path("/var/lib/orchestrate").mkdir(exist_ok=True)
    mounts = [(root / "sys", "/sys"), (root / "etc", "/etc"), (root / "boot", "/boot")]
    mounts += [(root / "base", "/var/lib/orchestrate")]
    mounts += [(root / "proc" / name, f"/proc/sys/{name}") for name in PROC_FILES]
    script = "".join(f"mount --bind '{here}' '{there}' && " for here, there in mounts) + 'exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    (root / "ssh").mkdir()
    path = f"{root}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with serve(root / "ssh", prefix=prefix, settings=f"SetEnv PATH={path}\n") as sshd:
        yield Machine(root, sshd)
