"""Every example of docs/guests.md loads and results in a QEMU command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestrator.environments import Environment
from orchestrator.experiment.loader import load
from orchestrator.hosts.guest.command_line import Start, qemu_argv
from orchestrator.hosts.guest.layout import parse_layout
from orchestrator.hosts.providers import options_schemas

PAGE = Path(__file__).parents[3] / "docs" / "guests.md"
EXAMPLES = re.findall(r"^```yaml fragment\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build/bzImage").touch()
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "benchmark": {"role": "migbench"}} | yaml.safe_load(text)))
    experiment = load(file, provider_options=options_schemas())
    if experiment.hosts.provider == "qemu":
        layout = parse_layout(experiment.hosts.options)
        path = Path("/file")
        assert "-numa" in qemu_argv(path, Start(layout, Environment.VM_ICOUNT, path, path, path))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
