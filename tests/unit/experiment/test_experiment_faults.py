"""Each file of ``faults/`` is an invalid experiment file that ends with its expected messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput, ExitCode
from orchestrator.experiment.loader import load
from tests.calls import orchestrate

FAULTS = Path(__file__).parent / "faults"
ROOT = Path(__file__).parents[3]
MARK = "# => "


@pytest.mark.parametrize("name", sorted(file.stem for file in FAULTS.glob("*.yaml")))
def test_all_faults_of_a_file_are_reported(name: str, tmp_path: Path) -> None:
    lines = (FAULTS / f"{name}.yaml").read_text().splitlines(keepends=True)
    expected = [line.removeprefix(MARK).rstrip("\n") for line in lines if line.startswith(MARK)]
    file = tmp_path / f"{name}.yaml"
    file.write_text("".join(line for line in lines if not line.startswith(MARK)))

    with pytest.raises(BadInput) as caught:
        load(file)

    found = [
        str(fault).removeprefix(f"{file}:").replace(str(tmp_path), "FOLDER").replace(str(ROOT), "ROOT")
        for fault in caught.value.faults
    ]
    assert found == expected
    assert caught.value.exit_code is ExitCode.BAD_INPUT


def faults_of(file: Path) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load(file)
    return [str(fault).removeprefix(str(file)) for fault in caught.value.faults]


def test_invalid_utf8_is_refused_with_its_position(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("version: 1\ndescription: gro\xdf\n".encode("latin-1"))
    assert faults_of(file) == [":2:17: invalid UTF-8: byte 0xdf"]


def test_utf16_is_refused_and_a_utf8_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "wide.yaml"
    file.write_bytes("version: 1\n".encode("utf-16"))
    assert "invalid UTF-8" in faults_of(file)[0]
    file.write_bytes("version: 1\nbenchmark: {role: migbench}\n".encode("utf-8-sig"))
    assert load(file).benchmark.name == "migbench"


def test_a_control_character_is_refused_with_its_position(tmp_path: Path) -> None:
    file = tmp_path / "control.yaml"
    file.write_text("version: 1\nname: a\x07b\n")
    assert faults_of(file) == [":2:8: character U+0007 is not allowed in YAML"]


def test_a_missing_file_gives_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").write_text("")
    file = tmp_path / "quickstart.yml"
    assert faults_of(file) == [f": No such file or directory; did you mean '{tmp_path}/quickstart.yaml'?"]
    assert "Is a directory" in faults_of(tmp_path)[0]


def test_an_image_that_is_no_file(tmp_path: Path) -> None:
    """A link to itself, a device and a user's directory."""
    (tmp_path / "loop").symlink_to("loop")
    file = tmp_path / "kernel.yaml"
    for image, reason in (
        ("loop", "Too many levels of symbolic links"),
        ("loop/vmlinuz", "Too many levels of symbolic links"),
        ("/dev/zero", "not a regular file"),
        ("/proc", "Is a directory"),
        ("~nobody-here/vmlinuz", "no such user"),
    ):
        file.write_text(f"version: 1\nkernels: {{k: {{image: {image}}}}}\n")
        assert f"{image}: {reason}" in "\n".join(faults_of(file))


def test_exponential_alias_expansion_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    rows = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    file.write_text("\n".join(rows))
    message = "more than 100000 values after alias expansion; write fewer aliases ('*name')"
    assert faults_of(file) == [f":5:4: {message}"]  # where the 100000th value is
    file.write_text("\n".join([*rows[:3], "rest:", *(f"- k{number}: *c" for number in range(1000))]))
    assert faults_of(file) == [f":93:3: {message}"]


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text("version: " + "[" * 10_000)
    assert "nested" in faults_of(file)[0]


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text("#" * (4 * 1024 * 1024 + 1))
    assert faults_of(file) == [": File too large (limit: 4 MiB)"]


def test_sections_of_providers_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "provider.yaml"
    file.write_text(
        "version: 1\nbenchmark: {role: migbench}\nhosts: {provider: qmeu, qemu: {clock: sundial}, ssj: {}}\n"
    )
    clock = {"enum": ["wall", "instructions"], "description": "What guest time counts."}
    options = {
        "qemu": {"type": "object", "additionalProperties": False, "properties": {"clock": clock}},
        "ssh": {"type": "object", "additionalProperties": False},
    }
    with pytest.raises(BadInput) as caught:
        load(file, provider_options=options)
    assert [str(fault).removeprefix(str(file)) for fault in caught.value.faults] == [
        ":3:19: expected one of qemu, ssh; found the string 'qmeu'; did you mean 'qemu'?",
        ":3:39: expected one of wall, instructions; found the string 'sundial'",
        ":3:49: unknown key 'ssj'; did you mean 'ssh'?",
    ]


def test_faults_of_the_benchmark_file_of_a_role_are_reported_too(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "timer"
    role.mkdir(parents=True)
    own = role / "benchmark.yaml"
    own.write_text(
        "command: [./timer]\noptoins: [size]\nheadline: speed\n"
        "metrics: {sped: {key_value: s, unit: GiB/s, better: faster}}\n"
    )
    file = tmp_path / "experiment.yaml"
    file.write_text("version: 1\nbenchmark: {role: timer}\nrepetitions: many\n")
    with pytest.raises(BadInput) as caught:
        load(file)
    assert [str(fault).replace(str(tmp_path), "") for fault in caught.value.faults] == [
        "/experiment.yaml:3:14: expected a count >= 1, or a mapping with 'count' and 'boots'; "
        "found the string 'many'",
        "/roles/timer/benchmark.yaml:2:1: unknown key 'optoins'; did you mean 'options'?",
        "/roles/timer/benchmark.yaml:4:53: expected one of higher, lower, neither; found the string 'faster'",
    ]


def test_a_role_without_benchmark_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roles" / "idle").mkdir(parents=True)
    file = tmp_path / "experiment.yaml"
    file.write_text("version: 1\nbenchmark: {role: idle}\n")
    assert faults_of(file) == [":2:19: role 'idle' is not a benchmark: no benchmark.yaml"]


def test_faults_of_all_files_and_of_their_roles_are_told_at_once(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "idle"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text("- name: first\n  comand: [true]\n")
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("first", "second", "third"))
    first.write_text(
        "version: 1\nbenchmark: {command: [a], metrics: {x: {key_value: x, unit: s}}}\n"
        "roles: [idle]\nrepetitions: many\n"
    )
    second.write_text(
        "version: 1\nbenchmark: {role: migbench}\nhosts: {provider: qemu, qemu: {nodes: [{memory: 1MiB}]}}\n"
    )
    third.write_text("version: 2\nbenchmark: {role: migbench}\n")
    done = orchestrate("validate", *(str(file) for file in (first, second, third)))
    assert done.returncode == 2
    starts = [
        f"{first}:4:14: ",
        f"{role}/tasks.yaml:2:3: ",
        f"{second}:3:49: hosts.qemu.nodes[0].memory: ",
        f"{third}:1:10: ",
    ]
    assert all(f"\n{start}" in f"\n{done.stderr}" for start in starts)


def test_of_very_many_faults_the_first_and_the_last_are_printed(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    rows = "".join(f"unknown_{number:03}: 1\n" for number in range(200))
    file.write_text(f"version: 1\nbenchmark: {{role: migbench}}\n{rows}")
    lines = orchestrate("validate", str(file)).stderr.splitlines()
    assert len(lines) == 52
    assert lines[50] == "orchestrate: ... and 149 more"
    assert "unknown_199" in lines[51]


def test_values_of_placeholders_are_checked_before_any_host_is_used(tmp_path: Path) -> None:
    """``validate`` knows which value each placeholder of a role's command gets."""
    role = tmp_path / "roles" / "timer"
    role.mkdir(parents=True)
    (role / "benchmark.yaml").write_text(
        "command: [./timer, '--block={block}', '{how}']\n"
        "choices: {how: [read, write]}\n"
        "ranges: {block: {from: 4KiB, to: 1MiB, power_of_two: true}}\n"
        "metrics: {rate: {key_value: rate, unit: MiB/s}}\n"
    )
    file = tmp_path / "a.yaml"
    file.write_text(
        "version: 1\nbenchmark: {role: timer, arguments: {how: writ}}\n"
        "factors: {block: {geometric: {from: 6KiB, to: 12KiB}}}\n"
    )
    done = orchestrate("validate", str(file))
    assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, "")
    assert done.stderr.splitlines() == [
        f"{file}:2:43: invalid value 'writ' for 'how'; did you mean 'write'?",
        f"{file}:3:18: invalid value '6KiB' for 'block'; expected a power of two from 4KiB to 1MiB",
    ]
