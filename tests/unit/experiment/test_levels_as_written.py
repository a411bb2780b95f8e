"""A level reaches the program exactly as it was written; expressions see the number.

Values that other programs rewrote: yaml/pyyaml#107, missionpinball/mpf#594 (the colour 1030e0 became a number),
openstack-k8s-operators/ci-framework#4101 (a MAC address became a sexagesimal number). taskset reads 16 as hexadecimal.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.calls import orchestrate

FILE = """
version: 1
benchmark:
  command: [printf, '%s', "{level}"]
  metrics: {x: {key_value: x, unit: s}}
repetitions: 1
"""


def plan(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "e.yaml").write_text(FILE + text)
    return orchestrate("plan", str(folder / "e.yaml"), "--format", "jsonl", *words)


def passed(ended: subprocess.CompletedProcess[str]) -> list[str]:
    assert ended.returncode == 0, ended.stderr
    trials = [json.loads(line) for line in ended.stdout.splitlines()]
    return sorted({trial["argv"][-1] for trial in trials if "argv" in trial})


WRITTEN = [
    *(
        "0x10",
        "0xFF",
        "0777",
        "007",
        "0o17",
        "1e3",
        "1E-3",
        "+5",
        "-0",
        "1_000",
        "1_000_000",
        ".5",
        "5.",
        "1.50",
    ),
    *(
        "1:30",
        "12:30:45",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "True",
        "FALSE",
        "true",
        "0b101",
        "1__0",
        "2017-02-17",
    ),
    *("1030e0", "52:54:05:00:23:48", "00:1a:2b", "1e3s", "4KiB", "1.0.0", "="),
]


@pytest.mark.parametrize("text", WRITTEN)
def test_the_program_gets_the_level_as_it_is_written(tmp_path: Path, text: str) -> None:
    assert passed(plan(tmp_path, f"factors: {{level: [{text}]}}\n")) == [text]
    assert passed(plan(tmp_path, "factors: {level: [other]}\n", "--set", f"factors.level=[{text}]")) == [text]
    (tmp_path / "e.yaml").write_text(FILE.replace("metrics", f"arguments: {{level: {text}}}\n  metrics"))
    assert passed(orchestrate("plan", str(tmp_path / "e.yaml"), "--format", "jsonl")) == [text]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x10", "16"),
        ("0777", "777"),
        ("0o17", "15"),
        ("1e3", "1000"),
        ("+5", "5"),
        ("1_000", "1000"),
        (".5", "1 / 2"),
        ("True", "true"),
        ("1:30", "'1:30'"),
        ("yes", "'yes'"),
    ],
)
def test_expressions_see_the_number(tmp_path: Path, text: str, number: str) -> None:
    factors = f"factors: {{level: [{text}, other]}}\n"
    assert passed(plan(tmp_path, factors, "--where", f"level == {number}")) == [text]
    assert passed(plan(tmp_path, f"{factors}exclude: [level == {number}]\n")) == ["other"]


def test_one_number_written_twice_is_refused(tmp_path: Path) -> None:
    ended = plan(tmp_path, "factors: {level: [16, 0x10]}\n")
    assert ended.returncode == 2
    assert "duplicate level '0x10' of level (first listed as '16'); quote both to pass both" in ended.stderr
    assert passed(plan(tmp_path, "factors: {level: ['16', '0x10']}\n")) == ["0x10", "16"]


def test_a_number_beyond_64_bits_is_text_in_quotes(tmp_path: Path) -> None:
    mask = "0x" + "f" * 32
    ended = plan(tmp_path, f"factors: {{level: [{mask}]}}\n")
    assert (ended.returncode, "does not fit in 64 bits; put it in quotes" in ended.stderr) == (2, True)
    assert passed(plan(tmp_path, f"factors: {{level: ['{mask}']}}\n")) == [mask]


def test_settings_get_numbers_as_the_kernel_prints_them(tmp_path: Path) -> None:
    ended = plan(tmp_path, "factors: {level: [a], sysctl.vm.swappiness: [0x10, 07, true, 1MiB, '60']}\n")
    trials = [json.loads(line) for line in ended.stdout.splitlines()]
    found = {
        trial["factors"]["sysctl.vm.swappiness"]: trial["settings"] for trial in trials if "factors" in trial
    }
    assert {text: settings["/proc/sys/vm/swappiness"] for text, settings in found.items()} == {
        "0x10": "16",
        "07": "7",
        "true": "1",
        "1MiB": "1048576",
        "60": "60",
    }


def test_a_role_names_what_a_ranged_option_takes(tmp_path: Path) -> None:
    """migbench reads decimal and hexadecimal numbers; what it would refuse in a trial is refused at once."""
    (tmp_path / "e.yaml").write_text(
        "version: 1\nbenchmark: {role: migbench, arguments: {mode: copy}}\nfactors: {pages: [0x10, 8]}\n"
    )
    found = orchestrate("plan", str(tmp_path / "e.yaml"), "--set", "factors.pages=[0x10, 8]")
    assert (found.returncode, "--pages=0x10" in found.stdout) == (0, True)
    for text in ("+5", "1_000", "0o17", "1e3"):
        ended = orchestrate("plan", str(tmp_path / "e.yaml"), "--set", f"factors.pages=[{text}]")
        assert (ended.returncode, f"invalid value '{text}' for 'pages'; expected 1 to" in ended.stderr) == (
            2,
            True,
        )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("vm.swappiness", "vm/swappiness"),
        ("vm/swappiness", "vm/swappiness"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        # stacked VLANs, fedora-sysv/initscripts#528; one, siderolabs/talos#7878
        ("net.ipv6.conf.eth0/100/200.forwarding", "net/ipv6/conf/eth0.100.200/forwarding"),
        ("net/ipv6/conf/eth0.100.200/forwarding", "net/ipv6/conf/eth0.100.200/forwarding"),
        ("net/ipv6/conf/wg0:1@if2/mtu", "net/ipv6/conf/wg0:1@if2/mtu"),
        ("vm//swappiness", ""),
        ("vm/../kernel/panic", ""),
        ("vm.//.kernel.panic", ""),
        ("vm./.swappiness", ""),
        ("/etc/passwd", ""),
        ("swappiness", ""),
    ],
)
def test_a_sysctl_is_named_as_sysctl_8_names_it(tmp_path: Path, name: str, path: str) -> None:
    ended = plan(tmp_path, f"factors: {{level: [a], 'sysctl.{name}': [1]}}\n")
    assert ended.returncode == (0 if path else 2), ended.stderr
    settings = [json.loads(line).get("settings") for line in ended.stdout.splitlines()]
    assert {f"/proc/sys/{path}": "1"} in settings or not path
    (tmp_path / "e.yaml").write_text(FILE + f"factors: {{level: [a]}}\ntuning: {{sysctl: {{'{name}': 1}}}}\n")
    assert orchestrate("validate", str(tmp_path / "e.yaml")).returncode == (0 if path else 2)
    overridden = plan(tmp_path, "factors: {level: [a]}\n", "--set", f"tuning.sysctl.{name}=1")
    assert overridden.returncode == (0 if path else 2)
