"""Keys of a run's rented machines: who may log in, and which host key is right before the first connection.

The first host key travels in the user data, which the cloud keeps. Each machine replaces it at its first connection.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script
from orchestrator.hosts.rented.cloud import Access
from orchestrator.hosts.ssh import SshAddress
from orchestrator.kernels.locks import try_locked

ALIAS = "rented-machine"
"""The name under which known_hosts has the host key; addresses of clouds are used again for other machines."""

NEW_KEY_LIMIT_S = 300.0
"""A machine that has just booted still starts services, and may have little entropy."""

_NEW_KEY = """
cd /etc/ssh
[ -f orchestrate_new_key ] || ssh-keygen -q -t ed25519 -N '' -C '' -f orchestrate_new_key
cat orchestrate_new_key.pub
"""
_USE_NEW_KEY = """
cd /etc/ssh
[ -f orchestrate_new_key ] || exit 0
rm -f ssh_host_*_key ssh_host_*_key.pub
mv orchestrate_new_key ssh_host_ed25519_key
mv orchestrate_new_key.pub ssh_host_ed25519_key.pub
systemctl try-restart ssh.service sshd.service 2>/dev/null || kill -HUP "$(cat /run/sshd.pid)"
"""

_USER_DATA = """\
#cloud-config
ssh_deletekeys: true
ssh_genkeytypes: []
ssh_keys:
  ed25519_private: |
{private}
  ed25519_public: {public}
write_files:
  - path: /etc/systemd/system/orchestrate-end.service
    content: |
      [Service]
      Type=oneshot
      ExecStart=/sbin/poweroff
  - path: /etc/systemd/system/orchestrate-end.timer
    content: |
      [Timer]
      OnCalendar={deadline}
      Persistent=true
      [Install]
      WantedBy=timers.target
runcmd:
  - [systemctl, daemon-reload]
  - [systemctl, enable, --now, orchestrate-end.timer]
"""


class Keys:
    """The key files of a run, in a private directory of the controller's cache. They are in no log and no bundle."""

    def __init__(self, run: str) -> None:
        self._folder = cache_folder() / "rented" / run

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Mark the run as active on this controller; yield False if another process has done so."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with try_locked(self._folder.with_suffix(".lock")) as locked:
            yield locked

    @property
    def exist(self) -> bool:
        """Whether this controller can log in to the run's machines."""
        return self._folder.is_dir()

    @property
    def unused(self) -> bool:
        """Whether no machine has been reached with the keys: a request that was interrupted can be repeated."""
        return self.exist and not any(self._folder.glob("known_hosts.*"))

    def create(self) -> None:
        """Generate the keys of new machines."""
        self.remove()
        temporary = self._folder.with_suffix(".new")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True, mode=0o700)
        for name in ("identity", "host_key"):
            _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(temporary / name))
        temporary.rename(self._folder)

    def access(self, deadline: datetime) -> Access:
        """Return what machines are created with; they power themselves off at ``deadline`` (UTC)."""
        private = "".join(f"    {line}\n" for line in self._read("host_key").splitlines()).rstrip("\n")
        return Access(
            public_key=self._read("identity.pub").strip(),
            user_data=_USER_DATA.format(
                private=private,
                public=self._read("host_key.pub").strip(),
                deadline=deadline.strftime("%Y-%m-%d %H:%M:%S UTC"),
            ),
        )

    def address(self, machine: str, user: str, host: str) -> SshAddress:
        """Return the SSH address of a machine."""
        known_hosts = self._known_hosts(machine)
        if not known_hosts.exists():
            self._write_known_hosts(machine, self._read("host_key.pub"))
        return SshAddress(
            host,
            user=user,
            port=22,
            identity_file=self._folder / "identity",
            known_hosts_file=known_hosts,
            config_file=Path(os.devnull),
            options=("-o", f"HostKeyAlias={ALIAS}"),
        )

    def replace_host_key(self, machine: str, host: Host) -> None:
        """Give a machine a host key that was in no user data; may be interrupted at any step and repeated."""
        first = self._read("host_key.pub")
        if first.strip() not in self._known_hosts(machine).read_text(encoding="ascii"):
            return
        new = host.run(script(_NEW_KEY, sudo=True, time_limit=NEW_KEY_LIMIT_S)).stdout
        self._write_known_hosts(machine, first + new)
        host.run(script(_USE_NEW_KEY, sudo=True, time_limit=NEW_KEY_LIMIT_S))
        self._write_known_hosts(machine, new)

    def remove(self) -> None:
        """Delete the keys."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="ascii")

    def _known_hosts(self, machine: str) -> Path:
        return self._folder / f"known_hosts.{machine}"

    def _write_known_hosts(self, machine: str, keys: str) -> None:
        lines = [f"{ALIAS} {line}\n" for line in keys.splitlines() if line]
        temporary = self._folder / "new"
        temporary.write_text("".join(lines), encoding="ascii")
        temporary.rename(self._known_hosts(machine))


def _ssh_keygen(*arguments: str) -> None:
    try:
        subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise HostError("ssh-keygen: command not found; install openssh-client") from None
    except subprocess.CalledProcessError as error:
        raise HostError(f"ssh-keygen: {error.stderr.strip()}") from None
