"""Figures that a run takes from output of awkward kinds, and what it says where it takes none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.host_shells import processes
from tests.running import User

PROGRAM = r"""
import sys
kind, limit = sys.argv[1], 96 * 1024
printed = {
    "small": "throughput=12345.6\n",
    "straddle": "# " + "p" * (limit - 2 - len("\nthroughput=12")) + "\nthroughput=12345.6\n",
    "progress": "".join(f"throughput={n}\n" for n in range(9000)) + "throughput=12345.6\n",
    "early": "throughput=12345.6\n" + "x" * limit + "\n",
    "cut-in-it": "throughput=12345.6" + " " * (limit - 4) + "\n",
    "huge": '{"throughput": 1' + "0" * 400 + "}",
    "huger": '{"throughput": 1' + "0" * 5000 + "}",
    "deep": "[" * 40000,
    "deep-nan": '{"throughput":' * 500 + "NaN" + "}" * 500,
    "cr": "progress: 10%\rprogress: 50%\rthroughput=12345.6\rdone\n",
    "after-a-line": 'fio: file hash not empty on exit\n{\n  "throughput": 12345.6\n}\n',
}
print(printed[kind], end="")
"""


def experiment(metric: dict[str, object], kinds: list[str], program: Path) -> str:
    document = {
        "noise": False,
        "repetitions": 1,
        "benchmark": {
            "command": ["python3", str(program), "{kind}"],
            "metrics": {"throughput": {"unit": "MB/s", **metric}},
        },
        "factors": {"kind": kinds},
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in document.items())


CUT = "metric throughput: not found in the last 96 KiB of stdout; earlier output is not kept"
INFINITE = "metric throughput: found, but Infinity is not a finite number"
DEEP = "metric throughput: not found in stdout: the JSON document is nested more than 100 levels deep"


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (
            {"key_value": "throughput"},
            {"small": "", "straddle": "", "progress": "", "cr": "", "early": CUT, "cut-in-it": CUT},
        ),
        (
            {"regex": "^throughput=([0-9.]+)"},
            {"small": "", "straddle": "", "progress": "", "cr": "", "early": CUT, "cut-in-it": CUT},
        ),
        (
            {"json": "throughput"},
            {"after-a-line": "", "huge": INFINITE, "huger": INFINITE, "deep": DEEP, "deep-nan": DEEP},
        ),
    ],
)
def test_a_figure_is_whole_or_none(
    local_user: User, metric: dict[str, object], expected: dict[str, str]
) -> None:
    program = local_user.folder / "program.py"
    program.write_text(PROGRAM)
    ended = local_user.run(local_user.file(experiment(metric, list(expected), program)))
    assert ended.code == (1 if any(expected.values()) else 0), ended.err
    local_user.assert_complete(len(expected))
    assert {trial["factors"]["kind"]: trial["reason"] for trial in local_user.trials} == expected
    for trial in local_user.trials:
        figures = {} if trial["reason"] else {"throughput": {"value": 12345.6, "unit": "MB/s"}}
        assert trial["metrics"] == figures
        is_cut = trial["factors"]["kind"] in ("straddle", "progress", "early", "cut-in-it")
        assert trial["cut"] == (["stdout"] if is_cut else [])


def test_a_pattern_that_takes_for_ever_does_not_hold_up_the_run(local_user: User) -> None:
    text = r"""
noise: false
repetitions: 1
benchmark:
  command: [echo, '{digits} {rest}']
  metrics: {t: {regex: '((?:\d|\d\d)+)[^,]*,$', unit: KiB/s}}
factors: {digits: ["111111111111111111111111111111111111111111111111", "12"], rest: ["KiB/s, x", "KiB/s,"]}
zip: [[digits, rest]]
order: {within_block: listed}
"""
    ended = local_user.run(local_user.file(text))
    assert ended.code == 1, ended.err
    local_user.assert_complete(2)
    assert [trial["reason"] for trial in local_user.trials] == [
        "metric t: the regular expression took more than 2 s",
        "",
    ]


def test_a_figure_on_stderr_is_quoted_shown_and_can_be_read(local_user: User) -> None:
    text = r"""
noise: false
repetitions: 1
benchmark:
  command: [sh, -c, 'echo "209.72 424.38" >&2']
  metrics: {bw: {regex: '^[0-9.]+ ([0-9.]+)', unit: MB/s}}
"""
    file = local_user.file(text)
    ended = local_user.run(file)
    assert ended.code == 1
    (failed,) = local_user.trials
    assert failed["reason"] == "metric bw: not found: stdout was empty; last line of stderr: 209.72 424.38"
    shown = json.loads(local_user.orchestrate("results", "show", "latest", "--trial", failed["trial"]).out)
    assert (shown["stderr"], shown["missing"]) == (
        "209.72 424.38",
        {"bw": "not found: stdout was empty; last line of stderr: 209.72 424.38"},
    )
    read = local_user.run(file, "--set", "benchmark.metrics.bw.from=stderr", "--format", "json")
    assert read.code == 0, read.err
    assert json.loads(read.out)["cells"][0]["metrics"]["bw"]["median"] == 424.38


def test_processes_that_a_trial_leaves_behind_are_told_once(local_user: User) -> None:
    text = r"""
noise: false
repetitions: 1
benchmark:
  command: [sh, -c, 'test {leaves} = 0 || setsid sleep 1987 </dev/null >/dev/null 2>&1 & sleep 0.1; echo t=1']
  metrics: {t: {key_value: t, unit: s}}
factors: {leaves: [0, 1, 2]}
"""
    ended = local_user.run(local_user.file(text))
    assert ended.code == 0, ended.err
    assert {trial["factors"]["leaves"]: trial["strays"] for trial in local_user.trials} == {
        "0": False,
        "1": True,
        "2": True,
    }
    assert ended.err.count("left processes behind, which were ended") == 1
    assert processes("sleep\0001987") == []
