"""Files of keys, known_hosts and what servers send as keys."""

from __future__ import annotations

import base64

from orchestrator.hosts.ssh import public_keys
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target

KEY = (
    b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + base64.encodebytes(
        b"openssh-key-v1\0"
        + b"\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1"
        + b"\0\0\0\x33\0\0\0\x0bssh-ed25519\0\0\0\x20"
        + b"k" * 32
    )
    + b"-----END OPENSSH PRIVATE KEY-----\n"
)
LINE = b"ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32) + b" me@here\n"
RSA = b"\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1\0\0\0\x05\0\1\2\3\4"


def run(data: bytes) -> None:
    public_keys.public(scratch.write("key", data))
    public_keys.type_of(data)
    public_keys.is_short(data, 1024)
    words = data.decode("utf-8", "replace").split()
    if len(words) > 1 and (blob := public_keys.decoded(words[0], words[1])) is not None:
        public_keys.plain_key(blob)
        public_keys.is_short(blob, 1024)


TARGET = Target(
    "ssh-keys",
    run,
    ("orchestrator.hosts.ssh.public_keys",),
    lambda: [KEY, LINE, RSA, b"ssh-rsa " + base64.b64encode(RSA) + b"\n"],
    mutation.text(
        b"ssh-rsa", b"-cert-v01@openssh.com", b"\xff\xff\xff\xff", b"\0\0\0\x07", b"-----END ", b"AAAA"
    ),
)
