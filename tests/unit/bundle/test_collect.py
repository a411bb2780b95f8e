"""The files of an experiment and of the program that go into a bundle."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from orchestrator import source_tree
from orchestrator.bundle import collect
from orchestrator.errors import BadInput
from orchestrator.experiment.loader import load
from tests.eventful_run import PROVENANCE

HEAD = """
version: 1
hosts: {provider: qemu}
benchmark: {command: [sh, -c, "echo x=1"], metrics: {x: {key_value: x, unit: count}}}
kernels:
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project: experiments, patches and recipes in directories of their own."""
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


def copy_experiment(project: Path, kernel: str, tmp_path: Path, *overrides: str) -> dict[str, Path]:
    """Copy an experiment with this kernel into a new directory, load it there, and return its other files."""
    file = project / "experiments" / "sweep.yaml"
    file.write_text(f"{HEAD}  mine: {kernel}\n")
    original = load(file, overrides=overrides)
    bundled = collect.bundled_files(original, overrides)
    new = tmp_path / "new"
    for name, path in {**bundled.files, bundled.experiment_file: file}.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(path.read_bytes())
    project.rename(project.with_name("gone"))
    copy = load(new / bundled.experiment_file, overrides=overrides)
    collect.require_self_contained(new, copy)
    assert copy.content_hash == original.content_hash
    return bundled.files


def test_a_recipe_of_the_program_includes_its_role(project: Path, tmp_path: Path) -> None:
    files = copy_experiment(project, "{recipe: linux-6.12-accel}", tmp_path)
    assert "roles/kernel/recipes/linux-6.12-accel.yaml" in files
    assert any(name.startswith("roles/kernel/files/linux-6.12/patches/0001-") for name in files)


def test_a_recipe_named_by_an_override_is_included(project: Path, tmp_path: Path) -> None:
    files = copy_experiment(project, "default", tmp_path, "kernels.mine={recipe: ../recipes/mine.yaml}")
    assert "recipes/mine.yaml" in files


def test_the_files_of_a_users_recipe_are_included_and_keep_their_relative_paths(
    project: Path, tmp_path: Path
) -> None:
    files = copy_experiment(project, "{recipe: ../recipes/mine.yaml}", tmp_path)
    assert set(files) == {"recipes/mine.yaml", "patches/1.patch", "patches/series", "configs/guest.config"}


def test_the_files_of_an_inline_recipe_are_included(project: Path, tmp_path: Path) -> None:
    recipe = "{recipe: {source: {tarball: ../linux.tar}, patches: [../patches/1.patch], config: {base: defconfig}}}"
    assert set(copy_experiment(project, recipe, tmp_path)) == {"linux.tar", "patches/1.patch"}


def test_an_absolute_path_is_refused(project: Path, tmp_path: Path) -> None:
    kernel = f"{{recipe: {{source: {{tarball: {project}/linux.tar}}, config: {{base: defconfig}}}}}}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = project / "experiments" / "sweep.yaml"
    file.write_text(f"{HEAD}  mine: {kernel}\n")
    with pytest.raises(
        BadInput, match=r"kernels\.mine: .*linux\.tar is not in the bundle; write its path relative"
    ):
        collect.require_self_contained(elsewhere, load(file))


@pytest.mark.parametrize(
    ("kernel", "link", "folder"),
    [
        ("{recipe: ../recipes/mine.yaml}", "patches/README", "."),
        ("{recipe: own}", "roles/kernel/README", "roles/kernel"),
    ],
)
def test_a_link_to_a_private_file_is_refused(
    project: Path, tmp_path: Path, kernel: str, link: str, folder: str
) -> None:
    """A directory of patches, and the role that a recipe belongs to, are whole in a bundle."""
    (tmp_path / "private").write_text("secret")
    (project / "roles/kernel/recipes").mkdir(parents=True)
    (project / "roles/kernel/recipes/own.yaml").write_text(
        "source: {package: linux-source-6.12}\nconfig: {base: defconfig}\n"
    )
    (project / link).symlink_to(
        project / "patches/1.patch" if folder == "." else project / "roles/kernel/recipes/own.yaml"
    )
    file = project / "experiments" / "sweep.yaml"
    file.write_text(f"{HEAD}  mine: {kernel}\n")
    collect.bundled_files(load(file), ())
    (project / link).unlink()
    (project / link).symlink_to(tmp_path / "private")
    with pytest.raises(BadInput) as raised:
        collect.bundled_files(load(file), ())
    assert str(raised.value) == f"{project / link}: a link that leads out of {project / folder}"


def test_a_source_directory_is_refused(project: Path, tmp_path: Path) -> None:
    (project / "linux").mkdir()
    with pytest.raises(BadInput, match="a bundle cannot hold a source directory"):
        copy_experiment(
            project, "{recipe: {source: {folder: ../linux}, config: {base: defconfig}}}", tmp_path
        )


def test_an_installed_program_has_every_part_of_the_source_tree() -> None:
    """pyproject.toml puts into a wheel what the program looks for there."""
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


def test_the_source_tree_can_be_installed() -> None:
    files = source_tree.files()
    needed = ("pyproject.toml", "Makefile", "tools/install-packages.sh", "orchestrator/cli/__init__.py")
    assert set(needed) <= set(files)
    assert "orchestrator/bundle/templates/reproduce.sh" in files
    assert not [name for name in files if "__pycache__" in name or name.startswith("tests/")]


def test_a_fifo_as_the_experiment_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "e.yaml")
    with pytest.raises(BadInput, match=r"e\.yaml: Not a regular file"):
        collect.load_experiment(PROVENANCE, tmp_path / "e.yaml")
