"""jsonschema-rs, which only decides, agrees with jsonschema, which explains."""

from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.documents import schema, schema_faults
from orchestrator.documents.document import read_text
from orchestrator.errors import BadInput
from orchestrator.experiment import schemas
from orchestrator.hosts.providers import options_schemas

PROJECT = Path(__file__).parents[3]
FILES = sorted(
    str(path.relative_to(PROJECT))
    for folder in ("experiments", "tests/unit/experiment/faults", "docs", "roles/kernel/recipes")
    for path in (PROJECT / folder).rglob("*.yaml")
)


@pytest.fixture(scope="module")
def rules() -> list[Mapping[str, Any]]:
    return [schemas.experiment(options_schemas()), schemas.recipe()]


@pytest.mark.parametrize("name", FILES)
def test_what_is_accepted_has_no_fault(name: str, rules: list[Mapping[str, Any]]) -> None:
    try:
        node = read_text((PROJECT / name).read_bytes().decode("utf-8", "replace"), name)
    except BadInput:
        return
    for each in rules:
        assert schemas.check(node, each) == schema_faults.find(node, each, {"schema.json": rules[0]})


def test_valid_files_are_checked_without_jsonschema_rs(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *arguments: Any) -> Any:
        if name == "jsonschema_rs":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    rules = {"properties": {"count": {"type": "integer"}}}
    assert schema.check(read_text("count: 1", "a.yaml"), rules) == []
    ((location, fault),) = schema.check(read_text("count: many", "a.yaml"), rules)
    assert (location, str(fault)) == (("count",), "a.yaml:1:8: expected an integer; found the string 'many'")


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_valid_file_imports_nothing_that_is_slow(command: str) -> None:
    slow = {"jsonschema", "jinja2", "numpy", "fabric", "rich", "orchestrator.kernels.build"}
    code = (
        "import sys\n"
        "from orchestrator.cli import main\n"
        f"sys.argv = ['orchestrate', {command!r}, 'experiments/quickstart.yaml']\n"
        "main()\n"
        f"assert not {slow} & set(sys.modules), {slow} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
