"""A release: the same bytes wherever it is built, and a program that works where nothing else of ours is."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from orchestrator import __version__, architectures

pytestmark = pytest.mark.slow
"""On a new machine zig compiles a C library for each architecture first, which takes minutes."""

ROOT = Path(__file__).parents[2]
NAMES = [
    "SHA256SUMS",
    f"migration_orchestrator-{__version__}-py3-none-any.whl",
    f"migration_orchestrator-{__version__}.tar.gz",
]


def build(folder: Path, umask: int, zone: str) -> Path:
    """Build a release in a clone of the last commit; return where it is."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "tools/build-release.sh", "dist"],
        cwd=folder, env={**os.environ, "PATH": path, "TZ": zone}, umask=umask, check=True,
    )  # fmt: skip
    return folder / "dist"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("release") / "clone", 0o022, "UTC")


def test_another_clone_builds_the_same_bytes(release: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "a longer path" / "another-clone", 0o077, "Asia/Tokyo")
    for folder in (release, again):
        assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert [(again / name).read_bytes() for name in NAMES] == [
        (release / name).read_bytes() for name in NAMES
    ]


def test_the_sums_are_those_of_the_files(release: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release, check=True)


def test_the_wheel_is_a_program_that_works(release: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    python = venv / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", release / NAMES[1]], check=True)
    # Other packages come from here. Our own does not: an editable package is named in a .pth of this folder, which is
    # not read where the folder is on the path by another .pth.
    (next(venv.glob("lib/*/site-packages")) / "here.pth").write_text(sysconfig.get_path("purelib"))
    experiments = next(venv.glob("lib/*/site-packages/orchestrator/share/experiments"))
    pages = {path.name for path in (venv / "share/man/man1").iterdir()}
    assert {"orchestrate.1", "orchestrate-run.1", "orchestrate-results-prune.1"} <= pages
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [venv / "bin/orchestrate", "validate", *sorted(experiments.glob("*.yaml"))],
        cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "quickstart.yaml: valid" in done.stdout
    made = subprocess.run(
        [venv / "bin/orchestrate", "init"], stdin=subprocess.DEVNULL,
        cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "experiment.yaml").is_file()
    runners = {
        path.name: path for path in venv.glob("lib/*/site-packages/orchestrator/execution/runner/prebuilt/*")
    }
    assert set(runners) == {f"runner-{one.machine}" for one in architectures.ARCHITECTURES.values()}
    code = f"""
from orchestrator.hosts.remote import runner_program
print(runner_program.find("{platform.machine()}"), runner_program.source_hash())
"""
    found = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True
    )
    path, source = found.stdout.split()
    assert Path(path).name in runners
    ran = subprocess.run(["sh", "-c", 'cp "$1" own && chmod +x own && ./own version', "sh", path], cwd=tmp_path,
                         capture_output=True, text=True, check=True)  # fmt: skip
    assert ran.stdout.strip() == source
