"""The disk of a Debian server: GRUB, systemd, apt and an SSH server, made of packages, kept in the user's cache.

No loop device is needed: the file system is written from a tree (``mke2fs -d``), GRUB's boot sector and core are put
before it, as ``grub-bios-setup`` would. The menu is what
``update-grub`` writes on the machine itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from orchestrator.cache import cache_folder
from tests.integration.conftest import make_key

PACKAGES = (
    "linux-image-cloud-amd64,systemd-sysv,udev,dbus,openssh-server,"
    "grub-pc-bin,grub2-common,kexec-tools,zstd,cron"
)
SUITE = "bookworm"
NEEDED = ("mmdebstrap", "grub-mkimage", "mke2fs", "qemu-system-x86_64", "qemu-img")
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "normal", "configfile")
FIRST_SECTOR = 2048
SIZE_MIB = 2048

_FILES = {
    "etc/fstab": "/dev/vda1 / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "metal\n",
    "etc/systemd/network/10-wired.network": (
        "[Match]\nName=e*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
    ),
    "etc/default/kexec": "LOAD_KEXEC=false\n",
    "etc/default/grub": (
        "GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\n"
        'GRUB_CMDLINE_LINUX="console=ttyS0 net.ifnames=0"\nGRUB_TERMINAL=serial\n'
    ),
    "boot/grub/grub.cfg": (
        "set timeout=0\nsearch --no-floppy --set=root --file /vmlinuz\n"
        "menuentry first { linux /vmlinuz root=/dev/vda1 console=ttyS0 net.ifnames=0\n initrd /initrd.img }\n"
    ),
}
_RECIPE = hashlib.sha256(f"{PACKAGES}{SUITE}{SIZE_MIB}{sorted(_FILES.items())}3".encode()).hexdigest()[:12]


def disk_image() -> Path:
    """Return the folder with ``disk.raw``, ``user_key`` and ``host_key.pub``; made once in some minutes."""
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"the disk of a server takes root and {', '.join(NEEDED)}; missing: {missing}")
    place = cache_folder() / "test-disks" / _RECIPE
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="making-") as name:
        making = Path(name)
        (making / "done").mkdir()
        _make(making, making / "done")
        (making / "done").rename(place)
    return place


def _make(scratch: Path, out: Path) -> None:
    tree = scratch / "tree"
    _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, tree)
    for name, text in _FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    (tree / "root/.ssh/authorized_keys").write_text(make_key(out / "user_key"))
    for old in (tree / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    host_key = make_key(tree / "etc/ssh/ssh_host_ed25519_key")
    (out / "host_key.pub").write_text(host_key)
    _run("systemctl", f"--root={tree}", "enable", "systemd-networkd", "ssh")
    # Where a real machine has had its first boots, so that a comparison sees what a run leaves and not those.
    _run("systemctl", f"--root={tree}", "disable", "apt-daily.timer", "apt-daily-upgrade.timer")
    shutil.copytree("/usr/lib/grub/i386-pc", tree / "boot/grub/i386-pc")
    _run("grub-editenv", tree / "boot/grub/grubenv", "create")
    disk = out / "disk.raw"
    with disk.open("wb") as file:
        file.truncate(SIZE_MIB << 20)
    table = f"label: dos\nstart={FIRST_SECTOR}, type=83, bootable\n"
    subprocess.run(("sfdisk", "--quiet", str(disk)), input=table, text=True, check=True)
    offset = FIRST_SECTOR * 512
    kib = (SIZE_MIB << 10) - offset // 1024
    _run("mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", f"offset={offset}", disk, f"{kib}k")
    core = scratch / "core.img"
    _run("grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub", *GRUB_MODULES)
    with disk.open("r+b") as file:
        file.write(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()[:440])
        file.seek(512)
        assert core.stat().st_size <= offset - 512
        file.write(core.read_bytes())


def _run(*argv: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stderr[-2000:]}"
