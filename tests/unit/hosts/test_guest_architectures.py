"""Guests of other architectures: QEMU's command line, kernel parameters, layouts, and what is missing."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator import architectures
from orchestrator.architectures import ARM64, PPC64LE, X86_64
from orchestrator.environments import Environment
from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.guest.acceleration import choose_environment
from orchestrator.hosts.guest.command_line import Start, kernel_command_line, qemu_argv
from orchestrator.hosts.guest.layout import Layout, parse_layout
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.hosts.guest.userland import applet_names
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.qemu import QemuProvider


def start(arch: str, environment: Environment = Environment.VM_ICOUNT, cpu: str = "max") -> Start:
    return Start(Layout(arch=arch, cpu=cpu), environment, Path("/k"), Path("/i"), Path("/c"))


def option(started: Start, name: str) -> str:
    argv = qemu_argv(Path("qemu"), started)
    return next(value for word, value in itertools.pairwise(argv) if word == name)


@pytest.mark.parametrize(
    ("arch", "machine", "cpu", "console"),
    [
        ("x86_64", "q35", "max,erms=off,fsrm=off", "ttyS0"),
        ("arm64", "virt", "max,pauth-impdef=on", "ttyAMA0"),
        ("ppc64le", "pseries", "power9", "hvc0"),
    ],
)
def test_each_architecture_has_its_machine_and_console(
    arch: str, machine: str, cpu: str, console: str
) -> None:
    assert option(start(arch), "-machine").split(",")[0] == machine
    assert option(start(arch), "-cpu") == cpu
    assert kernel_command_line(start(arch)).split()[0] == f"console={console}"
    assert option(start(arch), "-icount") == "shift=0,sleep=on"


def test_emulated_cpus_run_at_once_where_qemu_flushes_their_tlbs_in_time() -> None:
    assert option(start("arm64", Environment.VM_TCG), "-accel") == "tcg,thread=multi"
    assert option(start("ppc64le", Environment.VM_TCG), "-accel") == "tcg,thread=single"
    assert option(start("ppc64le", Environment.VM_KVM), "-accel") == "kvm"


def test_another_cpu_model_is_used_as_it_is() -> None:
    assert option(start("arm64", cpu="neoverse-n1"), "-cpu") == "neoverse-n1"
    assert option(start("ppc64le", cpu="power10"), "-cpu") == "power10"


def test_options_of_the_file_follow_those_of_the_machine() -> None:
    layout = parse_layout({"machine": {"arch": "arm64", "options": "mte=on"}})
    started = Start(layout, Environment.VM_TCG, Path("/k"), Path("/i"), Path("/c"))
    assert option(started, "-machine") == "virt,gic-version=max,mte=on"


def test_parameters_of_x86_are_not_given_to_others() -> None:
    for arch in ("arm64", "ppc64le"):
        names = {word.partition("=")[0] for word in kernel_command_line(start(arch)).split()}
        assert not names & {"tsc", "no_timer_check", "lpj"}
        assert {"isolcpus", "nokaslr", "norandmaps"} <= names


def test_under_kvm_ppc64le_has_the_host_cpu_and_all_mitigations() -> None:
    under_kvm = start("ppc64le", Environment.VM_KVM)
    assert option(under_kvm, "-cpu") == "host"
    assert "broken" not in option(under_kvm, "-machine")


def test_kvm_needs_a_machine_of_the_same_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert choose_environment(Layout(arch="arm64")) is Environment.VM_ICOUNT
    with pytest.raises(HostError, match="acceleration is kvm, but the guest is arm64, this machine x86_64"):
        choose_environment(Layout(arch="arm64", acceleration="kvm"))


def test_nodes_of_ppc64le_have_whole_blocks_of_memory() -> None:
    options = {"machine": {"arch": "ppc64le"}, "nodes": [{"memory": "384MiB"}, {"memory": "512MiB"}]}
    with pytest.raises(
        BadInput, match=r"nodes\[0\].memory: 384MiB must be a multiple of 256MiB, at least 256"
    ):
        parse_layout(options)
    assert parse_layout({**options, "machine": {"arch": "arm64"}}).architecture == ARM64
    assert parse_layout({}).architecture == architectures.native()


@pytest.mark.parametrize(
    ("architecture", "package"), [(ARM64, "qemu-system-arm"), (PPC64LE, "qemu-system-ppc")]
)
def test_a_missing_qemu_is_named_with_its_package(
    architecture: architectures.Architecture, package: str
) -> None:
    missing = replace(platform_of(architecture), qemu="qemu-system-missing")
    with pytest.raises(HostError, match=f"qemu-system-missing: command not found; .* the package {package}$"):
        missing.find_qemu()


def test_the_provider_asks_for_kernels_of_its_architecture() -> None:
    provider = QemuProvider(ProviderRequest(Needs(), {"machine": {"arch": "arm64"}}))
    assert provider.kernel(Kernel("k")).architecture == "arm64"
    assert provider.shown() == "an arm64 guest on this machine"


def test_architectures_are_found_by_both_names() -> None:
    assert architectures.of_machine("aarch64") is ARM64
    assert architectures.find("x86_64") is X86_64
    with pytest.raises(BadInput, match="expected one of x86_64, arm64, ppc64le"):
        architectures.find("aarch64")


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs the package busybox-static")
def test_applets_are_read_from_the_binary() -> None:
    listing = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    names = applet_names(Path(shutil.which("busybox") or ""))
    assert {*names, "busybox"} == {*listing.stdout.split(), "busybox"}
