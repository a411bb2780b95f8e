"""Host keys, judged as OpenSSH judges them. ``ssh-keygen -F`` looks them up, so that names match as for ``ssh``."""

from __future__ import annotations

import base64
import ipaddress
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from paramiko import PKey

from orchestrator.errors import HostKeyRefused
from orchestrator.hosts.ssh.certificates import authority_of, fault_of
from orchestrator.hosts.ssh.configuration import Configuration, default_host_key_algorithms
from orchestrator.hosts.ssh.known_hosts import CA, REVOKED, Entry, add, known_hosts_files, look_up
from orchestrator.hosts.ssh.public_keys import CERTIFICATE, decoded, is_short, plain_key, type_of

DEFAULT_PORT = 22
_UNREADABLE_LIST = 255
"""Exit code of ``ssh-keygen -Q`` for a file that is no key revocation list."""


class Verdict(Enum):
    """What known_hosts files say of a key: OpenSSH's HOST_OK, HOST_NEW, HOST_CHANGED and HOST_REVOKED."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"
    REVOKED = "revoked"


class HostKeyPolicy:
    """Judges the host key of one host.

    :param peer: the IP address of the connection; empty where a proxy or a jump host connects.
    """

    def __init__(self, configuration: Configuration, peer: str) -> None:
        self._configuration = configuration
        self._peer = peer
        self._files = known_hosts_files(configuration)
        self._alias = configuration.value("hostkeyalias", "")
        self._name = self._alias or _with_port(configuration.host, configuration.port)
        self._entries = self._look_up(self._name)

    def order(self, supported: Sequence[str]) -> list[str]:
        """Return the configured algorithms among those ``supported``, in OpenSSH's order: those of known keys first."""
        wanted = self._configuration.algorithms("hostkeyalgorithms")
        algorithms = [name for name in wanted if name in supported]
        known = {type_of(entry.blob) for entry in self._entries if not entry.marker}
        certified = any(entry.marker == CA for entry in self._entries)
        plain = [_key_type(name) for name in algorithms if not name.endswith(CERTIFICATE)]
        default = default_host_key_algorithms()
        order = [name for name in wanted if name in default]
        reordered = order != [name for name in default if name in order]
        if reordered or (plain and plain[0] in known):
            return algorithms
        return sorted(
            algorithms,
            key=lambda name: not (certified if name.endswith(CERTIFICATE) else _key_type(name) in known),
        )

    def check(self, key: PKey) -> None:
        """Accept the key of a server, and record a new one where the configuration says so; else ``HostKeyRefused``."""
        if self._is_exempt():
            return
        blob = key.public_blob.key_blob if key.public_blob is not None else key.asbytes()
        self._check_revoked_keys(blob)
        size = int(self._configuration.value("requiredrsasize", "0"))
        if is_short(blob, size):
            raise HostKeyRefused(
                f"Host key verification failed. The RSA key is shorter than RequiredRSASize {size}"
            )
        # Again, as a proxy command may write the files, and KnownHostsCommand may depend on the key.
        self._entries = self._look_up(self._name, blob)
        strict = self._configuration.value("stricthostkeychecking", "ask")
        verdict = self._judge(blob, self._entries)
        if verdict is Verdict.NEW and not self._alias and self._configuration.port != DEFAULT_PORT:
            without_port = self._judge(blob, self._look_up(self._configuration.host, blob))
            verdict = Verdict.KNOWN if without_port is Verdict.KNOWN else verdict
        address = self._address_name
        of_address = self._look_up(address, blob) if address else []
        by_address = self._judge(blob, of_address)
        new_address = [address] if address and by_address is Verdict.NEW else []
        if verdict is Verdict.NEW and strict in ("false", "accept-new"):
            add(self._configuration, [self._name, *new_address], plain_key(blob))
        elif verdict is not Verdict.KNOWN and strict != "false":
            raise HostKeyRefused(f"Host key verification failed. {self._refusal(verdict, key)}")
        elif verdict is Verdict.KNOWN and new_address and not type_of(blob).endswith(CERTIFICATE):
            add(self._configuration, new_address, blob)
        if by_address is Verdict.CHANGED and strict != "false":
            places = ", ".join(entry.place for entry in of_address)
            raise HostKeyRefused(
                f"Host key verification failed. The host key of {self._name} differs from that of its "
                f"IP address {address} ({places}); if it is correct, remove the old key"
            )

    def _judge(self, blob: bytes, entries: Sequence[Entry]) -> Verdict:
        """Compare with a host's lines; a certificate that does not hold is judged by its key alone."""
        key = plain_key(blob)
        certified = type_of(blob).endswith(CERTIFICATE)
        signers = {authority_of(blob).key} if certified else set()
        if any(entry.marker == REVOKED and entry.blob in {key, blob, *signers} for entry in entries):
            return Verdict.REVOKED
        trusted = any(entry.marker == CA and entry.blob in signers for entry in entries)
        if trusted and not self._certificate_fault(blob):
            return Verdict.KNOWN
        plain = [entry.blob for entry in entries if not entry.marker]
        if key in plain:
            return Verdict.KNOWN
        return Verdict.CHANGED if plain else Verdict.NEW

    def _certificate_fault(self, blob: bytes) -> str:
        name = self._alias or self._configuration.host
        return fault_of(blob, name, self._configuration.algorithms("casignaturealgorithms"))

    def _is_exempt(self) -> bool:
        """``NoHostAuthenticationForLocalhost``."""
        return (
            self._configuration.flag("nohostauthenticationforlocalhost")
            and not self._alias
            and self._is_loopback
        )

    @property
    def _is_loopback(self) -> bool:
        return bool(self._peer) and ipaddress.ip_address(self._peer).is_loopback

    @property
    def _address_name(self) -> str:
        """``CheckHostIP``: the name of the IP address in known_hosts; empty where OpenSSH does not check it."""
        checked = self._configuration.flag("checkhostip") and bool(self._peer) and not self._alias
        if not checked or self._is_loopback or self._peer == self._configuration.host:
            return ""
        return _with_port(self._peer, self._configuration.port)

    def _look_up(self, name: str, key: bytes = b"") -> list[Entry]:
        return look_up(self._configuration, name, key)

    def _check_revoked_keys(self, blob: bytes) -> None:
        """``RevokedHostKeys``: a key revocation list, or public keys, one on a line."""
        for path in self._configuration.paths("revokedhostkeys"):
            try:
                text = path.read_text(errors="replace")
            except OSError as error:
                raise HostKeyRefused(
                    f"Host key verification failed. RevokedHostKeys {path}: {error.strerror}"
                ) from error
            revoked = {decoded(*words[:2]) for line in text.splitlines() if len(words := line.split()) > 1}
            signers = {authority_of(blob).key} if type_of(blob).endswith(CERTIFICATE) else set()
            if _is_in_revocation_list(path, blob) or revoked & {blob, plain_key(blob), *signers}:
                raise HostKeyRefused(f"Host key verification failed. The host key is revoked by {path}")

    def _refusal(self, verdict: Verdict, key: PKey) -> str:
        shown = f"{key.get_name()} {key.fingerprint}"
        if verdict is Verdict.REVOKED:
            places = [entry.place for entry in self._entries if entry.marker == REVOKED]
            return f"The host key of {self._name} ({shown}) is marked as revoked: {', '.join(places)}"
        if verdict is Verdict.CHANGED:
            old = [entry for entry in self._entries if not entry.marker and entry.blob != key.asbytes()]
            where = f" ({', '.join(entry.place for entry in old)})" if old else ""
            files = [str(entry.file) for entry in old if entry.file in self._files]
            command = (
                f" with: ssh-keygen -R {shlex.quote(self._name)} -f {shlex.quote(files[0])}" if files else ""
            )
            return (
                f"REMOTE HOST IDENTIFICATION HAS CHANGED: {self._name} now has {shown}; if it is correct, "
                f"remove the old key{where}{command}"
            )
        where = self._alias or f"{self._configuration.host} port {self._configuration.port}"
        if self._configuration.flag("verifyhostkeydns"):
            where += " (VerifyHostKeyDNS is not supported)"
        return (
            f"No host key is known for {where}; connect once with ssh and check the key, "
            f"or add it to {self._files[0] if self._files else 'a UserKnownHostsFile'}"
        )


def _is_in_revocation_list(path: Path, blob: bytes) -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as file:
        file.write(f"{type_of(blob)} {base64.b64encode(blob).decode()}\n")
        file.flush()
        argv = ("ssh-keygen", "-Q", "-f", str(path), file.name)
        code = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
    return code not in (0, _UNREADABLE_LIST)


def _with_port(host: str, port: int) -> str:
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def _key_type(algorithm: str) -> str:
    """Return the type of key of a signature algorithm."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm
