"""Logging in with public keys. Nothing asks for a password or a passphrase, as with ``BatchMode yes``."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import time
from collections.abc import Mapping

import paramiko

from orchestrator import process_groups
from orchestrator.errors import HostError, LoginRefused
from orchestrator.hosts.ssh.configuration import LIMIT_S, Configuration
from orchestrator.hosts.ssh.keys import Keyring
from orchestrator.hosts.ssh.transport import Transport
from orchestrator.units import plural


def log_in(configuration: Configuration, transport: Transport, time_limit: float) -> None:
    """Log in with the keys that the configuration offers; ``HostError`` where the server accepts none."""
    try:
        if not transport.auth_none(configuration.user):
            return
        offered: list[str] = []
    except paramiko.BadAuthenticationType as error:
        offered = list(error.allowed_types)
    keyring = Keyring(configuration, time_limit, transport.binding)
    tried = 0
    try:
        for identity in keyring.identities():
            if not _server_accepts(transport, identity.public_blob.key_type):
                continue
            tried += 1
            started = time.monotonic()
            more: list[str] = []
            with contextlib.suppress(paramiko.AuthenticationException):
                more = transport.auth_publickey(configuration.user, identity)  # type: ignore[arg-type]
            if transport.is_authenticated():
                return
            if more and "publickey" not in more:
                raise LoginRefused(_not_enough(configuration, more))
            if not transport.is_active():
                break
            if time.monotonic() - started >= time_limit:
                raise HostError(
                    f"{configuration.user}@{configuration.host}: Login timed out after {time_limit:g} s"
                )
    except paramiko.SSHException:
        if transport.is_active():
            raise
    finally:
        keyring.close()
    if tried and not transport.is_active():
        raise HostError(_too_many(configuration, tried))
    kind = LoginRefused if transport.is_active() else HostError
    raise kind(_refused(configuration, offered, keyring, tried))


def _server_accepts(transport: Transport, key_type: str) -> bool:
    """Whether the server's list of signature algorithms, if it sent one, has one for RSA keys."""
    extensions: Mapping[str, bytes] = transport.server_extensions  # type: ignore[attr-defined]
    listed = extensions.get("server-sig-algs", b"").decode(errors="replace").split(",")
    return (
        "rsa" not in key_type.split("-")
        or listed == [""]
        or any(name.startswith("rsa-sha2") for name in listed)
    )


def _too_many(configuration: Configuration, tried: int) -> str:
    return (
        f"{configuration.user}@{configuration.host}: Too many authentication failures: "
        f"the server closed the connection after {plural(tried, 'key')}; "
        "select one with IdentityFile and IdentitiesOnly yes"
    )


def _not_enough(configuration: Configuration, more: list[str]) -> str:
    """Return the message for a server that accepts the key, and asks for a password or a code as well."""
    methods = ",".join(more)
    return (
        f"{configuration.user}@{configuration.host}: Permission denied ({methods}); the key was accepted, "
        "but the server asks for more, which cannot be answered here"
    )


def _has_master(configuration: Configuration) -> bool:
    """Whether ``ssh`` would use a connection that is open already: ``ControlPath``."""
    address = configuration.address
    argv = ("ssh", "-O", "check", *address.words, "--", address.host)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return not process_groups.run(argv, capture_output=True, timeout=LIMIT_S).returncode
    return False


def _refused(configuration: Configuration, offered: list[str], keyring: Keyring, tried: int) -> str:
    """Return the message for a server that accepts none of the ``tried`` keys."""
    reasons = list(keyring.skipped)
    if not tried and not reasons:
        reasons = keyring.reasons_for_none()
    if configuration.flag("gssapiauthentication") and any("gssapi" in method for method in offered):
        reasons.append("GSSAPIAuthentication is not supported")
    if (provider := configuration.value("pkcs11provider")) != "none":
        reasons.append(f"PKCS11Provider is not supported; add its keys to the agent: ssh-add -s {provider}")
    if _has_master(configuration):
        reasons.append("the open connection of ControlPath is not used; a key is needed")
    if not reasons:
        address = configuration.address
        reasons = [f"try: {shlex.join(['ssh', *address.words, address.host, 'true'])}"]
    # Of what the server accepts, only this is tried; where it is not accepted, the rest says why.
    methods = "publickey" if "publickey" in offered else ",".join(offered)
    return f"{configuration.user}@{configuration.host}: Permission denied ({methods}); {'; '.join(reasons)}"
