"""A machine with two NUMA nodes for clouds that tests run: a guest of this program with an OpenSSH server."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import yaml

from orchestrator.environments import Environment
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.command import script
from orchestrator.hosts.guest.guest import Boot, Guest, Logs, start_guest
from orchestrator.hosts.guest.layout import parse_layout
from orchestrator.kernels.obtain import obtain
from tests.clouds.ssh_machines import CONFIGURATION, next_address
from tests.integration.sshd import SSHD

BOOT_S = 1200.0
"""Time limit for a busy machine; no test measures it."""

LAYOUT = {
    "nodes": [{"cpus": 2, "memory": "1GiB"}, {"cpus": 2, "memory": "1GiB"}],
    "clock": "wall",
    "acceleration": "tcg",
    "programs": [SSHD, "ssh-keygen"],
}
INSIDE = "127.0.0.1"
"""Where OpenSSH listens in the guest, at PORT: port 22 has the guest's own server, by which the test gets in."""
PORT = 2222

SET_UP = f"""
mkdir -p /etc/ssh /run/sshd
echo 'sshd:x:100:65534::/run/sshd:/bin/false' >>/etc/passwd
printf '%s' "$1" >/etc/ssh/ssh_host_ed25519_key
chmod 600 /etc/ssh/ssh_host_ed25519_key
printf '%s\\n' "$2" >/etc/ssh/authorized_keys
printf '%s' "$3" >/etc/ssh/sshd_config
{SSHD}
"""


class NumaGuest:
    """As :class:`~tests.clouds.ssh_machines.SshMachine`, and it boots: its address refuses connections until then."""

    def __init__(self, folder: Path, user_data: str, public_key: str, boot_time: float = 0.0) -> None:
        folder.mkdir(parents=True)
        self.address = next_address()
        self.user_data = user_data
        self._folder = folder
        self._key = yaml.safe_load(user_data)["ssh_keys"]["ed25519_private"]
        self._public_key = public_key.strip()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Switch it off."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        logs = Logs(self._folder / "console.log", self._folder / "qemu.log")
        kernel, layout = obtain(Kernel("default")), parse_layout(LAYOUT)
        guest = start_guest(Boot("numa", layout, Environment.VM_TCG, kernel, logs, BOOT_S))
        try:
            host = guest.connect()
            configuration = CONFIGURATION.format(address=INSIDE).replace(":22\n", f":{PORT}\n")
            host.run(script(SET_UP, self._key, self._public_key, configuration))
            with (self._folder / "forward.log").open("wb") as log:
                forward = subprocess.Popen(self._forward(guest), stdout=log, stderr=log)
                self._over.wait()
                forward.kill()
                forward.wait()
            host.close()
        finally:
            guest.stop()

    def _forward(self, guest: Guest) -> list[str]:
        """Return the command that leads from the machine's address to its server."""
        address = guest.address
        return [
            *("ssh", "-N", "-F", "/dev/null", "-i", str(address.identity_file), "-p", str(address.port)),
            *("-o", f"UserKnownHostsFile={address.known_hosts_file}", "-o", "ExitOnForwardFailure=yes"),
            *("-L", f"{self.address}:22:{INSIDE}:{PORT}", f"root@{address.host}"),
        ]
