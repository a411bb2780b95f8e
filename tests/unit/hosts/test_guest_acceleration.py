"""The environment of a guest; KVM of a machine is tested once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.environments import Environment
from orchestrator.errors import HostError
from orchestrator.hosts.guest import acceleration
from orchestrator.hosts.guest.acceleration import choose_environment, kvm_obstacle
from orchestrator.hosts.guest.layout import Layout


@pytest.fixture
def no_kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "kvm")


def test_emulation_does_not_test_kvm() -> None:
    assert choose_environment(Layout(acceleration="tcg")) is Environment.VM_ICOUNT
    assert choose_environment(Layout(acceleration="tcg", clock="wall")) is Environment.VM_TCG
    assert choose_environment(Layout(clock="instructions")) is Environment.VM_ICOUNT


@pytest.mark.usefixtures("no_kvm")
def test_without_kvm_the_default_is_the_instruction_clock() -> None:
    assert choose_environment(Layout()) is Environment.VM_ICOUNT
    assert choose_environment(Layout(clock="wall")) is Environment.VM_TCG


@pytest.mark.usefixtures("no_kvm")
def test_required_kvm_is_missing() -> None:
    with pytest.raises(HostError, match=r"acceleration is kvm, but .*/kvm: No such file or directory"):
        choose_environment(Layout(acceleration="kvm"))


def test_the_result_of_the_test_boot_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [None, "it was tested twice"]
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(acceleration, "_test_boot", lambda: outcomes.pop(0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kvm_obstacle() is None
    assert kvm_obstacle() is None
    (cached,) = (tmp_path / "orchestrate").glob("kvm-*.json")
    cached.write_text("{ damaged")
    assert kvm_obstacle() == "it was tested twice"
    assert str(cached) in (kvm_obstacle() or "")
