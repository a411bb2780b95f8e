"""The runner on hosts with each shell: all outcomes of a trial, and its journal."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.execution.host_journal import Begin, End, Reader, Start, TrialEnd, Waiting
from orchestrator.execution.trial_file import HostTrial, encode_trials
from orchestrator.experiment.model import Setting
from tests.host_shells import SHELLS, HostFolder, processes

TAG = {"cell": "c0ffee", "text": 'it\'s "quoted" \\ and\nbroken – ünd'}
MARKER, DAEMON = f"7{os.getpid()}.1", f"7{os.getpid()}.2"  # arguments of sleep that no other process has


def trial(name: str, *argv: str, limit: float = 30, settings: tuple[Setting, ...] = ()) -> HostTrial:
    return HostTrial(id=name, tag=TAG, folder="/", argv=argv, settings=settings, time_limit=limit)


@pytest.fixture(scope="module", params=SHELLS)
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostFolder]:
    """A finished block with all kinds of trials."""
    host = HostFolder(request.param, tmp_path_factory.mktemp(request.param))
    knob = host.folder / "knob of [the] host"
    knob.write_text("always [madvise] never\n")
    try:
        started = host.start(
            trial("ok", "sh", "-c", "printf 'a=1\\n\\n'; echo text >&2; pwd; echo $#", "sh", "a b", "*", ""),
            trial("fails", "sh", "-c", "exit 77"),
            trial("late", "sleep", "600", limit=1),
            trial("deaf", "sh", "-c", "trap '' TERM; while :; do sleep 1; done", limit=1),
            trial("parent", "sh", "-c", f"sleep {MARKER} & exit 3"),
            trial("daemon", "sh", "-c", f"setsid sleep {DAEMON} & sleep 0.2"),
            trial("code-130", "sh", "-c", "exit 130"),
            trial("binary", "sh", "-c", r"""printf 'a\000b\001\033"\\\377\303c\n\td\r' """),
            trial("killed", "sh", "-c", "kill -9 $$"),
            trial(
                "huge",
                "sh",
                "-c",
                "yes 'a \"line\"' | head -c 3000000; echo; echo last; yes e | head -c 100000 >&2; echo z >&2",
            ),
            trial("one-line", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\000' x"),
            trial("fits", "sh", "-c", "head -c 98303 /dev/zero | tr '\\000' x; echo"),
            trial("nosuch", "no-such-program"),
            trial(
                "reads",
                "sh",
                "-c",
                "cat; env; for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && printf $n; done",
            ),
            HostTrial(id="nowhere", tag=TAG, folder="/no/such folder", argv=("true",)),
            trial("set", "cat", str(knob), settings=(Setting(str(host.folder / "knob*"), "never"),)),
            trial("after-set", "cat", str(knob)),
            trial("refused", "true", settings=(Setting("/proc/sys/kernel/version", "5"),)),
            trial("missing", "true", settings=(Setting("/proc/sys/no/such", "5"),)),
            trial("optional", "true", settings=(Setting("/proc/sys/no/such", "5", optional=True),)),
        )
        assert (started.returncode, started.stdout, started.stderr) == (0, b"", b"")
        host.wait()
        yield host
    finally:
        host.close()


@pytest.fixture
def ends(finished: HostFolder) -> Mapping[str, TrialEnd]:
    return {end.trial: end for end in finished.trial_ends()}


def test_journal_has_header_pairs_and_end(finished: HostFolder) -> None:
    events = finished.events()
    assert isinstance(events[0], Begin)
    assert events[0].boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert finished.end().reason == "complete"
    assert finished.status() == "complete"
    starts, trial_ends = events[1:-1:2], events[2:-1:2]
    assert len(starts) == len(trial_ends) == 20
    for start, end in zip(starts, trial_ends, strict=True):
        assert isinstance(start, Start)
        assert isinstance(end, TrialEnd)
        assert start.trial == end.trial
        assert end.tag == TAG
        assert not end.start or start.time <= end.start <= end.end


def test_runner_prints_nothing(finished: HostFolder) -> None:
    assert (finished.block / "runner.log").read_text() == ""


def test_success_and_failure(ends: Mapping[str, TrialEnd]) -> None:
    assert (ends["ok"].exit_code, ends["ok"].signal, ends["ok"].timed_out) == (0, None, False)
    assert ends["ok"].stdout == "a=1\n\n/\n3"
    assert ends["ok"].stderr == "text"
    assert not ends["ok"].strays
    assert ends["fails"].exit_code == 77
    assert ends["nosuch"].exit_code == 127
    assert "no-such-program" in ends["nosuch"].stderr
    assert (ends["killed"].exit_code, ends["killed"].signal) == (None, 9)
    assert (ends["code-130"].exit_code, ends["code-130"].signal) == (130, None)


def test_time_limit_ends_the_whole_group(ends: Mapping[str, TrialEnd]) -> None:
    assert (ends["late"].timed_out, ends["late"].signal) == (True, 15)
    assert (ends["deaf"].timed_out, ends["deaf"].signal) == (True, 9)


def test_processes_of_a_trial_are_killed_at_its_end(ends: Mapping[str, TrialEnd]) -> None:
    assert (ends["parent"].exit_code, ends["parent"].strays) == (3, True)
    assert (ends["daemon"].exit_code, ends["daemon"].strays) == (0, True)
    assert processes(MARKER) == processes(DAEMON) == []


def test_output_of_any_bytes(ends: Mapping[str, TrialEnd]) -> None:
    assert ends["binary"].stdout == 'ab\x01\x1b"\\��c\n\td\r'
    assert ends["huge"].stdout.endswith('a "line"\na "\nlast')
    assert len(ends["huge"].stdout) == 96 * 1024 - 1
    assert ends["huge"].stdout_cut
    assert ends["huge"].stderr.endswith("e\nz")
    assert len(ends["huge"].stderr) == 16 * 1024 - 1
    assert ends["huge"].stderr_cut
    assert ends["one-line"].stdout == "x" * 96 * 1024
    assert ends["one-line"].stdout_cut
    assert (ends["fits"].stdout, ends["fits"].stdout_cut) == ("x" * (96 * 1024 - 1), False)
    assert not ends["ok"].stdout_cut
    assert not ends["ok"].stderr_cut


def test_trial_has_a_minimal_environment(ends: Mapping[str, TrialEnd]) -> None:
    *variables, descriptors = ends["reads"].stdout.splitlines()
    names = {variable.partition("=")[0] for variable in variables}
    given = {"PATH", "HOME", "LC_ALL", "LANG", "ORCHESTRATE_CLOCK"}
    assert given <= names <= given | {"PWD", "SHLVL", "_"}
    assert "ORCHESTRATE_CLOCK=wall" in variables
    assert descriptors == "012"


def test_settings_hold_for_one_trial(ends: Mapping[str, TrialEnd], finished: HostFolder) -> None:
    (change,) = ends["set"].changes
    assert (change.before, change.requested, change.actual, change.verdict) == (
        "madvise",
        "never",
        "never",
        "changed",
    )
    assert ends["set"].stdout == "never"
    assert ends["after-set"].stdout == "madvise"
    assert (finished.base / "settings.trial").read_text() == ""


def test_trial_does_not_run_without_its_settings(ends: Mapping[str, TrialEnd]) -> None:
    for name, verdict in (
        ("refused", "refused, requested '"),
        ("missing", "No such file or directory (requested '"),
    ):
        end = ends[name]
        assert (end.exit_code, end.start, end.end) == (None, "", "")
        assert end.refused.startswith("setting /proc/sys/")
        assert verdict in end.refused
        assert end.changes[0].is_error
    assert ends["optional"].exit_code == 0
    assert ends["optional"].changes == ()
    assert ends["nowhere"].refused == "/no/such folder: No such file or directory"


def test_usage_of_a_trial(ends: Mapping[str, TrialEnd]) -> None:
    usage = ends["huge"].usage
    assert usage["of"] in ("cgroup", "waited")
    assert usage["user"] + usage["system"] > 0
    assert usage["memory_peak"] > 4096
    assert ends["refused"].usage == {}


def test_counters_are_differences(ends: Mapping[str, TrialEnd]) -> None:
    assert ends["huge"].counters["pgfault"] > 0
    assert 0 not in ends["huge"].counters.values()
    assert ends["refused"].counters == {}


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostFolder]:
    folder = HostFolder(request.param, tmp_path)
    yield folder
    folder.close()


def test_kernel_log_since_the_previous_trial(host: HostFolder) -> None:
    if not os.access("/dev/kmsg", os.W_OK) or subprocess.run(["dmesg"], capture_output=True).returncode:
        (end,) = host.run(trial("t", "true"))
        assert end.kernel_log is None
        return
    say = "echo 'orchestrate: \"%s\"' >/dev/kmsg"
    quiet, first, second = host.run(
        trial("quiet", "true"), trial("a", "sh", "-c", say % "one"), trial("b", "sh", "-c", say % "two")
    )
    assert quiet.kernel_log == ()
    for end, word in ((first, '"one"'), (second, '"two"')):
        assert end.kernel_log is not None
        assert [line for line in end.kernel_log if "orchestrate" in line and word in line]
        assert len([line for line in end.kernel_log if "orchestrate:" in line]) == 1


@contextmanager
def busy_cpus() -> Iterator[None]:
    """A process for each CPU that uses it all the time."""
    spinners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def test_busy_cpus_are_reported(host: HostFolder) -> None:
    with busy_cpus():
        (end,) = host.run(HostTrial(id="busy", tag=TAG, folder="/", argv=("true",), settle=1.5))
    assert end.exit_code == 0
    assert not end.settled
    assert end.waited >= 1.5


def test_each_trial_that_waits_says_so(tmp_path: Path) -> None:
    host = HostFolder("dash", tmp_path)
    trials = [HostTrial(id=name, tag=TAG, folder="/", argv=("true",), settle=4) for name in ("one", "two")]
    with busy_cpus():
        host.run(*trials)
    assert [event.trial for event in host.events() if isinstance(event, Waiting)] == ["one", "two"]


FULL_DISK = """
mount -t tmpfs -o size=128k none "$3" && cp "$1/trials" "$3" || exit 99
sh "$1/scripts/runner.sh" run "$2" "$3"; echo "code=$?"
cat "$3/journal.jsonl"
rm "$3/ballast"; sh "$1/scripts/runner.sh" run "$2" "$3"; echo "code=$?"
cat "$3/journal.jsonl"
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs to be root, with unshare")
def test_a_full_disk_is_no_fault_of_the_trial(tmp_path: Path) -> None:
    """The setting is restored, the last line is written, and the trial runs again when there is room."""
    host = HostFolder("dash", tmp_path)
    knob, ballast = tmp_path / "knob", host.block / "ballast"
    knob.write_text("1\n")
    filled = tmp_path / "filled"
    fill = f"[ -e '{filled}' ] || {{ : >'{filled}'; cat /dev/zero >'{ballast}'; }}; yes | head -c 9000"
    settings = (Setting(str(knob), "2"),)
    block = [trial("a", "true"), trial("fills", "sh", "-c", fill, settings=settings), trial("c", "true")]
    (tmp_path / "trials").write_bytes(encode_trials(block))
    words = ("sh", "-c", FULL_DISK, "sh", tmp_path, host.base, host.block)
    ended = subprocess.run(
        ("unshare", "--mount", "--propagation", "private", *map(str, words)),
        capture_output=True, text=True, env=host.environment,
    )  # fmt: skip
    first, second = ended.stdout.split("code=0\n")[1:]
    reader = Reader()
    events = [reader.read(line) for line in first.split("\n")[:-1]]
    assert [type(event) for event in events] == [Begin, Start, TrialEnd, Start, End], ended.stderr
    end = events[-1]
    assert isinstance(end, End)
    assert (end.reason, end.detail) == ("failed", f"{host.block}/journal.jsonl: No space left on device")
    assert knob.read_text() == "1\n"
    lines = [json.loads(line) for line in second.split("\n")[:-1]]
    assert [line["trial"] for line in lines if line["event"] == "trial"] == ["a", "fills", "c"]
    assert lines[-1]["reason"] == "complete"


CONTROL_GROUPS = """
mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || exit 99
"$@" && ls -d /sys/fs/cgroup/orchestrate-* 2>/dev/null
"""
WORK = "i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs to be root, with unshare")
def test_a_trial_has_a_control_group_where_there_are_any(tmp_path: Path) -> None:
    """It is in it from its first instruction, what it left behind is of it, and nothing of it stays."""
    host = HostFolder("dash", tmp_path)
    leave = f"setsid sh -c '{WORK}; exec sleep {DAEMON}' & sleep 0.5; tail -n 1 /proc/self/cgroup"
    (host.block / "trials").write_bytes(encode_trials([trial("a", "sh", "-c", leave), trial("b", "true")]))
    run = ("sh", str(host.runner_script), "run", str(host.base), str(host.block))
    ended = subprocess.run(
        ("unshare", "--mount", "--propagation", "private", "sh", "-c", CONTROL_GROUPS, "sh", *run),
        capture_output=True, text=True, env=host.environment,
    )  # fmt: skip
    if ended.returncode == 99:
        pytest.skip("cgroup v2 cannot be mounted here")
    assert (ended.stdout, ended.stderr) == ("", "")
    first, second = host.trial_ends()
    assert re.fullmatch(r"0::.*/orchestrate-\d+-\d+", first.stdout)
    assert first.strays
    assert processes(DAEMON) == []
    assert (first.usage["of"], second.usage["of"]) == ("cgroup", "cgroup")
    assert first.usage["user"] > 0.01


def test_a_setting_that_cannot_be_recorded_ends_the_block(tmp_path: Path) -> None:
    """No fault of the trial: it has no line, and will run again."""
    host = HostFolder("dash", tmp_path)
    knob = tmp_path / "knob"
    knob.write_text("1\n")
    (host.block / "trials").write_bytes(
        encode_trials([trial("a", "true", settings=(Setting(str(knob), "2"),)), trial("b", "true")])
    )
    host.base.mkdir()
    (host.base / "settings.trial").mkdir()
    started = host.start()
    assert started.returncode == 1
    assert "settings.trial: cannot read the record: Is a directory" in started.stderr.decode()
    (host.base / "settings.trial").rmdir()
    (host.base / "settings.trial").symlink_to(tmp_path / "no such/record")
    assert host.run() == []
    assert host.end().reason == "failed"
    assert "settings.trial: cannot write the record: No such file or directory" in host.end().detail
    assert knob.read_text() == "1\n"
    (host.base / "settings.trial").unlink()
    assert [end.exit_code for end in host.run()] == [0, 0]
    host.close()
