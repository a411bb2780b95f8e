"""A node of a test's cluster with an SSH server, which can be rebooted into another kernel.

The kernel is this machine's: a reboot ends all processes of the node and starts its slurmd and sshd again, with another
boot id, another ``/proc/cmdline`` and, under an installed kernel, another ``uname -r``. GRUB's programs and
``systemctl`` are small scripts; the menu entry for the next boot is read as GRUB would.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.integration.sshd import SSHD, free_port, make_key
from tests.slurm.cluster import SLURMD, SLURMSTEPD, Cluster, new_boot

OWN_WORDS = "root=/dev/vda1 quiet"

GRUB_CFG = "load_env; set default=$next_entry; source custom.cfg\n"
TOOLS = {
    "grub-reboot": 'echo "next_entry=$1" >/boot/grub/grubenv\n',
    "grub-editenv": 'case $2 in list) cat "$1" ;; unset) echo "# no entry" >"$1" ;; esac\n',
    "grub-probe": "case $* in *abstraction*) ;; *) echo ext2 ;; esac\n",
    "grub-mkrelpath": 'echo "$1"\n',
    "systemctl": '[ "$1" != reboot ] || : >HERE/request\n',
    "mkinitramfs": 'echo initramfs >"$2"\n',
    "depmod": "",
}
PLACES = ("boot", "modules", "units", "orchestrate")

START = """
bind() { mkdir -p "$2" && mount --bind "HERE/$1" "$2"; }
bind boot /boot && bind modules /lib/modules && bind units /etc/systemd/system && bind orchestrate /var/lib/orchestrate
mount --bind HERE/boot_id /proc/sys/kernel/random/boot_id
mount --bind HERE/cmdline /proc/cmdline
mount --bind HERE FOLDER/node
mkdir -p /run/sshd
SSHD -f HERE/sshd_config
exec SLURMD -D -b -d SLURMSTEPD -N NAME -f FOLDER/slurm.conf
"""


class BootableNode:
    """A node in the place of one that the cluster has started.

    :param as_root: whether its SSH server lets one be root.
    :param boots: whether an installed kernel boots; else the node's own one runs after the reboot.
    :ivar booted: what each reboot has booted: ``own`` or ``installed``.
    """

    def __init__(self, cluster: Cluster, name: str, *, as_root: bool = True, boots: bool = True) -> None:
        self.name = name
        self.booted: list[str] = []
        self._cluster = cluster
        self._boots = boots
        self._here = here = cluster.folder / f"node.{name}"
        for place in ("bin", *PLACES):
            (here / place).mkdir(parents=True, exist_ok=True)
        for tool, text in TOOLS.items():
            (here / "bin" / tool).write_text(f"#!/bin/sh\n{text.replace('HERE', str(here))}")
            (here / "bin" / tool).chmod(0o755)
        (here / "boot/grub").mkdir(exist_ok=True)
        (here / "boot/grub/grub.cfg").write_text(GRUB_CFG)
        (here / "boot/grub/grubenv").write_text("# no entry\n")
        self._serve(as_root)
        (here / "cmdline").write_text(f"{OWN_WORDS}\n")
        cluster.kill_node(name)
        self._start()
        cluster.wait_for(f"sshd of {name}", self._answers)

    @property
    def inventory(self) -> Path:
        """An inventory that says how the node is reached, and nothing about power."""
        variables = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self._port,
            "ansible_ssh_private_key_file": str(self._here / "user_key"),
            "known_hosts_file": str(self._here / "known_hosts"),
        }
        path = self._here / "inventory.yaml"
        path.write_text(yaml.safe_dump({"all": {"hosts": {self.name: variables}}}))
        return path

    @property
    def ssh_config(self) -> str:
        """Lines of an SSH configuration that say the same."""
        return (
            f"Host {self.name}\n  HostName 127.0.0.1\n  Port {self._port}\n  User root\n"
            f"  IdentityFile {self._here}/user_key\n  UserKnownHostsFile {self._here}/known_hosts\n"
        )

    @property
    def files(self) -> list[str]:
        """What a run has left in its /boot and among its modules and units."""
        found = (path for place in PLACES[:3] for path in (self._here / place).rglob("*"))
        return [str(path) for path in found if path.name not in ("grub", "grub.cfg", "grubenv")]

    @contextmanager
    def rebooting(self) -> Iterator[None]:
        """Reboot the node whenever it asks for it."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                if (self._here / "request").exists():
                    self._reboot()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _answers(self) -> bool:
        assert self._cluster.nodes[self.name].poll() is None, (self._here / "errors").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _reboot(self) -> None:
        self._cluster.kill_node(self.name)
        (self._here / "request").unlink()
        grub = self._here / "boot/grub"
        is_once = "next_entry=orchestrate" in (grub / "grubenv").read_text()
        (grub / "grubenv").write_text("next_entry=\n")
        words = OWN_WORDS
        if is_once and self._boots:
            entry = (grub / "custom.cfg").read_text().splitlines()
            words = next(line.partition("vmlinuz ")[2] for line in entry if "linux " in line)
        (self._here / "cmdline").write_text(f"{words}\n")
        self._start()
        self.booted.append("own" if words == OWN_WORDS else "installed")

    def _start(self) -> None:
        here, cluster = self._here, self._cluster
        (here / "boot_id").write_text(f"{new_boot()}\n")
        text = START
        for word, value in (
            ("HERE", here),
            ("FOLDER", cluster.folder),
            ("SLURMSTEPD", SLURMSTEPD),
            ("SLURMD", SLURMD),
            ("SSHD", SSHD),
            ("NAME", self.name),
        ):
            text = text.replace(word, str(value))
        is_installed = "orchestrate.kernel" in (here / "cmdline").read_text()
        as_release = ("setarch", "--uname-2.6") if is_installed else ()
        cluster.nodes[self.name] = subprocess.Popen(
            ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *as_release, "sh", "-ec", text),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(here / "errors").open("a"),
            env={**os.environ, **cluster.environment},
            start_new_session=True,
        )

    def _serve(self, as_root: bool) -> None:
        here, self._port = self._here, free_port()
        host_key = make_key(here / "host_key")
        (here / "authorized_keys").write_text(make_key(here / "user_key"))
        (here / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {host_key}")
        nobody = (
            'ForceCommand setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"\n'
        )
        (here / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self._port}\nHostKey {here}/host_key\n"
            f"AuthorizedKeysFile {here}/authorized_keys\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPermitRootLogin yes\nMaxSessions 50\n"
            f"SetEnv SHLVL=2 PATH={here}/bin:/usr/sbin:/usr/bin:/sbin:/bin\n{'' if as_root else nobody}"
        )
