"""Lines of known_hosts files. ``ssh-keygen -F`` finds those of a host, so that names match as for ``ssh``."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from paramiko import HostKeys

from orchestrator import process_groups
from orchestrator.errors import HostError
from orchestrator.hosts.ssh.configuration import LIMIT_S, Configuration
from orchestrator.hosts.ssh.public_keys import decoded, type_of

CA, REVOKED = "@cert-authority", "@revoked"
_FOUND = re.compile(r"# Host .* found: line (\d+)")


class Entry(Struct, frozen=True):
    """A line of a known_hosts file that names the host."""

    marker: str
    blob: bytes
    file: Path
    line: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"


def known_hosts_files(configuration: Configuration) -> list[Path]:
    """Return the user's known_hosts files and the global ones."""
    return [*configuration.files("userknownhostsfile"), *configuration.files("globalknownhostsfile")]


def look_up(configuration: Configuration, name: str, key: bytes = b"") -> list[Entry]:
    """Return the lines for a name in the files and in what ``KnownHostsCommand`` prints.

    :param key: the key of the server, once it is known.
    """
    entries = [entry for path in known_hosts_files(configuration) for entry in _entries(path, name)]
    command = configuration.value("knownhostscommand")
    return entries if command == "none" else [*entries, *_ask(configuration, command, name, key)]


def add(configuration: Configuration, names: Sequence[str], key: bytes) -> None:
    """Append a key to the user's first known_hosts file; as with OpenSSH, a file that cannot be written is left.

    :param names: of the host, in one line unless they are hashed.
    """
    files = configuration.files("userknownhostsfile")
    if not files:
        return
    path = files[0]
    hashed = configuration.flag("hashknownhosts")
    starts = [HostKeys.hash_host(name) for name in names] if hashed else [",".join(names)]
    end = f" {type_of(key)} {base64.b64encode(key).decode()}\n"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        ends = not path.is_file() or not (text := path.read_bytes()) or text.endswith(b"\n")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
            file.write(("" if ends else "\n") + "".join(f"{start}{end}" for start in starts))


def _entries(path: Path, name: str) -> Iterator[Entry]:
    """Yield the lines of a known_hosts file for ``name``; damaged ones are skipped, as by OpenSSH."""
    if not path.exists():
        return
    completed = subprocess.run(
        ("ssh-keygen", "-F", name, "-f", str(path)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    number = ""
    for line in completed.stdout.splitlines():
        if found := _FOUND.match(line):
            number = found[1]
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0] == "#" or marker not in ("", CA, REVOKED):
            continue
        blob = decoded(words[1], words[2])
        if blob is not None:
            yield Entry(marker, blob, path, number)


def _ask(configuration: Configuration, command: str, name: str, key: bytes) -> list[Entry]:
    """Return what ``KnownHostsCommand`` prints: nothing if it cannot be executed; ``HostError`` if it fails."""
    tokens = {"H": name, "I": "ORDER", "t": "NONE", "K": "NONE", "f": "NONE"}
    if key:
        fingerprint = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        encoded = base64.b64encode(key).decode()
        tokens |= {"I": "HOSTNAME", "t": type_of(key), "K": encoded, "f": f"SHA256:{fingerprint}"}
    argv = [configuration.expand(word, tokens) for word in shlex.split(command)]
    with tempfile.NamedTemporaryFile() as file, contextlib.suppress(OSError):
        try:
            done = process_groups.run(
                argv,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=LIMIT_S,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise HostError(f"KnownHostsCommand failed: {error}") from None
        file.write(done.stdout)
        file.flush()
        return [replace(entry, file=Path(argv[0])) for entry in _entries(Path(file.name), name)]
    return []
