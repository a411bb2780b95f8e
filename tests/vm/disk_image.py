"""The disk of a Debian server: two boot loaders, systemd, apt and an SSH server, of packages, kept in the user's cache.

Firmware chooses the boot loader: a BIOS starts GRUB, UEFI systemd-boot. No loop device is needed: the file systems are
written from trees (``mke2fs -d``, ``mcopy -s``), GRUB's boot sector and core are put where ``grub-bios-setup`` would.
GRUB's menu is what
``update-grub`` writes on the machine itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from orchestrator.cache import cache_folder
from tests.integration.sshd import make_key

PACKAGES = (
    "linux-image-cloud-amd64,systemd-sysv,udev,dbus,openssh-server,grub-pc-bin,grub2-common,systemd-boot,kexec-tools,"
    "zstd,cron"
)
SUITE = "bookworm"
NEEDED = (
    "mmdebstrap",
    "grub-mkimage",
    "sfdisk",
    "mke2fs",
    "mkfs.vfat",
    "mcopy",
    "qemu-system-x86_64",
    "qemu-img",
)
GRUB_MODULES = ("biosdisk", "part_gpt", "ext2", "normal", "configfile")
SECTOR = 512
CORE_MIB, ESP_MIB, ROOT_MIB = 1, 255, 1791
"""Sizes of the partitions, one after the other from the first MiB on; one is left for the table's copy."""

# Without no_timer_check a kernel that does not get its ticks in time, on a busy host, panics as it starts.
_OWN_WORDS = "console=ttyS0 net.ifnames=0 no_timer_check"
_WORDS = f"root=/dev/vda3 {_OWN_WORDS}"
_FILES = {
    "etc/fstab": (
        "/dev/vda3 / ext4 errors=remount-ro 0 1\n"
        "/dev/vda2 /efi vfat umask=0077,nofail,x-systemd.device-timeout=900 0 0\n"
    ),
    "etc/hostname": "metal\n",
    "etc/systemd/network/10-wired.network": (
        "[Match]\nName=e*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
    ),
    "etc/default/kexec": "LOAD_KEXEC=false\n",
    "etc/default/grub": (
        "GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\n"
        f'GRUB_CMDLINE_LINUX="{_OWN_WORDS}"\nGRUB_TERMINAL=serial\n'
    ),
    "boot/grub/grub.cfg": (
        "set timeout=0\nsearch --no-floppy --set=root --file /vmlinuz\n"
        f"menuentry first {{ linux /vmlinuz {_WORDS}\n initrd /initrd.img }}\n"
    ),
}
_ESP_FILES = {
    "loader/loader.conf": "timeout 0\n",
    "loader/entries/debian.conf": (
        f"title Debian\nlinux /debian/vmlinuz\ninitrd /debian/initrd\noptions {_WORDS}\n"
    ),
}
_PARTS = (PACKAGES, SUITE, CORE_MIB, ESP_MIB, ROOT_MIB, sorted(_FILES.items()), sorted(_ESP_FILES.items()), 1)
_RECIPE = hashlib.sha256(repr(_PARTS).encode()).hexdigest()[:12]


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
    tree, esp = scratch / "tree", scratch / "esp"
    _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, tree)
    _write(tree, _FILES)
    (tree / "efi").mkdir()
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
    _write(esp, _ESP_FILES)
    for folder in ("EFI/BOOT", "debian"):
        (esp / folder).mkdir(parents=True)
    shutil.copy(tree / "usr/lib/systemd/boot/efi/systemd-bootx64.efi", esp / "EFI/BOOT/BOOTX64.EFI")
    for name, link in (("vmlinuz", "vmlinuz"), ("initrd", "initrd.img")):
        shutil.copy(tree / (tree / link).readlink(), esp / "debian" / name)
    _assemble(scratch, tree, esp, out / "disk.raw")


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _assemble(scratch: Path, tree: Path, esp: Path, disk: Path) -> None:
    """Partitions: GRUB's core, the EFI system partition, the root file system."""
    with disk.open("wb") as file:
        file.truncate((2 + CORE_MIB + ESP_MIB + ROOT_MIB) << 20)
    kinds = (
        (CORE_MIB, "21686148-6449-6E6F-744E-656564454649"),
        (ESP_MIB, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"),
        (ROOT_MIB, "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"),
    )
    table = "label: gpt\n" + "".join(f"size={mib}MiB, type={kind}\n" for mib, kind in kinds)
    subprocess.run(("sfdisk", "--quiet", str(disk)), input=table, text=True, check=True)
    root = (1 + CORE_MIB + ESP_MIB) << 20
    _run("mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", f"offset={root}", disk, f"{ROOT_MIB}M")
    fat = scratch / "esp.img"
    _run("mkfs.vfat", "-F", "32", "-C", fat, str(ESP_MIB << 10))
    _run("mcopy", "-i", fat, "-s", *sorted(esp.iterdir()), "::")
    core = scratch / "core.img"
    _run("grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,gpt3)/boot/grub", *GRUB_MODULES)
    first = (1 << 20) // SECTOR  # of the core
    boot_sector = bytearray(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()[:440])
    struct.pack_into("<Q", boot_sector, 0x5C, first)
    image = bytearray(core.read_bytes())
    struct.pack_into("<Q", image, SECTOR - 12, first + 1)  # where its first sector finds the others
    assert len(image) <= CORE_MIB << 20
    with disk.open("r+b") as file:
        file.write(boot_sector)
        file.seek(first * SECTOR)
        file.write(image)
        file.seek((1 + CORE_MIB) << 20)
        file.write(fat.read_bytes())


def _run(*argv: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stderr[-2000:]}"
