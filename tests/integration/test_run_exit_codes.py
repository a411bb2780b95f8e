"""What a run answers to faults: one clear line for each, no traceback, the right exit code, nothing left behind."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.images import bz_image
from tests.integration.sshd import Sshd, free_port, make_key
from tests.running import User

ANY = """
name: any
benchmark:
  command: [sh, -c, 'echo x={n}; exit {code}']
  metrics: {x: {key_value: x, unit: count}}
  exit_codes: {3: unsupported, 4: disturbed}
  arguments: {code: 0}
factors: {n: [1, 2]}
repetitions: 1
"""
STAT_INTERVAL = Path("/proc/sys/vm/stat_interval")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes a sysctl")


# --- trials ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exit_code", "status", "code", "reason"),
    [
        (0, "ok", 0, ""),
        (7, "failed", 1, "exit code 7; last line of stdout: x=1"),
        (4, "disturbed", 1, "exit code 4"),
    ],
)
def test_what_a_trial_may_be(user: User, exit_code: int, status: str, code: int, reason: str) -> None:
    ended = user.run(user.file(ANY), "--set", f"benchmark.arguments.code={exit_code}")
    assert ended.code == code, ended.err
    assert user.statuses == {status: 2}
    assert {trial["reason"].replace("x=2", "x=1") for trial in user.trials} == {reason}


def test_an_unsupported_trial_fails_the_run_unless_it_is_allowed(user: User) -> None:
    file = user.file(ANY.replace("code: 0", "code: 3"))
    assert user.run(file).code == 1
    assert user.statuses == {"unsupported": 2}
    ended = user.run(file, "--set", "allow_unsupported=['n > 0']", "-v")
    assert ended.code == 0
    assert "0 of 2 trials ok (unsupported 2, allowed)" in ended.out


def test_a_trial_that_does_not_end_is_ended_at_its_limit(user: User) -> None:
    text = "benchmark: {command: [sleep, '600'], metrics: {x: {key_value: x, unit: s}}}\nrepetitions: 1"
    ended = user.run(user.file(text, trial="1s"))
    assert ended.code == 1
    assert user.statuses == {"timeout": 1}
    assert "timed out after 1s (limits.trial); it printed nothing" in ended.err


def test_a_trial_that_is_killed_says_by_which_signal(user: User) -> None:
    text = "benchmark: {command: [sh, -c, 'kill -SEGV $$'], metrics: {x: {key_value: x, unit: s}}}\nrepetitions: 1"
    assert user.run(user.file(text)).code == 1
    assert [trial["reason"] for trial in user.trials] == ["killed by SIGSEGV; it printed nothing"]


PRINTS = """
benchmark:
  command: [sh, -c, 'echo begun; echo warned >&2; {how}']
  metrics: {x: {key_value: x, unit: s}}
factors: {how: [echo x=1, kill -SEGV $$, exec sleep 600, "echo gone >&2; exit 4", "true"]}
repetitions: 1
"""


def test_what_a_trial_printed_is_shown_whatever_became_of_it(user: User) -> None:
    assert user.run(user.file(PRINTS, trial="1s")).code == 1
    ends = {trial["factors"]["how"]: trial for trial in user.trials}
    assert {how: trial["reason"] for how, trial in ends.items()} == {
        "echo x=1": "",
        "kill -SEGV $$": "killed by SIGSEGV; last line of stderr: warned",
        "exec sleep 600": "timed out after 1s (limits.trial); last line of stderr: warned",
        "echo gone >&2; exit 4": "gone",
        "true": "metric x: not found in stdout; last line: begun; last line of stderr: warned",
    }
    for trial in ends.values():
        shown = user.orchestrate("results", "show", "latest", "--trial", trial["trial"], "--text").out
        assert "\nstdout:\n  begun\n" in shown
        assert "\nstderr:\n  warned\n" in shown


def test_a_trial_without_its_figure_has_failed(user: User) -> None:
    text = "benchmark: {command: [echo, x=nan], metrics: {x: {key_value: x, unit: s}}}\nrepetitions: 1"
    assert user.run(user.file(text)).code == 1
    assert "x" in user.trials[0]["reason"]
    assert user.trials[0]["details"] == "x=nan"


@pytest.mark.parametrize("program", ["frobnicate", "/nowhere/frobnicate", "{tool}"])
@pytest.mark.parametrize("where", ["user", "local_user"])
def test_a_program_that_is_not_there_is_found_once_before_the_first_trial(
    request: pytest.FixtureRequest, where: str, program: str
) -> None:
    someone: User = request.getfixturevalue(where)
    text = f"benchmark: {{command: ['{program}', '{{n}}'], metrics: {{x: {{key_value: x, unit: s}}}}}}\n"
    factors = "factors: {n: [1, 2], tool: [sh, frobnicate]}\n" if "{" in program else "factors: {n: [1, 2]}\n"
    ended = someone.run(someone.file(text + factors))
    assert ended.code == 3
    (line,) = ended.complaints
    assert f"{program.replace('{tool}', 'frobnicate')}: command not found; install it with a role" in line
    assert not someone.trials, "none was tried"


def test_a_program_of_the_host_is_reported_with_name_package_and_hash(local_user: User) -> None:
    """As `setarch` (util-linux) is on every Debian, by a path that no report needs to show."""
    path = shutil.which("setarch")
    text = (
        f"benchmark: {{command: [{path}, -R, echo, 'x={{n}}'], metrics: {{x: {{key_value: x, unit: s}}}}}}\n"
    )
    ended = local_user.run(local_user.file(text + "factors: {n: [1, 2]}\nrepetitions: 1"))
    assert ended.code == 0, ended.err
    mail = local_user.orchestrate("report", "latest", "--format", "mail").out
    page = local_user.orchestrate("report", "latest", "--format", "html").out
    digest = hashlib.sha256(Path(str(path)).resolve().read_bytes()).hexdigest()[:12]
    version = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "util-linux"], capture_output=True, text=True, check=True
    ).stdout
    provenance = " ".join(mail.split())
    assert "its command: setarch -R echo 'x={n}'" in provenance
    assert f"program setarch: util-linux {version}, SHA-256 {digest}" in provenance
    assert "Command: orchestrate run" in provenance
    assert str(path) not in mail
    assert f"util-linux {version}, SHA-256 {digest}" in page


# --- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--where", "m == 1"], "'m'"),
        (["--where", "n =="], "--where n ==: syntax error"),
        (["--where", "n > 5"], 'no cell matches --where "n > 5"'),
        (["--set", "repetitons=1"], "did you mean 'repetitions'?"),
        (["--set", "repetitions"], "expected key=value"),
        (["--set", "limits.trial=3 parsecs"], "parsecs"),
        (["--host", "a b"], "--host 'a b': expected a host of the inventory"),
        (["--host", "x:y"], "--host 'x:y'"),
        (["--resume", "20200101"], "no runs in results"),
        (["--set", "repetitions={count: 2, boots: 2}"], "the ssh provider cannot reboot its hosts"),
        (["--set", "hosts.qemu.nodes=3"], "nodes"),
        (["--set", "hosts.provider=quemu"], "did you mean 'qemu'?"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(user: User, words: list[str], expected: str) -> None:
    ended = (
        user.run(user.file(ANY), *words)
        if "--host" not in words
        else user.orchestrate("run", user.file(ANY), *words)
    )
    assert ended.code == 2, ended.err
    (line,) = ended.complaints
    assert expected in line
    assert not (user.folder / "results").exists()


def test_all_faults_of_a_file_at_once(user: User) -> None:
    file = user.file("benchmrk: {}\nrepetitions: 0\nfactors: {n: []}\n")
    ended = user.run(file)
    assert ended.code == 2
    assert len(ended.complaints) >= 3
    assert all(line.startswith(f"{file}:") for line in ended.complaints)
    assert user.orchestrate("validate", file).code == 2
    assert user.orchestrate("plan", file).code == 2


def test_a_file_that_is_not_there(user: User) -> None:
    ended = user.run(user.folder / "nowhere.yaml")
    assert ended.code == 2
    assert "nowhere.yaml" in ended.err


def test_a_group_that_the_inventory_does_not_have(user: User) -> None:
    inventory = user.folder / "inventory.yaml"
    inventory.write_text("numa: {hosts: {n1: {}}}\n")
    file = user.file(ANY + "hosts: {provider: ssh, group: nuna}\n")
    ended = user.orchestrate("run", file, "--inventory", inventory)
    assert ended.code == 2
    assert ended.complaints == [f"{inventory}: no group 'nuna'; did you mean 'numa'?"]


@pytest.mark.changes_settings
def test_settings_of_this_machine_need_a_word(local_user: User) -> None:
    ended = local_user.run(local_user.file(ANY + "tuning: {sysctl: {vm.stat_interval: 7}}\n"))
    assert ended.code == 2
    (line,) = ended.complaints
    assert "allow it with --allow-local-changes" in line


# --- hosts and kernels -------------------------------------------------------------------------------------


def inventory_of(user: User, **variables: object) -> Path:
    path = user.folder / "inventory.yaml"
    body = ", ".join(f"{key}: {value}" for key, value in variables.items())
    path.write_text(f"all: {{hosts: {{n1: {{{body}}}}}}}\n")
    return path


def reached_by(sshd: Sshd, **others: object) -> dict[str, object]:
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": sshd.port,
        "ansible_user": sshd.address.user,
        "ansible_ssh_private_key_file": sshd.folder / "user_key",
        "known_hosts_file": sshd.folder / "known_hosts",
        **others,
    }


def test_a_group_of_the_inventory_is_where_it_runs(user: User, sshd: Sshd) -> None:
    file = user.file(ANY + "hosts: {provider: ssh, group: all}\n")
    ended = user.orchestrate("run", file, "--inventory", inventory_of(user, **reached_by(sshd)))
    assert ended.code == 0, ended.err
    assert {trial["host"] for trial in user.trials} == {"n1"}


def test_connection_refused(user: User, sshd: Sshd) -> None:
    inventory = inventory_of(user, **reached_by(sshd, ansible_port=free_port()))
    ended = user.orchestrate("run", user.file(ANY), "--inventory", inventory, "--host", "n1")
    assert ended.code == 3
    (line,) = ended.complaints
    assert re.fullmatch(r"n1: connect to host 127\.0\.0\.1 port \d+: Connection refused", line)
    assert not user.run_folders


def test_an_unknown_host_key(user: User, sshd: Sshd) -> None:
    (user.folder / "known_hosts").write_text("")
    inventory = inventory_of(user, **reached_by(sshd, known_hosts_file=user.folder / "known_hosts"))
    ended = user.orchestrate("run", user.file(ANY), "--inventory", inventory, "--host", "n1")
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith("n1: Host key verification failed. No host key is known")


def test_a_changed_host_key(user: User, sshd: Sshd) -> None:
    other = make_key(user.folder / "other")
    (user.folder / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {other}")
    inventory = inventory_of(user, **reached_by(sshd, known_hosts_file=user.folder / "known_hosts"))
    ended = user.orchestrate("run", user.file(ANY), "--inventory", inventory, "--host", "n1")
    assert ended.code == 3
    assert "HAS CHANGED" in ended.complaints[0]


def test_a_key_that_is_refused(user: User, sshd: Sshd) -> None:
    make_key(user.folder / "stranger")
    inventory = inventory_of(user, **reached_by(sshd, ansible_ssh_private_key_file=user.folder / "stranger"))
    ended = user.orchestrate("run", user.file(ANY), "--inventory", inventory, "--host", "n1")
    assert ended.code == 3
    assert "Permission denied (publickey)" in ended.complaints[0]


def test_needs_that_are_not_met(user: User) -> None:
    ended = user.run(user.file(ANY + "hosts: {needs: {numa_nodes: 64}}\n"))
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith("testhost: needs 64 NUMA nodes, host has ")


def test_cpus_that_the_host_does_not_have(user: User) -> None:
    """``taskset`` would use those that exist (util-linux#1701)."""
    ended = user.run(user.file(ANY + "tuning: {placement: {cpus: '0,9000'}}\n"))
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith("testhost: tuning.placement.cpus: no CPU 9000; online CPUs: 0")
    assert user.statuses == {}


def test_no_number_comes_from_another_kernel_than_the_requested_one(user: User) -> None:
    release = os.uname().release
    (user.folder / "other").write_bytes(bz_image("6.6.6-other"))
    (user.folder / "same").write_bytes(bz_image(release))
    ended = user.run(user.file(ANY + "kernels: {mine: {image: same}, other: {image: other}}\n"))
    assert ended.code == 1
    assert user.statuses == {"ok": 2, "wrong_kernel": 2}
    assert f"not running kernel 'other': release is {release}, not 6.6.6-other" in ended.out
    for trial in user.trials:
        wrong = trial["factors"]["kernel"] == "other"
        assert (trial["status"] == "wrong_kernel") == wrong
        assert bool(trial["metrics"]) != wrong
    proofs = {block["kernel"]: block["proof"] for block in user.of_type("block")}
    assert proofs["mine"] == [{"what": "release", "expected": release, "found": release, "holds": True}]
    assert [check["holds"] for check in proofs["other"]] == [False]


def test_a_word_that_is_missing_on_the_command_line_is_another_kernel(user: User) -> None:
    (user.folder / "same").write_bytes(bz_image(os.uname().release))
    kernels = "kernels: {mine: {image: same, command_line: no_such_word=1}}\n"
    assert user.run(user.file(ANY + kernels)).code == 1
    assert user.statuses == {"wrong_kernel": 2}


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.changes_settings
@needs_root
def test_tuning_is_set_read_back_and_put_back(user: User) -> None:
    before = STAT_INTERVAL.read_text()
    text = ANY.replace("echo x={n}", f"echo x=$(cat {STAT_INTERVAL})").replace("n: [1, 2]", "code: [0]")
    text += "tuning: {sysctl: {vm.stat_interval: 7}}\n"
    try:
        assert user.run(user.file(text)).code == 0
        assert user.of_type("block")[0]["settings"] == {str(STAT_INTERVAL): "7"}
        assert {trial["metrics"]["x"]["value"] for trial in user.trials} == {7}
        assert STAT_INTERVAL.read_text() == before
    finally:
        STAT_INTERVAL.write_text(before)


@pytest.mark.changes_settings
@needs_root
def test_a_sysctl_factor_is_set_for_its_trials_only(user: User) -> None:
    before = STAT_INTERVAL.read_text()
    text = ANY.replace("echo x={n}", f"echo x=$(cat {STAT_INTERVAL})").replace(
        "n: [1, 2]", "sysctl.vm.stat_interval: [5, 9]"
    )
    try:
        assert user.run(user.file(text)).code == 0
        found = {
            trial["factors"]["sysctl.vm.stat_interval"]: (
                trial["metrics"]["x"]["value"],
                trial["settings"][str(STAT_INTERVAL)],
            )
            for trial in user.trials
        }
        assert found == {"5": (5, "5"), "9": (9, "9")}
        assert STAT_INTERVAL.read_text() == before
    finally:
        STAT_INTERVAL.write_text(before)


@pytest.mark.changes_settings
@needs_root
def test_a_write_only_sysctl_is_written_and_the_report_says_so(user: User) -> None:
    text = ANY.replace("n: [1, 2]", "n: [1], sysctl.vm.compact_memory: [1]")
    ended = user.run(user.file(text + "tuning: {sysctl: {vm/compact_memory: 1}}\n"))
    assert ended.code == 0, ended.err
    shown = "1 (write-only, not restored)"
    assert {trial["settings"]["/proc/sys/vm/compact_memory"] for trial in user.trials} == {shown}
    assert shown in user.orchestrate("report", "latest", "--format", "html").out


@pytest.mark.changes_settings
@needs_root
def test_a_refused_setting_names_requested_and_actual_value(user: User) -> None:
    before = STAT_INTERVAL.read_text()
    try:
        ended = user.run(
            user.file(ANY + "tuning: {sysctl: {vm.stat_interval: 7, vm.overcommit_memory: 9}}\n")
        )
        assert ended.code == 3
        (line,) = ended.complaints
        assert line.startswith(
            "testhost: cannot change settings: /proc/sys/vm/overcommit_memory: refused, requested '9'"
        )
        assert "actual '" in line
        assert STAT_INTERVAL.read_text() == before
        missing = user.run(user.file(ANY + "tuning: {sysctl: {vm.no_such_thing: 1}}\n"), "--new")
        assert missing.code == 3
        assert "/proc/sys/vm/no_such_thing: No such file or directory" in missing.complaints[0]
    finally:
        STAT_INTERVAL.write_text(before)


@pytest.mark.changes_settings
@needs_root
def test_a_factor_that_does_not_take_fails_its_trials_and_no_others(user: User) -> None:
    text = ANY.replace("n: [1, 2]", "sysctl.vm.overcommit_memory: [0, 9]").replace("x={n}", "x=1")
    before = Path("/proc/sys/vm/overcommit_memory").read_text()
    try:
        assert user.run(user.file(text)).code == 1
        became = {trial["factors"]["sysctl.vm.overcommit_memory"]: trial for trial in user.trials}
        assert became["0"]["status"] == "ok"
        assert became["9"]["status"] == "failed"
        assert "requested '9'" in became["9"]["reason"]
        assert Path("/proc/sys/vm/overcommit_memory").read_text() == before
    finally:
        Path("/proc/sys/vm/overcommit_memory").write_text(before)


# --- this machine ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [9, 12])
def test_a_process_that_may_open_few_files_is_told_so(local_user: User, files: int) -> None:
    local_user.prefix = ("sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", str(files))
    ended = local_user.run(local_user.file(ANY), "--host", "local")
    assert ended.code == 3
    assert ended.complaints == [
        "out of resources: Too many open files; raise what the shell allows (ulimit -a), or run less beside it"
    ]


def test_without_a_shell_there_are_no_commands_on_this_machine(local_user: User) -> None:
    local_user.environment = {"PATH": ""}
    ended = local_user.run(local_user.file(ANY), "--host", "local")
    assert ended.code == 3
    assert ended.complaints == ["local: sh: command not found; PATH lacks the directory of it"]
