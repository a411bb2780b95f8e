"""Keys of one guest, made anew for each boot: nobody else can log in, and nothing else can pose as the guest."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import HostError
from orchestrator.hosts.guest.initramfs import Keys, find_program

PACKAGE = "dropbear-bin"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """What a client needs: its private key (OpenSSH's form) and the known_hosts file, both in a private folder."""

    identity: Path
    known_hosts: Path


def make_keys(folder: Path, port: int) -> tuple[Keys, KeyFiles]:
    """Make the keys of a guest that answers on ``port`` of 127.0.0.1; the client's part goes into ``folder``."""
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
    """Make a key and return its public half as ``TYPE BASE64``."""
    printed = _run("dropbearkey", "-t", "ed25519", "-f", str(path))
    line = next(line for line in printed.splitlines() if line.startswith("ssh-ed25519 "))
    return " ".join(line.split()[:2])


def _run(program: str, *arguments: str) -> str:
    answer = subprocess.run(
        [find_program(program, PACKAGE), *arguments], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise HostError(f"{program} failed: {answer.stderr.strip()}")
    return answer.stdout
