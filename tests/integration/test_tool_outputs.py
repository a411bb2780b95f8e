"""Figures of real tools: an experiment reads from their output what another reader finds in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.tool_outputs import FIGURES, TOOLS, Figure, Outputs
from tests.running import User

#: programs that are not the first word of their tool's command
PROGRAMS = {"time": ("time",), "time_short": ("time",), "redis": ("redis-server", "redis-benchmark")}


def missing_program(tool: str) -> str:
    programs = PROGRAMS.get(tool, TOOLS[tool][1].split()[:1])
    return next((program for program in programs if shutil.which(program) is None), "")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What the tools that are here print."""
    folder = tmp_path_factory.mktemp("tools")
    for tool, (_, command) in TOOLS.items():
        if not missing_program(tool):
            with (folder / f"{tool}.out").open("wb") as out, (folder / f"{tool}.err").open("wb") as err:
                subprocess.run(
                    ["sh", "-c", command], cwd=folder, stdout=out, stderr=err, timeout=60, check=False
                )
    return Outputs(folder)


@pytest.fixture(scope="module")
def trials(outputs: Outputs, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """By tool, the record of a trial that prints what the tool printed; all metrics are looked for in each."""
    user = User(tmp_path_factory.mktemp("user"))
    here = [tool for tool in TOOLS if not missing_program(tool)]
    print_both = f"cd {outputs.folder}; cat $0.err >&2; cat $0.out; echo; echo printed=1"
    document = {
        "name": "tools",
        "noise": False,
        "repetitions": 1,
        "benchmark": {
            "command": ["sh", "-c", print_both, "{tool}"],
            "headline": "printed",
            "metrics": {
                "printed": {"key_value": "printed", "unit": "count"},
                **{f"m{index}": figure.spec for index, figure in enumerate(FIGURES)},
            },
        },
        "factors": {"tool": here},
    }
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in document.items())
    ended = user.run(user.file(text))
    user.close()
    assert ended.code == 0, ended.err
    return {trial["factors"]["tool"]: trial for trial in user.trials}


@pytest.mark.parametrize(
    ("index", "figure"),
    list(enumerate(FIGURES)),
    ids=[f"{figure.tool}-{n}" for n, figure in enumerate(FIGURES)],
)
def test_a_figure_is_what_the_tool_printed(
    index: int, figure: Figure, outputs: Outputs, trials: Mapping[str, dict[str, Any]]
) -> None:
    if program := missing_program(figure.tool):
        pytest.skip(f"{program}: command not found; apt install {TOOLS[figure.tool][0]}")
    if figure.tool.startswith("perf") and re.search(
        "No permission|not supported", outputs.text(f"{figure.tool}.err")
    ):
        pytest.skip("perf may not count events here")
    trial, name = trials[figure.tool], f"m{index}"
    expected = figure.oracle(outputs)
    if isinstance(expected, str):
        assert name not in trial["metrics"]
        assert trial["missing"][name].startswith(expected)
    else:
        assert name in trial["metrics"], trial["missing"].get(name)
        assert trial["metrics"][name]["value"] == pytest.approx(expected, rel=figure.within, abs=1e-12)


def test_there_are_enough_of_them() -> None:
    assert sum(package != "coreutils" or "printf" not in command for package, command in TOOLS.values()) >= 40
    assert {figure.tool for figure in FIGURES} == set(TOOLS)
