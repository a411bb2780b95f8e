"""Keys to log in with, in OpenSSH's order: certificates, those of the agent that are configured, its others, files."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_identity,
)
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey, SSHException
from paramiko.agent import AgentKey, AgentSSH

from orchestrator.hosts.ssh.configuration import Configuration

CERTIFICATE = "-cert-v01@openssh.com"
_PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"

Signer = Callable[[bytes, str], Any]


@dataclass(frozen=True, slots=True)
class PublicBlob:
    """A public key or certificate; paramiko expects these names."""

    key_type: str
    key_blob: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """A key to log in with. paramiko calls ``sign_ssh_data`` and sends ``public_blob``."""

    public_blob: PublicBlob
    signer: Signer

    def sign_ssh_data(self, data: bytes, algorithm: str) -> Any:
        """Sign for ``algorithm``."""
        return self.signer(data, algorithm)


class Agent(AgentSSH):
    """An SSH agent at a socket."""

    def __init__(self, path: str, time_limit: float) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(time_limit)
            connection.connect(path)
            self._connect(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._close()


@dataclass(slots=True)
class Keyring:
    """The keys that a configuration offers; ``skipped`` says why files were not used, one line each."""

    configuration: Configuration
    time_limit: float
    skipped: list[str] = field(default_factory=list)
    agent: Agent | None = None

    def identities(self) -> Iterator[Identity]:
        """Yield the keys to try, in order. A file is read, and a key of the agent signs, only when it is its turn."""
        agent_keys = {bytes(key.blob): key for key in self._agent_keys()}
        files = self._files()
        accepted = set(self.configuration.algorithms("pubkeyacceptedalgorithms"))
        for blob in self._order(list(agent_keys), files):
            file = files.get(blob)
            if blob is not None and accepted and not accepted & _algorithms(type_of(blob)):
                continue
            if blob is None:
                for path in self._unknown():
                    key = self._load(path)
                    if key is not None and (not accepted or accepted & _algorithms(key.get_name())):
                        yield Identity(PublicBlob(key.get_name(), key.asbytes()), key.sign_ssh_data)
                continue
            signer = self._signer(blob, file, agent_keys)
            if signer is not None:
                yield Identity(PublicBlob(type_of(blob), blob), signer)

    def close(self) -> None:
        """Close the connection to the agent."""
        if self.agent is not None:
            self.agent.close()

    def _order(self, agent: list[bytes], files: dict[bytes | None, Path]) -> list[bytes | None]:
        """Return the public keys in the order of OpenSSH; None for files whose public key is not known."""
        named = [blob for path in self.configuration.paths("certificatefile") if (blob := public(path))]
        of_agent = [blob for blob in agent if blob in files]
        if not self.configuration.flag("identitiesonly"):
            of_agent += [blob for blob in agent if blob not in files]
        return list(dict.fromkeys([*named, *of_agent, *files]))

    def _files(self) -> dict[bytes | None, Path]:
        """Return the configured files by their public key, each with its certificate beside it."""
        files: dict[bytes | None, Path] = {}
        certificates = self.configuration.paths("certificatefile")
        for path in self._identity_files():
            blob = public(path)
            if blob is not None:
                files.setdefault(blob, path)
            elif path.exists():
                files.setdefault(None, path)
            if not certificates and (certificate := public(Path(f"{path}-cert"))) is not None:
                files.setdefault(certificate, path)
        return files

    def _unknown(self) -> list[Path]:
        return [path for path in self._identity_files() if path.exists() and public(path) is None]

    def _identity_files(self) -> list[Path]:
        return self.configuration.paths("identityfile")

    def _agent_keys(self) -> tuple[AgentKey, ...]:
        path = self.configuration.value("identityagent", "SSH_AUTH_SOCK")
        if path == "SSH_AUTH_SOCK" or path.startswith("$"):
            path = os.environ.get(path.removeprefix("$"), "none")
        if path in ("none", ""):
            return ()
        with contextlib.suppress(OSError, SSHException):  # as with OpenSSH, an agent that is gone has no keys
            self.agent = Agent(path, self.time_limit)
            keys: tuple[AgentKey, ...] = self.agent.get_keys()
            return keys
        return ()

    def _signer(self, blob: bytes, file: Path | None, agent_keys: dict[bytes, AgentKey]) -> Signer | None:
        """Return what signs for a public key or certificate: the agent, else a file; None if neither can."""
        plain = plain_key(blob)
        for candidate in (blob, plain):
            if candidate in agent_keys:
                return agent_keys[candidate].sign_ssh_data
        paths = [file] if file is not None else []
        paths += [path for path in self._identity_files() if public(path) == plain and path not in paths]
        for path in paths:
            key = self._load(path)
            if key is not None:
                return key.sign_ssh_data
        return None

    def _load(self, path: Path) -> PKey | None:
        """Load a private key; None for one that cannot be used, with the reason in ``skipped``."""
        reason = ""
        try:
            status = path.stat()
            if path.suffix == ".pub":
                reason = "a public key, and the agent does not have its private key; add it with ssh-add"
            elif status.st_uid == os.getuid() and status.st_mode & 0o077:
                reason = f"permissions {status.st_mode & 0o777:04o} are too open; run: chmod 600 {path}"
            else:
                return _read_private(path)
        except FileNotFoundError:
            reason = "No such file or directory"
        except OSError as error:
            reason = str(error.strerror)
        except TypeError:  # cryptography's, for an encrypted key and no passphrase
            reason = f"encrypted, and the agent does not have it; run: ssh-add {path}"
        except UnsupportedAlgorithm:  # such as that of a hardware key
            reason = f"only the agent can use this type of key; run: ssh-add {path}"
        except (ValueError, SSHException) as error:
            reason = f"invalid key: {error}"
        line = f"{path}: {reason}"
        if line not in self.skipped:
            self.skipped.append(line)
        return None


def _read_private(path: Path) -> PKey:
    """Read a private key in any format that OpenSSH reads; paramiko itself does not read PKCS 8."""
    data = path.read_bytes()
    try:
        loaded: Any = load_ssh_private_key(data, None)
    except ValueError:
        loaded = load_pem_private_key(data, None)
    text = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    name = type_of(_public_part(text))
    key_class: Any = {"ssh-rsa": RSAKey, "ssh-ed25519": Ed25519Key}.get(name, ECDSAKey)
    key: PKey = key_class.from_private_key(io.StringIO(text))
    return key


def public(path: Path) -> bytes | None:
    """Return the public key or certificate of a file or of ``FILE.pub``; None if there is none."""
    for file in (path, Path(f"{path}.pub")):
        with contextlib.suppress(OSError, ValueError, IndexError, binascii.Error):
            text = file.read_text(errors="replace")
            if text.startswith(_PRIVATE):
                return _public_part(text)
            for line in text.splitlines():
                words = line.split()
                if len(words) > 1 and (blob := decoded(words[0], words[1])) is not None:
                    return blob
    return None


def decoded(key_type: str, text: str) -> bytes | None:
    """Return a public key in base64; None unless it is one of ``key_type``."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob if type_of(blob) == key_type else None


def type_of(blob: bytes) -> str:
    """Return the type of a public key or certificate."""
    return Message(blob).get_string().decode(errors="replace")


def plain_key(blob: bytes) -> bytes:
    """Return the public key of a certificate; anything else as it is."""
    if not type_of(blob).endswith(CERTIFICATE):
        return blob
    try:
        identity = load_ssh_public_identity(f"{type_of(blob)} {base64.b64encode(blob).decode()}".encode())
        words = identity.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001 - a type that cryptography does not know: the agent has it, or nobody
        return blob
    return base64.b64decode(words[1])


def _public_part(text: str) -> bytes:
    """Return the public key in an OpenSSH private key, which is not encrypted."""
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("-----END "))
    message = Message(base64.b64decode("".join(lines[1:end]))[len(_MAGIC) :])
    for _ in range(3):  # cipher, key derivation, its options
        message.get_string()
    message.get_int()
    blob: bytes = message.get_string()
    return blob


def _algorithms(key_type: str) -> set[str]:
    """Return the signature algorithms of a type of key."""
    if key_type == "ssh-rsa":
        return {"rsa-sha2-512", "rsa-sha2-256"}
    if key_type == f"ssh-rsa{CERTIFICATE}":
        return {f"rsa-sha2-512{CERTIFICATE}", f"rsa-sha2-256{CERTIFICATE}"}
    return {key_type}
