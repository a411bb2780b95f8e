"""Guests for the proof of the kernel series; each is booted once and serves the tests that name it.

The short version is the default. ``KERNEL_TEST=full`` runs every layout, and longer.
``KERNEL_SERIES`` names the series.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import architectures
from orchestrator.architectures import Architecture
from orchestrator.experiment.kernels import load_recipe
from orchestrator.experiment.model import Kernel, Needs, Recipe
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.qemu import QemuProvider
from tests.kernel.lab import EmulatorError, Lab
from tests.kernel.layouts import LAYOUTS

SERIES = os.environ.get("KERNEL_SERIES", "linux-6.12")
"""The series under test, a directory of ``roles/kernel/files``."""

RECIPES = Path(__file__).parents[2] / "roles/kernel/recipes"
FULL = os.environ.get("KERNEL_TEST", "short") == "full"
MOST_PATHS = "parallel+concurrent"
BOOT_LIMIT_S = 600.0
"""Room for a machine that does much else; nothing is tested against it."""


def checks(architecture: Architecture) -> Path:
    """The programs, built here for a guest that has no libraries."""
    folder = Path(__file__).with_name("programs")
    build = "build" if architecture.is_native else f"build/{architecture.name}"
    subprocess.run(
        ["make", "-s", "-C", folder, f"BUILD={build}", f"CC={architecture.program('gcc')}"], check=True
    )
    return folder / build / "checks"


def kernel(name: str, arch: str) -> Kernel:
    """The kernel under test (``accel``), or the one that watches itself (``debug``), built from its recipe.

    Who works on the series names a bzImage of theirs instead, in ``ACCEL_KERNEL`` or ``DEBUG_KERNEL``, and where its
    ``lib/modules`` is in ``DEBUG_MODULES``; an image for arm64 in ``ARM64_ACCEL_KERNEL``.
    """
    prefix = "_".join(word.upper() for word in (arch, name) if word)
    if image := os.environ.get(f"{prefix}_KERNEL"):
        modules = os.environ.get(f"{prefix}_MODULES")
        return Kernel(name, "image", image=Path(image), modules=Path(modules) if modules else None)
    return Kernel(name, "recipe", recipe=recipe(name))


def recipe(name: str) -> Recipe:
    """A recipe of the series under test."""
    return load_recipe(f"{RECIPES}/{SERIES}-{name}.yaml", Path(), ())


@pytest.fixture(scope="session")
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    layout = LAYOUTS[request.param]
    programs = checks(architectures.find(layout.arch))
    logs = tmp_path_factory.mktemp(request.param)
    provider = QemuProvider(ProviderRequest(Needs(), layout.options, boot_limit=BOOT_LIMIT_S))
    with provider.machine(logs) as machine:
        yield Lab(machine, kernel(layout.kernel, layout.arch), layout, programs, logs)


@pytest.fixture
def lab(guest: Lab) -> Iterator[Lab]:
    """A guest that is up; what its kernel complains of fails the test."""
    guest.boot()
    guest.may_lack_memory = False
    yield guest
    complaints = guest.complaints()
    assert not complaints, "the kernel complains:\n" + "\n".join(complaints)


def on(*layouts: str, full: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Run a test in guests of these layouts; of ``full``, too, in the full version."""
    return pytest.mark.parametrize("guest", (*layouts, *full) if FULL else layouts, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests are run again after a defect of the emulator.

    The debug kernel is slow: in the short version, of the modes, only the one that takes most paths is tried there.
    """
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=[EmulatorError.__name__]))
    if FULL:
        return
    config.hook.pytest_deselected(items=[item for item in items if _is_left_out(item)])
    items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    layout = LAYOUTS.get(parameters.get("guest", ""))
    is_debug = layout is not None and layout.kernel == "debug"
    return is_debug and parameters.get("mode", MOST_PATHS) != MOST_PATHS
