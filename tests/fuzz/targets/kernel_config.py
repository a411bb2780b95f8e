"""Configurations of kernels and fragments of them."""

from __future__ import annotations

from orchestrator.architectures import native
from orchestrator.kernels.config import parse, read_configuration
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target


def run(data: bytes) -> None:
    file = scratch.write("fuzzed.config", data)
    found = read_configuration("defconfig", [file], native())
    final = parse("".join(f"{request.line}\n" for request in found.requests))
    assert all(final.get(request.symbol, "n") == request.value for request in found.requests)
    read_configuration(file, [], native())


TARGET = Target(
    "kernel-config",
    run,
    ("orchestrator.kernels.config",),
    lambda: seeds.read("roles/kernel/files/config/*"),
    mutation.text(
        b"CONFIG_X=y", b"# CONFIG_X is not set", b"CONFIG_", b"=m", b'="a b"', b"=0x10", b"# ", b" is not set"
    ),
)
