"""Which environment a guest gets, and that a machine's KVM is tried once."""

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


def test_emulation_needs_no_look_at_kvm() -> None:
    assert choose_environment(Layout(acceleration="tcg")) is Environment.VM_ICOUNT
    assert choose_environment(Layout(acceleration="tcg", clock="wall")) is Environment.VM_TCG
    assert choose_environment(Layout(clock="instructions")) is Environment.VM_ICOUNT


@pytest.mark.usefixtures("no_kvm")
def test_without_kvm_measuring_falls_back_to_the_instruction_clock() -> None:
    assert choose_environment(Layout()) is Environment.VM_ICOUNT
    assert choose_environment(Layout(clock="wall")) is Environment.VM_TCG


@pytest.mark.usefixtures("no_kvm")
def test_kvm_or_nothing() -> None:
    with pytest.raises(HostError, match="kvm was asked for, but there is no"):
        choose_environment(Layout(acceleration="kvm"))


def test_the_outcome_of_a_trial_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [None, "it was tried twice"]
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(acceleration, "DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(acceleration, "_try_boot", lambda: outcomes.pop(0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kvm_obstacle() is None
    assert kvm_obstacle() is None
    (memory,) = (tmp_path / "orchestrate").glob("kvm-*.json")
    memory.write_text("{ damaged")
    assert kvm_obstacle() == "it was tried twice"
    assert str(memory) in (kvm_obstacle() or "")
