"""The role's ``benchmark.yaml`` and the program speak of the same options and metrics."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.units import parse_size

ROLE = Path(__file__).parents[2] / "roles" / "migbench"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("migbench")
    subprocess.run(
        ["make", "-C", ROLE / "files", f"BUILD={build}"],
        check=True,
        capture_output=True,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    return build / "migbench"


@pytest.fixture(scope="module")
def described() -> Any:
    return yaml.safe_load((ROLE / "benchmark.yaml").read_text())


def ask(program: Path, option: str, section: str) -> list[dict[str, Any]]:
    document = json.loads(subprocess.run([program, option], check=True, capture_output=True).stdout)
    return document[section] if isinstance(document, dict) else document


def test_options_are_the_same(program: Path, described: Any) -> None:
    options = [one for one in ask(program, "--list-options", "options") if one["type"] != "command"]
    assert [one["name"].replace("-", "_") for one in options] == described["options"]


def test_options_have_the_same_choices(program: Path, described: Any) -> None:
    choices = {
        one["name"].replace("-", "_"): one["choices"].split("|")
        for one in ask(program, "--list-options", "options")
        if "choices" in one
    }
    modes = {one["name"]: one["help"] for one in ask(program, "--list-modes", "modes")}
    # PyYAML reads YAML 1.1, where `yes` and `no` are no texts.
    role_says = {
        name: [{True: "yes", False: "no"}.get(one, one) for one in listed]
        for name, listed in described["choices"].items()
        if name != "mode"
    }
    assert role_says == choices
    assert described["choices"]["mode"] == modes
    assert list(described["choices"]["mode"]) == list(modes)


def test_options_have_the_same_ranges(program: Path, described: Any) -> None:
    ranges = {
        one["name"].replace("-", "_"): (one["min"], one["max"])
        for one in ask(program, "--list-options", "options")
        if one["type"] in ("integer", "size")
    }
    role_says = {
        name: tuple(
            parse_size(bound) if isinstance(bound, str) else bound for bound in (one["from"], one["to"])
        )
        for name, one in described["ranges"].items()
    }
    assert role_says == ranges


def test_metrics_have_the_same_names_and_units(program: Path, described: Any) -> None:
    program_says = {
        f"metrics.{one['name']}": (one["unit"], one["better"].replace("none", "neither"))
        for one in ask(program, "--list-metrics", "metrics")
    }
    role_says = {
        one["json"]: (one["unit"], one.get("better", "neither")) for one in described["metrics"].values()
    }
    assert role_says == program_says


def test_numbers_and_switches_are_read_as_the_experiment_file_reads_them(program: Path) -> None:
    """Levels reach the program as they are written: ``0x10`` is 16, ``010`` is ten, ``True`` is true."""
    place = ("--mode=copy", "--source-node=0", "--target-node=0", "--memory=base")
    for words, expected in (
        (("--pages=0x10", "--latency-probe=True"), (16, True)),
        (("--pages=010", "--latency-probe=FALSE"), (10, False)),
    ):
        ended = subprocess.run([program, *place, *words], capture_output=True, text=True)
        request = json.loads(ended.stdout)["request"]
        assert (request["pages"], request["latency_probe"]) == expected
    for word in ("--pages=0x", "--pages=0xg", "--pages=+5", "--with-copy=yes"):
        ended = subprocess.run([program, word], capture_output=True, text=True)
        assert f"migbench: {word}: expected" in ended.stderr
