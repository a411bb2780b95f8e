"""``orchestrate plan``: it says what ``run`` would refuse, or do first."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.hosts.guest.several import most_guests
from tests.calls import orchestrate

EXPERIMENT = """\
version: 1
name: any
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
"""
HOURS = "limits: {trial: 60s, max_hours: 0.000001}\nhosts: {provider: qemu}\n"
COST = "limits: {max_cost: 0.001}\nhosts: {provider: ec2, ec2: {region: eu-west-1, types: [TYPE]}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "any.yaml"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (HOURS, "limits.max_hours is 1e-06, but the run takes about"),
        (COST.replace("TYPE", "c5.metal"), "limits.max_cost is 0.001 USD, but the run costs about"),
        (COST.replace("TYPE", "c5.metl"), "the price of c5.metl is unknown; use limits.max_hours"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "validate"])
def test_a_limit_that_run_would_refuse_is_a_warning(
    file: Path, command: str, section: str, expected: str
) -> None:
    file.write_text(EXPERIMENT + section)
    ended = orchestrate(command, str(file))
    assert ended.returncode == 0
    refused = orchestrate("run", str(file), "--dry-run")
    assert refused.returncode == 2
    (line,) = set(ended.stderr.splitlines())
    assert expected in line
    assert line.endswith("run will refuse this: " + refused.stderr.removeprefix("orchestrate: ").rstrip())


def test_an_exceeded_limit_is_known_before_the_host_is(file: Path) -> None:
    file.write_text(EXPERIMENT + HOURS.replace("qemu", "ssh"))
    assert "run will refuse this: limits.max_hours is" in orchestrate("validate", str(file)).stderr


def test_boots_that_the_host_cannot_do_are_a_warning(file: Path) -> None:
    file.write_text(EXPERIMENT + "repetitions: {count: 4, boots: 2}\n")
    assert (
        "run will refuse this: repetitions.boots is 2"
        in orchestrate("plan", str(file), "--host", "n1").stderr
    )
    one = orchestrate("plan", str(file), "--host", "n1", "--set", "repetitions.boots=1")
    assert one.stderr == ""


@pytest.mark.parametrize(("name", "hinted"), [("c5.metl", True), ("c5.metal", False)])
def test_a_mistyped_machine_type_gets_a_hint(file: Path, name: str, hinted: bool) -> None:
    file.write_text(EXPERIMENT + COST.replace("TYPE", f"m5.metal, {name}"))
    hint = "hosts.ec2.types: 'c5.metl' is not a known metal type; did you mean 'c5.metal'?"
    assert (hint in orchestrate("plan", str(file)).stdout) == hinted


def test_a_kernel_that_is_not_built_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()  # no apt, git or compiler: nothing is fetched or built
    (tmp_path / "a.config").write_text("CONFIG_NUMA=y\n")
    recipe = "{source: {package: linux-source}, config: {base: tiny, fragments: [a.config]}}"
    kernels = f"kernels: {{plain: {{package: linux-image-amd64}}, accel: {{recipe: {recipe}}}}}\n"
    file.write_text(EXPERIMENT + "hosts: {provider: qemu}\n" + kernels)
    ended = orchestrate("plan", str(file), PATH=str(tmp_path / "bin"), XDG_CACHE_HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert [line for line in ended.stdout.splitlines() if line.startswith("kernel ")] == [
        "kernel accel: not built yet; `run` builds it first, which takes minutes to hours and 2 GB of disk"
    ]


GUESTS = """\
hosts:
  provider: qemu
  qemu: {nodes: [{cpus: 1, memory: 256MiB}], CLOCK, parallel: 3}
repetitions: {count: 6, boots: 6}
"""


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (
            "clock: instructions",
            ["about 30s of wall time (6 × 2s per trial", "limits.trial is 1s of guest time, about"],
        ),
        ("clock: wall, acceleration: tcg", ["about 28s (6 × 1s per trial"]),
    ],
)
def test_guests_at_once_share_the_time_and_their_clock_is_named(
    file: Path, clock: str, expected: list[str]
) -> None:
    file.write_text(EXPERIMENT + GUESTS.replace("CLOCK", clock))
    ended = orchestrate("plan", str(file), "--set", "limits.trial=1s")
    assert ended.returncode == 0, ended.stderr
    assert [words for words in expected if words not in ended.stdout] == []
    assert "6 × 13s per boot, 3 boots at once)" in ended.stdout
    assert ("of guest time" in ended.stdout) == (len(expected) > 1)


def test_auto_counts_the_guests_that_fit_on_this_machine(file: Path) -> None:
    file.write_text(
        EXPERIMENT + GUESTS.replace("CLOCK", "clock: instructions").replace("parallel: 3", "parallel: auto")
    )
    fitting = min(6, most_guests(256 * 1024**2))
    shown = orchestrate("plan", str(file)).stdout
    assert (f", {fitting} boots at once)" in shown) == (fitting > 1)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("mode == 'serail'", "'serail' is not a level of 'mode'; did you mean 'serial'?"),
        ("mode in ('copi', 'serail')", "'copi' is not a level of 'mode'; did you mean 'copy'?"),
        ("kernel == 'sotck'", "'sotck' is not a level of 'kernel'; did you mean 'stock'?"),
        ("kernel == stock", "'stock' is not a factor or an argument; put a text in quotes: 'stock'"),
        ("mode == 'copy' and mode == 'serial'", "'orchestrate plan' without --where lists all cells"),
    ],
)
def test_a_level_that_is_misspelt_in_where_is_named(tmp_path: Path, where: str, message: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "version: 1\nbenchmark: {role: migbench}\nkernels: {stock: default, mine: running}\n"
        "factors: {mode: [serial, copy]}\n"
    )
    refused = orchestrate("plan", str(file), "--where", where)
    assert refused.returncode == 2
    assert message in refused.stderr
