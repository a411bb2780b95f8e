"""Host certificates, judged as OpenSSH judges them."""

from __future__ import annotations

import base64
import re
import time

from cryptography.hazmat.primitives.serialization import (
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)
from msgspec import Struct
from paramiko import Message

from orchestrator.hosts.ssh.configuration import openssh_version
from orchestrator.hosts.ssh.public_keys import CERTIFICATE, type_of

_KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
}

_WITH_WILDCARDS = (10, 3)


class Authority(Struct, frozen=True):
    """Who signed a certificate: the public key, and the algorithm of the signature."""

    key: bytes
    algorithm: str


def authority_of(blob: bytes) -> Authority:
    """Return who signed a certificate."""
    message = Message(blob)
    plain = message.get_string().decode().removesuffix(CERTIFICATE)
    for _ in range(1 + _KEY_FIELDS[plain]):  # nonce, then the key
        message.get_string()
    message.get_int64()  # serial
    message.get_int()  # type
    message.get_string()  # key id
    message.get_string()  # principals
    message.get_int64()  # valid after
    message.get_int64()  # valid before
    for _ in range(3):  # critical options, extensions, reserved
        message.get_string()
    key = message.get_string()
    return Authority(key, Message(message.get_string()).get_string().decode())


def fault_of(blob: bytes, host: str, algorithms: list[str]) -> str:
    """Return why a certificate does not identify ``host``; empty if it does. Its authority is not judged here."""
    certificate = load_ssh_public_identity(f"{type_of(blob)} {base64.b64encode(blob).decode()}".encode())
    assert isinstance(certificate, SSHCertificate)
    try:
        certificate.verify_cert_signature()
    except Exception as error:  # noqa: BLE001 - whatever it is, the certificate is not valid
        return f"invalid signature: {error}"
    if algorithms and authority_of(blob).algorithm not in algorithms:
        return f"signed with {authority_of(blob).algorithm}, which CASignatureAlgorithms does not allow"
    if certificate.type is not SSHCertificateType.HOST:
        return "not a host certificate"
    now = time.time()
    if now < certificate.valid_after:
        return "not yet valid"
    if now >= certificate.valid_before:
        return "expired"
    if certificate.critical_options:
        return "unsupported critical options"
    names = [name.decode(errors="replace") for name in certificate.valid_principals]
    return "" if _is_for(host, names, openssh_version()) else f"not valid for {host}"


def _is_for(host: str, names: list[str], version: tuple[int, int]) -> bool:
    """Whether a host is among the principals. Version 10.3 of OpenSSH reads wildcards, and no name is no host."""
    if version < _WITH_WILDCARDS:
        return not names or host in names
    patterns = [re.escape(name).replace(r"\*", ".*").replace(r"\?", ".") for name in names]
    return any(re.fullmatch(pattern, host, re.DOTALL) for pattern in patterns)
