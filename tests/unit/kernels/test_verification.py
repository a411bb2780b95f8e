"""Verification of the running kernel."""

from __future__ import annotations

import pytest
from msgspec import Struct
from msgspec.structs import replace

from orchestrator.kernels.verification import Identity, verify


class FakeKernel(Struct, frozen=True):
    release: str = "6.12.1-0123456789ab"
    build_id: str = "c0ffee"
    config_hash: str = "abcd"
    command_line: str = "console=ttyS0 quiet panic=-1"
    boot_id: str = "boot-2"


IDENTITY = Identity(
    release="6.12.1-0123456789ab",
    build_id="c0ffee",
    config_hash="abcd",
    command_line=("quiet",),
    kernel_hash="0123456789ab",
)


def test_all_properties_are_checked() -> None:
    verification = verify(IDENTITY, FakeKernel(), frozenset({"boot-1"}))
    assert verification.mismatches == ""
    assert [check.what for check in verification.checks] == [
        "boot id",
        "release",
        "build id",
        "configuration",
        "command line",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"release": "6.12.1"}, "release is 6.12.1, not 6.12.1-0123456789ab"),
        ({"build_id": "beef"}, "build id is beef, not c0ffee"),
        ({"build_id": ""}, "build id is unknown, not c0ffee"),
        ({"config_hash": "ef"}, "configuration is ef, not abcd"),
        ({"command_line": "quieter"}, "command line is quieter, not quiet"),
        ({"boot_id": "boot-1"}, "boot id is boot-1, not new"),
    ],
)
def test_mismatches_are_named(change: dict[str, str], fault: str) -> None:
    assert verify(IDENTITY, replace(FakeKernel(), **change), frozenset({"boot-1"})).mismatches == fault


def test_unknown_properties_are_not_checked() -> None:
    assert verify(Identity(), FakeKernel()).checks == ()
    without_config = replace(FakeKernel(), config_hash="")  # a kernel without /proc/config.gz
    assert "configuration" not in [check.what for check in verify(IDENTITY, without_config).checks]
