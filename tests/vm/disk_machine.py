"""A Debian server that boots from its disk under QEMU, as a replacement for bare metal. Accessible by SSH only."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from tests.integration.sshd import free_port
from tests.vm.disk_image import disk_image

BOOT_S = 1200.0
"""Time limit for a busy machine; no test measures it."""

BOOT = "cat /proc/sys/kernel/random/boot_id"

STATE = r"""
echo "default: $(grep '^set default\|^   set default' /boot/grub/grub.cfg | sort -u | tr '\n' ' ')"
grub-editenv list 2>/dev/null | sed 's/^/grubenv: /'
ls /boot /boot/grub /lib/modules | sed 's/^/file: /'
find /efi | sed 's/^/file: /'
for f in /sys/firmware/efi/efivars/Loader*; do
    [ ! -e "$f" ] || echo "${f##*/}: $(tr -d '\0' <"$f" | tail -c +5)"
done | grep -v 'Time\|Random\|LoaderEntries'
echo "kexec: $(cat /sys/kernel/kexec_loaded)"
find /etc -type f -newer /root/before 2>/dev/null | grep -v /etc/resolv | sed 's/^/changed: /'
sha256sum /boot/grub/grub.cfg
uname -r
for f in /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/mm/transparent_hugepage/defrag \
    /sys/kernel/mm/transparent_hugepage/khugepaged/defrag; do echo "$f: $(cat $f)"; done
sysctl -a 2>/dev/null |
    grep -v 'fs.quota\|_reserve_kbytes\|min_free_kbytes\|tcp_mem\|udp_mem\|threads-max\|max_[a-z]*_namespaces' |
    grep -v 'random\|dentry\|inode-\|inode_\|file-nr\|nr_open\|ns_last_pid\|pty.nr\|sched_domain'
systemctl list-units --all --type=service,timer --plain --no-legend --property=Id |
    grep -v '@\|^session\|^user\|systemd-tmpfiles-clean.service\|dpkg-db-backup.service' |
    grep -v 'e2scrub_all.service\|systemd-fsckd.service' |
    awk '{ print "unit:", $1, $3 }'
systemctl list-unit-files --no-legend | sed 's/^/enabled: /'
"""
"""Prints all that a run must restore, a line each. Counters and values that depend on free memory at boot are left
out, as they differ between any two boots. LoaderEntries lists what systemd-boot found at boot, not the current
entries."""


Firmware = Literal["bios", "uefi"]
OVMF = Path("/usr/share/OVMF")


@dataclass
class DiskMachine:
    """A running machine.

    :ivar folder: contains its disk, console log, monitor and inventory.
    """

    folder: Path
    keys: Path
    port: int

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yaml"

    @property
    def console(self) -> Path:
        return self.folder / "serial.log"

    @property
    def monitor(self) -> Path:
        return self.folder / "monitor"

    @property
    def variables(self) -> dict[str, object]:
        """Its variables in the inventory, without ``power``."""
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.keys / "user_key"),
            "known_hosts_file": str(self.folder / "known_hosts"),
            "console": ["tail", "-n", "0", "-F", str(self.console)],
        }

    @property
    def power(self) -> dict[str, str]:
        """Its power control."""
        return {"qemu_monitor": str(self.monitor)}

    def write_inventory(self, power: object) -> None:
        hosts = {"metal": {**self.variables, "power": power}}
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def ssh(self, line: str) -> str:
        """Run a shell line on it with OpenSSH's client."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "UserKnownHostsFile": self.folder / "known_hosts",
            "IdentityFile": self.keys / "user_key",
            "IdentitiesOnly": "yes",
        }
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        done = subprocess.run(
            ["ssh", "-F", "none", *words, "-p", str(self.port), "root@127.0.0.1", line],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode == 255:
            raise ConnectionError(done.stderr)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + BOOT_S
        while True:
            try:
                self.ssh("systemctl is-system-running --wait || true")
                return
            except (ConnectionError, subprocess.TimeoutExpired):
                assert time.monotonic() < deadline, self.console.read_text(errors="replace")[-3000:]
                time.sleep(1)

    def reboot(self) -> None:
        """Reboot it."""
        boot = self.ssh(BOOT)
        self.ssh("(sleep 1; systemctl reboot) >/dev/null 2>&1 </dev/null &")
        now = boot
        while now == boot:
            time.sleep(1)
            self.wait()
            with contextlib.suppress(ConnectionError):  # it may go down at any moment
                now = self.ssh(BOOT)

    def state(self) -> list[str]:
        """See :data:`STATE`."""
        return sorted(self.ssh(STATE).splitlines())


def changes(before: list[str], after: list[str]) -> list[str]:
    """Return the changes that a run has left: old lines with ``-``, new ones with ``+``."""
    return [f"- {line}" for line in before if line not in after] + [
        f"+ {line}" for line in after if line not in before
    ]


def _board(folder: Path, firmware: Firmware) -> str:
    """Processors and firmware; with UEFI one CPU only, as OVMF takes minutes to start a second one in one thread."""
    nodes = "-numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,memdev=m1"
    if firmware == "bios":
        return f"-smp 2,sockets=2 {nodes},cpus=1"
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", folder / "variables.fd")
    flash = "-drive if=pflash,format=raw"
    return (
        f"-smp 1 {nodes} {flash},readonly=on,file={OVMF}/OVMF_CODE_4M.fd {flash},file={folder}/variables.fd"
    )


@contextmanager
def disk_machine(folder: Path, firmware: Firmware = "bios") -> Iterator[DiskMachine]:
    """Run a machine with its own disk for the length of the context.

    It has a watchdog, and with UEFI it is systemd-boot that boots it.
    """
    image = disk_image()
    disk = folder / "disk.qcow2"
    backing = ("-b", str(image / "disk.raw"), "-F", "raw")
    subprocess.run(("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(disk)), check=True)
    machine = DiskMachine(folder, image, free_port())
    key = " ".join((image / "host_key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{machine.port} {key}\n")
    # One thread: with several, QEMU 7.2 leaves a CPU stuck now and then on a busy machine.
    argv = (
        "qemu-system-x86_64 -machine q35 -accel tcg,thread=single -cpu max,-erms,-fsrm -m 1024 "
        "-object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M "
        f"{_board(folder, firmware)} "
        f"-drive file={disk},if=virtio,format=qcow2,cache=unsafe "
        f"-netdev user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{machine.port}-:22 -device virtio-net-pci,netdev=n "
        "-device i6300esb -action watchdog=reset "
        f"-serial file:{machine.console} -monitor unix:{machine.monitor},server=on,wait=off -display none"
    ).split()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        machine.wait()
        machine.ssh("update-grub >/dev/null 2>&1")
        machine.reboot()  # its first boot under its own menu, and the last one that makes things for the first time
        machine.ssh("touch /root/before")
        yield machine
    finally:
        process.kill()
        process.wait()
