"""Keys to log in with, in OpenSSH's order: certificates, those of the agent that are configured, its others, files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Struct, field
from paramiko import PKey, SSHException
from paramiko.agent import AgentKey

from orchestrator.hosts.ssh.agent import Agent, Binding
from orchestrator.hosts.ssh.configuration import Configuration
from orchestrator.hosts.ssh.public_keys import (
    algorithms_of,
    is_short,
    plain_key,
    public,
    read_private,
    type_of,
)

Signer = Callable[[bytes, str], Any]


class PublicBlob(Struct, frozen=True):
    """A public key or certificate; paramiko expects these names."""

    key_type: str
    key_blob: bytes


class Identity(Struct, frozen=True):
    """A key to log in with. paramiko calls ``sign_ssh_data`` and sends ``public_blob``."""

    public_blob: PublicBlob
    signer: Signer

    def sign_ssh_data(self, data: bytes, algorithm: str) -> Any:
        """Sign for ``algorithm``; an empty signature if the agent refuses, so that the server asks for another key."""
        try:
            return self.signer(data, algorithm)
        except (SSHException, OSError):
            return b""


class Keyring(Struct):
    """The keys that a configuration offers; ``skipped`` says why files were not used, one line each."""

    configuration: Configuration
    time_limit: float
    binding: Binding | None
    skipped: list[str] = field(default_factory=list)
    agent: Agent | None = None

    def identities(self) -> Iterator[Identity]:
        """Yield the keys to try, in order. A file is read, and a key of the agent signs, only when it is its turn."""
        if self._disabled:
            return
        agent_keys = {bytes(key.blob): key for key in self._agent_keys()}
        for blob, file in self._candidates(list(agent_keys)):
            signer: Signer | None = None
            if blob is None and file is not None and (key := self._load(file)) is not None:
                blob, signer = key.asbytes(), key.sign_ssh_data
            if blob is None:
                continue
            if not self._is_allowed(blob):
                self._skip(
                    f"{file or type_of(blob)}: not allowed by PubkeyAcceptedAlgorithms or RequiredRSASize"
                )
                continue
            signer = signer or self._signer(blob, file, agent_keys)
            if signer is not None:
                yield Identity(PublicBlob(type_of(blob), blob), signer)

    @property
    def _disabled(self) -> str:
        """The keyword that switches public keys off; empty if none does."""
        if self.configuration.value("pubkeyauthentication") == "false":
            return "PubkeyAuthentication no"
        methods = self.configuration.value("preferredauthentications", "publickey")
        return "" if "publickey" in methods.split(",") else f"PreferredAuthentications {methods}"

    def reasons_for_none(self) -> list[str]:
        """Return why there was no key to try."""
        if self._disabled:
            return [f"public key authentication is disabled: {self._disabled}"]
        missing = [str(path) for path in self._identity_files() if not path.exists()]
        return (
            [f"no identities: the agent has none, and these files do not exist: {', '.join(missing)}"]
            if missing
            else []
        )

    def close(self) -> None:
        """Close the connection to the agent."""
        if self.agent is not None:
            self.agent.close()

    def _candidates(self, agent: list[bytes]) -> list[tuple[bytes | None, Path | None]]:
        """Return public keys with their files in OpenSSH's order; None for a public key that is not known yet."""
        files = self._files()
        by_key = {blob: path for blob, path in reversed(files) if blob is not None}
        first = [blob for path in self.configuration.paths("certificatefile") if (blob := public(path))]
        first += [blob for blob in agent if blob in by_key]
        if not self.configuration.flag("identitiesonly"):
            first += [blob for blob in agent if blob not in by_key]
        rest = [(blob, path) for blob, path in files if blob not in first]
        return [*((blob, by_key.get(blob)) for blob in dict.fromkeys(first)), *rest]

    def _files(self) -> list[tuple[bytes | None, Path]]:
        """Return the configured files that there are, each followed by the certificate beside it."""
        files: list[tuple[bytes | None, Path]] = []
        certificates = self.configuration.paths("certificatefile")
        for path in self._identity_files():
            blob = public(path)
            if blob is not None or path.exists():
                files.append((blob, path))
            if not certificates and (certificate := public(Path(f"{path}-cert"))) is not None:
                files.append((certificate, path))
        return files

    def _is_allowed(self, blob: bytes) -> bool:
        """``PubkeyAcceptedAlgorithms`` and ``RequiredRSASize``."""
        accepted = self.configuration.algorithms("pubkeyacceptedalgorithms")
        size = int(self.configuration.value("requiredrsasize", "0"))
        return not algorithms_of(type_of(blob)).isdisjoint(accepted) and not is_short(blob, size)

    def _identity_files(self) -> list[Path]:
        return list(dict.fromkeys(self.configuration.paths("identityfile")))

    def _agent_keys(self) -> tuple[AgentKey, ...]:
        path = self.configuration.value("identityagent", "SSH_AUTH_SOCK")
        if path == "SSH_AUTH_SOCK" or path.startswith("$"):
            path = os.environ.get(path.removeprefix("$"), "none")
        if path in ("none", ""):
            return ()
        with contextlib.suppress(OSError, SSHException):  # as with OpenSSH, an agent that is gone has no keys
            self.agent = Agent(path, self.time_limit)
            if self.binding is not None:
                self.agent.bind(self.binding)
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
                return read_private(path)
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
        self._skip(f"{path}: {reason}")
        return None

    def _skip(self, line: str) -> None:
        if line not in self.skipped:
            self.skipped.append(line)
