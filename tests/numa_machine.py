"""A machine with two NUMA nodes, for tests that start one: a QEMU guest with the files of this machine.

Its root is this machine's, seen through 9p; what it writes stays in its memory. So it has the programs that are
installed here, and needs no image. Directories in ``shared`` are the same on both. The home directory is empty: here
its start-up files may be slow, or may wait for a lock that an overlay does not have.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from orchestrator.experiment.model import Kernel
from orchestrator.hosts.guest import cpio
from orchestrator.hosts.guest.modules import ordered_modules
from orchestrator.hosts.guest.process import SupervisedProcess
from orchestrator.kernels.obtain import obtain

PACKAGE = "linux-image-amd64"
"""Debian's cloud kernel has no 9p."""

MODULES = ("virtio_pci", "virtio_net", "9pnet_virtio", "9p", "overlay")

HOST = "10.0.2.2"
"""This machine, seen from the guest; ports of 127.0.0.1 are reached there."""

INIT = r"""#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs none /dev
mount -t proc none /proc
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
options=trans=virtio,version=9p2000.L,msize=262144
mkdir -p /lower /memory /root
mount -t 9p -o ro,cache=loose,$options root /lower || exec echo "no root"
mount -t tmpfs none /memory
mkdir /memory/changes /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/changes,workdir=/memory/work none /root || exec echo "no overlay"
cd /root
for place in run tmp dev/shm var/lib/orchestrate; do mkdir -p "$place"; done
mount -t devtmpfs none dev
mkdir -p dev/pts dev/shm
mount -t devpts -o ptmxmode=666 none dev/pts
for place in run tmp root dev/shm var/lib/orchestrate; do mount -t tmpfs -o mode=1777 none "$place"; done
mount -t proc none proc
mount -t sysfs none sys
mount -t cgroup2 none sys/fs/cgroup
number=0
while read -r place; do
    mkdir -p "./$place"
    mount -t 9p -o $options "shared$number" "./$place" || exec echo "cannot mount $place"
    number=$((number + 1))
done </shared
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
hostname "$(cat /name)"
cp /start run/start
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
/bin/chroot . /bin/sh /run/start
echo "the first process has ended with $?"
"""


class NumaMachine:
    """A running guest with two nodes of 2 CPUs and 1 GiB.

    :param start: shell lines that it runs as its first process.
    :param shared: directories that it shares with this machine, at the same paths.
    :param forward: ports of this machine that lead to it: address, port, port there.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        start: str,
        shared: Sequence[Path] = (),
        forward: Sequence[tuple[str, int, int]] = (),
    ) -> None:
        self.console = folder / f"{name}.console"
        self._own = Path(tempfile.mkdtemp(prefix="numa-machine-"))
        kernel = obtain(Kernel("stock", source="package", package=PACKAGE))
        assert kernel.modules is not None
        (self._own / "initramfs").write_bytes(_initramfs(kernel.modules, name, start, shared))
        network = ",".join(
            (
                "user,id=net,ipv6=off",
                *(f"hostfwd=tcp:{address}:{port}-10.0.2.15:{to}" for address, port, to in forward),
            )
        )
        argv = (
            *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-nographic", "-no-reboot"),
            *("-machine", "q35,hpet=off", "-accel", "tcg,thread=multi", "-cpu", "max,erms=off,fsrm=off"),
            *("-smp", "4,sockets=2,cores=2", "-m", "2G"),
            *("-object", "memory-backend-ram,id=m0,size=1G", "-numa", "node,nodeid=0,cpus=0-1,memdev=m0"),
            *("-object", "memory-backend-ram,id=m1,size=1G", "-numa", "node,nodeid=1,cpus=2-3,memdev=m1"),
            *("-kernel", str(kernel.image), "-initrd", str(self._own / "initramfs")),
            *("-append", "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check cryptomgr.notests"),
            *("-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console"),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
            *_share("root", Path("/"), ",readonly=on"),
            *(word for number, place in enumerate(shared) for word in _share(f"shared{number}", place)),
        )
        self._process = SupervisedProcess(argv, self._own, self.console.with_suffix(".qemu"))

    def stop(self) -> None:
        """Switch it off."""
        self._process.stop()


def _share(tag: str, path: Path, more: str = "") -> tuple[str, str]:
    # multidevs: this machine's root may have several file systems, whose inode numbers must not clash.
    return "-virtfs", f"local,path={path},mount_tag={tag},security_model=passthrough,multidevs=remap{more}"


def _initramfs(modules: Path, name: str, start: str, shared: Sequence[Path]) -> bytes:
    ordered = ordered_modules(modules, MODULES)
    busybox = Path("/bin/busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return cpio.archive(
        [
            *(cpio.folder(path) for path in ("bin", "dev", "proc", "modules")),
            cpio.character_device("dev/console", 5, 1),
            cpio.file("init", INIT.encode(), 0o755),
            cpio.file("start", start.encode()),
            cpio.file("name", name.encode()),
            cpio.file("shared", "".join(f"{path}\n" for path in shared).encode()),
            cpio.file("bin/busybox", busybox.read_bytes(), 0o755),
            *(cpio.link(f"bin/{applet}", "busybox") for applet in applets if applet != "busybox"),
            *(cpio.file(f"modules/{module.name}.ko", module.code) for module in ordered),
            cpio.file("modules/order", "".join(f"{module.name}\n" for module in ordered).encode()),
        ]
    )
