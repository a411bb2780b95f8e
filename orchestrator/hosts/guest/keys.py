"""SSH keys of one guest. Each boot has new ones: no other client can log in, and no other server is accepted."""

from __future__ import annotations

import subprocess
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import HostError
from orchestrator.hosts.guest.find_program import NEEDED, find_program
from orchestrator.hosts.guest.initramfs import Keys


class KeyFiles(Struct, frozen=True):
    """Files of the client: private key in OpenSSH format and known_hosts, both in a private directory."""

    identity: Path
    known_hosts: Path


def make_keys(folder: Path, port: int) -> tuple[Keys, KeyFiles]:
    """Generate the keys of a guest on ``port`` of 127.0.0.1; the client's files are written to ``folder``."""
    host_key = folder / "host_key"
    host_line = _generate(host_key)
    client_key = folder / "client_key"
    client_line = _generate(client_key)
    identity = folder / "identity"
    _run("dropbearconvert", "dropbear", "openssh", str(client_key), str(identity))
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {host_line}\n")
    return Keys(host_key.read_bytes(), client_line), KeyFiles(identity, known_hosts)


def _generate(path: Path) -> str:
    """Generate a key and return its public key as ``TYPE BASE64``."""
    printed = _run("dropbearkey", "-t", "ed25519", "-f", str(path))
    line = next(line for line in printed.splitlines() if line.startswith("ssh-ed25519 "))
    return " ".join(line.split()[:2])


def _run(program: str, *arguments: str) -> str:
    completed = subprocess.run(
        [find_program(program, NEEDED[program]), *arguments], capture_output=True, text=True, check=False
    )
    if completed.returncode:
        raise HostError(f"{program} failed: {completed.stderr.strip()}")
    return completed.stdout
