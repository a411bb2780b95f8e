"""Numbers that a server sends, such as its key: paramiko reads them, before it is known who the server is."""

from __future__ import annotations

import pytest
from paramiko import Message

from orchestrator.hosts.ssh.public_keys import is_short
from tests.fuzz.properties import limits

SECONDS = 10
"""Of CPU; paramiko's own reader took 57."""


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("00 00 00 00", 0),
        ("00 00 00 08 09 a3 78 f9 b2 e3 32 a7", 0x9A378F9B2E332A7),
        ("00 00 00 02 00 80", 0x80),
        ("00 00 00 02 ed cc", -0x1234),
        ("00 00 00 05 ff 21 52 41 11", -0xDEADBEEF),
    ],
)
def test_the_examples_of_rfc_4251(sent: str, number: int) -> None:
    assert Message(bytes.fromhex(sent)).get_mpint() == number


def test_a_packet_that_claims_a_number_of_a_mebibyte() -> None:
    claimed = b"\0\x0f\xff\xf0\1"
    with limits(SECONDS):
        assert Message(claimed).get_mpint() > 0
        assert is_short(b"\0\0\0\7ssh-rsa" + claimed, 1024)
