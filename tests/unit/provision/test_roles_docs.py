"""docs/roles.md: its examples load, and it lists every module, keyword, filter and argument."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.experiment import schemas
from orchestrator.experiment.model import Role
from orchestrator.provision import loading
from orchestrator.provision.filters import FILTERS, TESTS
from orchestrator.provision.loading import load
from orchestrator.provision.modules import registry
from orchestrator.provision.tasks import KEYWORDS
from orchestrator.provision.variables import SPECIAL_VARIABLES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "roles.md").read_text()
EXAMPLES = re.findall(r"^```yaml tasks\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHIPPED = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_loads(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "daemon.conf.j2").touch()
    (tmp_path / "tasks.yaml").write_text(text)
    (tmp_path / "defaults.yaml").write_text("sizes: [4KiB, 2MiB]\n")
    (tmp_path / "handlers.yaml").write_text(
        "- {name: restart daemon, service: {name: x, state: restarted}}\n"
    )
    assert load(Role("r", tmp_path)).tasks


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 2


def arguments(rule: Any) -> set[str]:
    if isinstance(rule, dict):
        if "$ref" in rule:
            inner: Any = schemas.experiment()
            for step in rule["$ref"].partition("#/")[2].split("/"):
                inner = inner[step]
            return arguments(inner)
        alternatives = [name for part in rule.get("anyOf", []) for name in arguments(part)]
        return {*rule.get("properties", {}), *alternatives}
    return set()


@pytest.mark.parametrize("name", sorted(registry()))
def test_each_module_is_documented_with_all_its_arguments(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    if name == "shell":
        row = row.replace("the same", "`creates` `removes` `chdir` `time_limit` `exit_codes`")
    for argument in arguments(registry()[name].arguments):
        assert re.search(rf"\b{argument}\b", row), f"{name}: {argument}"


@pytest.mark.parametrize("word", sorted({*KEYWORDS, *FILTERS, *TESTS, *SPECIAL_VARIABLES}))
def test_each_keyword_filter_and_variable_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_role_loads_and_is_documented_with_its_variables(name: str) -> None:
    loaded = loading.load(Role(name, ROOT / "roles" / name))
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)[-1:]
    for variable in loaded.defaults:
        assert f"`{variable}`" in row, variable
