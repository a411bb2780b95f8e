"""CONTRIBUTING.md: its table of packages says exactly what the code imports, and its map names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "orchestrator"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|$", re.MULTILINE)
PACKAGES = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
TABLE = {name: imports.strip() for name, imports in ROW.findall((ROOT / "CONTRIBUTING.md").read_text())}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The packages that each package imports, by name; imports for type checkers only are left out."""
    graph = grimp.build_graph("orchestrator", exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name in PACKAGES}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            names = [[*module.split("."), ""][1] for module in (importer, imported)]
            if names[0] in PACKAGES and names[1] in PACKAGES and names[0] != names[1]:
                found[names[0]].add(names[1])
    return found


def test_every_package_has_a_row() -> None:
    assert set(TABLE) == PACKAGES


@pytest.mark.parametrize("name", sorted(PACKAGES - {"cli"}))
def test_a_package_imports_what_its_row_says(name: str, imports: dict[str, set[str]]) -> None:
    assert imports[name] == {word for word in re.split(r",\s*", TABLE[name]) if word}


def test_the_cli_may_import_all() -> None:
    assert TABLE["cli"] == "all"


def test_modules_at_the_top_import_no_package() -> None:
    graph = grimp.build_graph("orchestrator", exclude_type_checking_imports=True, cache_dir=None)
    top = [
        f"orchestrator.{path.stem}" for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "start")
    ]
    found = {
        (module, imported)
        for module in top
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[1] in PACKAGES
    }
    assert not found


MAP = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where to add what")[2].partition("## Rules")[0]
NAMED = sorted(set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|sh|c|h|json|yaml|md))`", MAP)))
FOLDERS = ("", "orchestrator/**/", "roles/**/", "tests/**/")


@pytest.mark.parametrize("path", NAMED)
def test_a_file_that_the_map_names_exists(path: str) -> None:
    patterns = [folder + path.replace("NAME", "*") for folder in FOLDERS]
    assert any(next(ROOT.glob(pattern), None) for pattern in patterns)


@pytest.mark.parametrize("word", ["_DESCRIPTIVE", "_UNSUPPORTED", "LOADERS", "CHARTS", "FIGURES", "MODULES"])
def test_a_name_in_the_map_is_one_of_the_code(word: str) -> None:
    assert f"`{word}`" in MAP
    assert any(
        re.search(rf"^{word}\b", file.read_text(), re.MULTILINE) for file in PACKAGE.rglob("*.[ps][yh]")
    )
