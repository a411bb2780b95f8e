"""A machine with two NUMA nodes for clouds that tests run: a guest with the files of this machine, and OpenSSH."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.clouds.ssh_machines import CONFIGURATION, next_address
from tests.integration.sshd import SSHD
from tests.numa_machine import NumaMachine

START = """
mount -t tmpfs none /etc/ssh
mkdir -p /run/sshd
cat >/etc/ssh/ssh_host_ed25519_key <<'END'
{host_key}END
chmod 600 /etc/ssh/ssh_host_ed25519_key
echo '{public_key}' >/etc/ssh/authorized_keys
cat >/etc/ssh/sshd_config <<'END'
{configuration}END
{sshd} -D -e
"""


class NumaGuest(NumaMachine):
    """As :class:`~tests.clouds.ssh_machines.SshMachine`, and it boots: until then nobody answers at its address."""

    def __init__(self, folder: Path, user_data: str, public_key: str, boot_time: float = 0.0) -> None:
        folder.mkdir(parents=True)
        self.address = next_address()
        self.user_data = user_data
        start = START.format(
            host_key=yaml.safe_load(user_data)["ssh_keys"]["ed25519_private"],
            public_key=public_key.strip(),
            configuration=CONFIGURATION.format(address="0.0.0.0"),
            sshd=SSHD,
        )
        super().__init__(folder, "numa", start, forward=[(self.address, 22, 22)])
