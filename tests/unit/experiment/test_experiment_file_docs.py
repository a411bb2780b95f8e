"""Every example of the reference and the README, and every file in experiments/, can be loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestrator.errors import BadInput
from orchestrator.experiment import schemas
from orchestrator.experiment.loader import load
from orchestrator.hosts.providers import options_schemas
from orchestrator.plan import Plan

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "experiment-file.md"
SCHEMAS = ROOT / "orchestrator" / "experiment"
#: completes blocks that are marked as a fragment
MINIMAL = {"version": 1, "benchmark": {"role": "migbench"}}

EXAMPLES = REFERENCE.read_text() + (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```yaml( fragment)?\n(.*?)^```$", EXAMPLES, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("fragment", "text"), BLOCKS, ids=[f"block{i}" for i in range(len(BLOCKS))])
def test_an_example_of_the_reference_loads(fragment: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    for file in ("build/bzImage", "series", "fix.patch", "guest.config"):
        (tmp_path / file).touch()
    if fragment:
        text = yaml.safe_dump(MINIMAL | yaml.safe_load(text))
    file = tmp_path / "example.yaml"
    file.write_text(text)
    assert Plan(load(file, provider_options=options_schemas())).cell_count > 0


def test_the_reference_has_the_examples() -> None:
    assert len(BLOCKS) > 15


def test_the_faulty_example_has_the_faults_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = r"^```yaml faulty\n(.*?)^```\n\n```text\n(.*?)\n```$"
    ((text, expected),) = re.findall(pattern, REFERENCE.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        load(Path("sweep.yaml"))
    assert str(caught.value) == expected


def test_the_schemas_are_schemas() -> None:
    whole = schemas.experiment(options_schemas())
    Draft202012Validator.check_schema(json.loads(json.dumps(whole)))
    Draft202012Validator.check_schema(schemas.benchmark())
    assert whole["properties"]["hosts"]["properties"]["provider"]["enum"] == sorted(options_schemas())


def keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all keys of a schema at any depth."""
    for key, inner in schema.items():
        if key == "properties":
            yield from inner.items()
        for part in inner if isinstance(inner, list) else [inner]:
            if isinstance(part, dict):
                yield from keys(part)


@pytest.mark.parametrize("name", ["schema.json", "benchmark.schema.json", "recipe.schema.json"])
def test_every_key_is_described_in_schema_and_reference(name: str) -> None:
    reference = REFERENCE.read_text()
    for key, rule in keys(json.loads((SCHEMAS / name).read_text())):
        assert re.search(rf"\b{key}\b", reference), f"{key} is not in the reference"
        assert "description" in rule or rule.get("$ref", "").startswith(("#", "schema.json#")), key


@pytest.mark.parametrize("file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_ready_experiment_loads_and_says_what_it_is(file: Path) -> None:
    head = re.match(r"(#.*\n)+", file.read_text())
    assert head
    assert "$schema=../orchestrator/experiment/schema.json" in head[0]
    assert "# Shows: " in head[0]
    assert "# Takes: " in head[0]
    experiment = load(file, provider_options=options_schemas())
    assert experiment.name == file.stem
    assert Plan(experiment).trial_count > 0
