"""Several guests at once: how many, and their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.experiment.loader import load
from orchestrator.hosts.guest.several import Names, most_guests
from orchestrator.hosts.provider_choice import choose_provider
from orchestrator.hosts.providers import options_schemas
from tests.calls import orchestrate

FILE = """
version: 1
name: several
hosts: {provider: qemu, qemu: {clock: CLOCK, acceleration: tcg, parallel: PARALLEL}}
benchmark: {command: [printf, "x=1"], metrics: {x: {key_value: x, unit: count}}}
repetitions: {count: 2, boots: 2}
"""


@pytest.mark.parametrize(
    ("clock", "parallel", "expected"),
    [("wall", "auto", 1), ("wall", "3", 3), ("instructions", "1", 1), ("instructions", "7", 7)],
)
def test_the_file_says_how_many(tmp_path: Path, clock: str, parallel: str, expected: int) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(FILE.replace("CLOCK", clock).replace("PARALLEL", parallel))
    experiment = load(file, provider_options=options_schemas())
    assert choose_provider(experiment).at_once == expected


@pytest.mark.parametrize("parallel", ["0", "65", "many", "1.5"])
def test_any_other_number_is_refused(tmp_path: Path, parallel: str) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(FILE.replace("CLOCK", "wall").replace("PARALLEL", parallel))
    refused = orchestrate("validate", str(file))
    assert refused.returncode == 2
    assert "expected auto or a number of guests, from 1 to 64" in refused.stderr


def test_at_least_one_guest_runs_and_not_more_than_fit() -> None:
    assert most_guests(2**60) == 1
    assert 1 <= most_guests(2**20) <= 4096


def test_the_limits_of_control_groups_count(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/job/step\n")
    step = tmp_path / "groups" / "job" / "step"
    step.mkdir(parents=True)
    assert most_guests(2**20, tmp_path / "groups", own) == most_guests(2**20)
    (step / "cpu.max").write_text("max 100000\n")
    (step / "memory.max").write_text("max\n")
    assert most_guests(2**20, tmp_path / "groups", own) == most_guests(2**20)
    (step.parent / "cpu.max").write_text("150000 100000\n")
    assert most_guests(2**20, tmp_path / "groups", own) == 1
    (step.parent / "cpu.max").unlink()
    (step.parent / "memory.max").write_text(f"{2**30}\n")
    (step.parent / "memory.current").write_text(f"{2**29}\n")
    assert most_guests(2**20, tmp_path / "groups", own) == 1


def test_a_run_with_another_number_is_the_same_experiment(tmp_path: Path) -> None:
    hashes = set()
    for parallel in ("1", "2", "auto"):
        file = tmp_path / "e.yaml"
        file.write_text(FILE.replace("CLOCK", "instructions").replace("PARALLEL", parallel))
        hashes.add(load(file, provider_options=options_schemas()).content_hash)
    file.write_text(FILE.replace("CLOCK", "wall").replace("PARALLEL", "1"))
    assert len(hashes) == 1
    assert load(file, provider_options=options_schemas()).content_hash not in hashes


def test_a_name_is_free_again_when_its_guest_is_gone() -> None:
    names = Names()
    with names.take() as first:
        with names.take() as second, names.take() as third:
            assert (first, second, third) == ("guest", "guest-2", "guest-3")
        with names.take() as again:
            assert again == "guest-2"
