"""What travels with an experiment, and with the program."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from orchestrator import source_tree
from orchestrator.bundle import collect
from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load

HEAD = """
version: 1
hosts: {provider: qemu}
benchmark: {command: [sh, -c, "echo x=1"], metrics: {x: {key_value: x, unit: count}}}
kernels:
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project: experiments in one folder, patches and recipes in others beside it."""
    (tmp_path / "project" / "experiments").mkdir(parents=True)
    for name, text in {
        "patches/1.patch": "--- a/x\n+++ b/x\n",
        "patches/series": "1.patch\n",
        "configs/guest.config": "CONFIG_NUMA=y\n",
        "linux.tar": "no tar",
        "recipes/mine.yaml": "source: {package: linux-source-6.12}\npatches: [../patches]\n"
        "config: {fragments: [../configs/guest.config]}\n",
    }.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def travel(place: Path, kernel: str, tmp_path: Path, *overrides: str) -> dict[str, Path]:
    """Copy an experiment with this kernel into a new folder, load it there, and return what came along."""
    file = place / "experiments" / "sweep.yaml"
    file.write_text(f"{HEAD}  mine: {kernel}\n")
    original = load(file, overrides=overrides)
    found = collect.bundled_files(original, overrides)
    new = tmp_path / "new"
    for name, path in {**found.files, found.file: file}.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(path.read_bytes())
    place.rename(place.with_name("gone"))
    arrived = load(new / found.file, overrides=overrides)
    collect.check_arrived(new, arrived)
    assert arrived.content_hash == original.content_hash
    return found.files


def test_a_recipe_of_the_program_brings_its_role(place: Path, tmp_path: Path) -> None:
    files = travel(place, "{recipe: linux-6.12-accel}", tmp_path)
    assert "roles/kernel/recipes/linux-6.12-accel.yaml" in files
    assert any(name.startswith("roles/kernel/files/linux-6.12/patches/0001-") for name in files)


def test_a_recipe_that_an_override_names_comes_along(place: Path, tmp_path: Path) -> None:
    files = travel(place, "default", tmp_path, "kernels.mine={recipe: ../recipes/mine.yaml}")
    assert "recipes/mine.yaml" in files


def test_a_recipe_of_ones_own_brings_what_it_names_and_paths_stay_as_they_were(
    place: Path, tmp_path: Path
) -> None:
    files = travel(place, "{recipe: ../recipes/mine.yaml}", tmp_path)
    assert set(files) == {"recipes/mine.yaml", "patches/1.patch", "patches/series", "configs/guest.config"}


def test_a_recipe_in_the_file_itself_brings_what_it_names(place: Path, tmp_path: Path) -> None:
    recipe = "{recipe: {source: {tarball: ../linux.tar}, patches: [../patches/1.patch], config: {base: defconfig}}}"
    assert set(travel(place, recipe, tmp_path)) == {"linux.tar", "patches/1.patch"}


def test_an_absolute_path_is_refused_as_it_means_nothing_elsewhere(place: Path, tmp_path: Path) -> None:
    kernel = f"{{recipe: {{source: {{tarball: {place}/linux.tar}}, config: {{base: defconfig}}}}}}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = place / "experiments" / "sweep.yaml"
    file.write_text(f"{HEAD}  mine: {kernel}\n")
    with pytest.raises(
        BadInput, match=r"kernels\.mine: .*linux\.tar is not in the bundle; write its path relative"
    ):
        collect.check_arrived(elsewhere, load(file))


def test_a_source_folder_is_refused(place: Path, tmp_path: Path) -> None:
    (place / "linux").mkdir()
    with pytest.raises(BadInput, match="does not fit into a bundle"):
        travel(place, "{recipe: {source: {folder: ../linux}, config: {base: defconfig}}}", tmp_path)


def test_an_installed_program_holds_all_that_its_source_tree_has() -> None:
    """What pyproject.toml puts into a wheel is what the program looks for there."""
    root = Path(__file__).parents[3]
    targets = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    included = targets["wheel"]["force-include"]
    for top in source_tree.TREE:
        if top == "orchestrator":
            continue
        place = included[top].removeprefix("orchestrator/share/")
        folder, _, rest = place.partition("/")
        shared = source_tree.SHARED[folder]
        assert (rest if shared == "." else "/".join(filter(None, (shared, rest)))) == top


def test_the_source_tree_has_what_it_takes_to_install_it() -> None:
    files = source_tree.files()
    needed = ("pyproject.toml", "Makefile", "tools/install-packages.sh", "orchestrator/cli/__init__.py")
    assert set(needed) <= set(files)
    assert "orchestrator/bundle/templates/reproduce.sh" in files
    assert not [name for name in files if "__pycache__" in name or name.startswith("tests/")]
