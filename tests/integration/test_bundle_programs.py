"""Programs that a bundle does not hold: its author and its evaluator are told, before anything runs."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.integration.bundle_maker import export, reproduce
from tests.running import User

TEXT = """
name: spin
benchmark:
  command: [PROGRAM, "{n}"]
  metrics: {t: {key_value: t, unit: s}}
factors: {n: [1, 2]}
repetitions: 2
"""


@pytest.fixture
def spin(local_user: User) -> Path:
    """A program of the author, with a finished run of it."""
    program = local_user.folder / "tools" / "spin"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho t=1.$1\n")
    program.chmod(0o755)
    ended = local_user.run(local_user.file(TEXT.replace("PROGRAM", str(program))))
    assert ended.code == 0, ended.err
    return program


def test_author_and_evaluator_are_told_of_a_program_that_is_not_in_the_bundle(
    local_user: User, spin: Path
) -> None:
    exported = local_user.orchestrate("export", "latest", "--directory", "--output", "made")
    assert exported.code == 0
    assert f"not in the bundle: {spin};" in exported.err
    readme = " ".join((local_user.folder / "made" / "README.md").read_text().split())
    digest = hashlib.sha256(spin.read_bytes()).hexdigest()
    assert (
        f"- The program `{spin}`. It is not in the bundle. In the run, its SHA-256 was `{digest}`." in readme
    )
    assert "sh reproduce smoke --host local # smoke test" in readme
    assert f"a QEMU guest does not have `{spin}`" in readme
    assert "It runs in a QEMU guest" not in readme


def test_a_missing_program_is_named_before_anything_runs(local_user: User, spin: Path) -> None:
    bundle = export(local_user)
    in_guest = local_user.orchestrate("reproduce", bundle, "--results", "again")
    assert in_guest.code == 3
    assert f"{spin}: not in the guest" in in_guest.err
    assert "--host local" in in_guest.err
    spin.unlink()
    here = reproduce(local_user, bundle)
    assert here.code == 3
    assert f"{spin}: command not found; the bundle does not contain it" in here.err
    assert not (local_user.folder / "again").exists()


def test_a_program_of_the_guest_that_is_missing_is_named_before_it_boots(
    local_user: User, spin: Path
) -> None:
    file = local_user.folder / "sweep.yaml"
    file.write_text(f"{file.read_text()}hosts: {{provider: qemu, qemu: {{programs: [{spin}]}}}}\n")
    ended = local_user.run(file, "--host", "local", "--new")
    assert ended.code == 0, ended.err
    bundle = export(local_user)
    spin.unlink()
    again = local_user.orchestrate("reproduce", bundle, "--results", "again")
    assert again.code == 3
    assert f"{spin}: command not found; the bundle does not contain it" in again.err
    assert not (local_user.folder / "again").exists()


def test_another_program_is_a_difference_of_provenance(local_user: User, spin: Path) -> None:
    bundle = export(local_user)
    hashes = [hashlib.sha256(spin.read_bytes()).hexdigest()[:12]]
    same = reproduce(local_user, bundle)
    assert same.code == 0, same.err
    (row,) = (line for line in same.out.splitlines() if hashes[0] in line)
    assert row.endswith(" same")
    spin.write_text(f"{spin.read_text()}# built again\n")
    hashes.append(hashlib.sha256(spin.read_bytes()).hexdigest()[:12])
    other = reproduce(local_user, bundle, "--new")
    (row,) = (line for line in other.out.splitlines() if hashes[0] in line)
    assert row.startswith("program ")
    assert row.split()[-2:] == [hashes[1], "DIFFERENT"]


def test_nothing_is_said_of_programs_that_every_host_has(maker: User) -> None:
    exported = maker.orchestrate("export", "latest", "--directory", "--output", "made")
    assert exported.code == 0, exported.err
    assert "not in the bundle" not in exported.err
    assert "The program" not in (maker.folder / "made" / "README.md").read_text()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_script_of_a_bundle_explains_itself_and_installs_nothing(maker: User, option: str) -> None:
    exported = maker.orchestrate("export", "latest", "--directory", "--output", "made")
    assert exported.code == 0, exported.err
    script = maker.folder / "made" / "reproduce"
    ended = subprocess.run(["sh", script, option], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "sh reproduce [smoke|short|full] [options" in ended.stdout
    assert "set -eu" not in ended.stdout
    assert not (maker.folder / "made.work").exists()
