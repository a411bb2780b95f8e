"""Files of keys, and public keys as SSH sends them."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_identity,
)
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey

CERTIFICATE = "-cert-v01@openssh.com"
_PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


def _integer(s: bytes | bytearray, always_positive: bool = False) -> int:
    """Return a number of two's complement, highest byte first, as RFC 4251 has it in section 5."""
    return int.from_bytes(s, "big", signed=not always_positive)


# paramiko's own takes a time that grows with the square of the length: with the first packet of a server that claims to
# have a number of 1 MiB it computes for a minute.
paramiko.util.inflate_long = _integer


def read_private(path: Path) -> PKey:
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


def is_short(blob: bytes, bits: int) -> bool:
    """Whether a public key, or that of a certificate, is an RSA key of fewer than ``bits`` bits."""
    message = Message(plain_key(blob))
    if message.get_string() != b"ssh-rsa":
        return False
    message.get_mpint()
    return int(message.get_mpint()).bit_length() < bits


def _public_part(text: str) -> bytes:
    """Return the public key in an OpenSSH private key, which is not encrypted."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith("-----END ")), len(lines))
    message = Message(base64.b64decode("".join(lines[1:end]))[len(_MAGIC) :])
    for _ in range(3):  # cipher, key derivation, its options
        message.get_string()
    message.get_int()
    blob: bytes = message.get_string()
    return blob


def algorithms_of(key_type: str) -> set[str]:
    """Return the signature algorithms of a type of key."""
    if key_type == "ssh-rsa":
        return {"rsa-sha2-512", "rsa-sha2-256"}
    if key_type == f"ssh-rsa{CERTIFICATE}":
        return {f"rsa-sha2-512{CERTIFICATE}", f"rsa-sha2-256{CERTIFICATE}"}
    return {key_type}
