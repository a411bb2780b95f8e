"""`runner settings`: record, set, read back and restore; on temporary files and on one real sysctl."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.experiment.model import Setting
from orchestrator.experiment.settings import sysctl_path
from orchestrator.hosts.remote.settings import Change, encode_settings, parse_changes
from tests.host_shells import SHELLS, HostFolder


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostFolder]:
    folder = HostFolder(request.param, tmp_path)
    yield folder
    folder.close()


def settings(host: HostFolder, verb: str, *lines: Setting) -> tuple[int, list[Change]]:
    done = host.sh(host.runner_script, "settings", verb, host.base, stdin=encode_settings(lines))
    assert done.stderr == b""
    return done.returncode, parse_changes(done.stdout.decode())


def setting_file(host: HostFolder, name: str, content: str) -> Path:
    path = host.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_apply_diff_and_restore(host: HostFolder) -> None:
    path = setting_file(host, "it's a \\ setting_file", "5\n")
    code, changes = settings(host, "apply", Setting(str(path), "7"))
    assert (code, changes) == (0, [Change(str(path), "5", "7", "7", "changed")])
    assert path.read_text() == "7\n"
    assert settings(host, "diff") == (0, [Change(str(path), "5", "7", "7", "unchanged")])
    assert settings(host, "restore") == (0, [Change(str(path), "7", "5", "5", "changed")])
    assert path.read_text() == "5\n"
    assert settings(host, "restore") == (0, [])


def test_wildcards_expand_and_nothing_else(host: HostFolder) -> None:
    paths = [setting_file(host, f"cpu {number}/governor", "powersave\n") for number in range(3)]
    pattern = str(host.folder / "cpu */governor")
    code, changes = settings(host, "apply", Setting(pattern, "* performance $HOME `x`"))
    assert code == 0
    assert [change.path for change in changes] == [str(path) for path in paths]
    assert {path.read_text() for path in paths} == {"* performance $HOME `x`\n"}
    assert settings(host, "restore")[0] == 0
    assert {path.read_text() for path in paths} == {"powersave\n"}


def test_missing_files(host: HostFolder) -> None:
    gone = str(host.folder / "no*such")
    assert settings(host, "apply", Setting(gone, "1")) == (1, [Change(gone, "", "1", "", "missing")])
    assert settings(host, "apply", Setting(gone, "1", optional=True)) == (0, [])
    assert settings(host, "apply", Setting(gone, "0", off_if_missing=True)) == (0, [])


@pytest.mark.parametrize(
    ("content", "requested"),
    [
        ("always [madvise] never", "madvise"),
        ("[always] madvise never", "always"),
        ("60", "060"),
        ("0", "000"),
        ("4096\t131072\t6291456", " 4096  131072 6291456"),
        ("Y", "1"),
        ("false", "0"),
        ("00000000,0000000f", "f"),  # rps_cpus of a host with 64 CPUs
        ("00000001,00000000", "1,00000000"),
    ],
)
def test_equal_values_are_not_written(host: HostFolder, content: str, requested: str) -> None:
    path = setting_file(host, "setting_file", content + "\n")
    code, changes = settings(host, "apply", Setting(str(path), requested))
    assert (code, changes[0].verdict) == (0, "unchanged")
    assert path.read_text() == content + "\n"


@pytest.mark.parametrize(
    ("content", "requested"),
    [("5", "50"), ("always [madvise] never", "never"), ("1 2", "12"), ("1 2", "1 2 3"), ("3", "0,3")],
)
def test_other_values_are_not_equal(host: HostFolder, content: str, requested: str) -> None:
    path = setting_file(host, "setting_file", content + "\n")
    assert settings(host, "apply", Setting(str(path), requested))[1][0].verdict == "changed"


def test_refused(host: HostFolder) -> None:
    code, changes = settings(host, "apply", Setting("/proc/sys/kernel/ostype", "Plan9"))
    assert (code, changes) == (
        1,
        [Change("/proc/sys/kernel/ostype", "Linux", "Plan9", "Linux", "refused")],
    )
    assert settings(host, "restore")[0] == 0


def test_an_optional_file_may_keep_its_value(host: HostFolder) -> None:
    code, changes = settings(host, "apply", Setting("/proc/sys/kernel/ostype", "Plan9", optional=True))
    assert (code, [change.verdict for change in changes]) == (0, ["kept"])
    assert not changes[0].is_error
    assert settings(host, "restore")[0] == 0


def test_a_setting_that_may_be_missing_must_not_be_refused(host: HostFolder) -> None:
    code, changes = settings(host, "apply", Setting("/proc/sys/kernel/ostype", "0", off_if_missing=True))
    assert (code, [change.verdict for change in changes]) == (1, ["refused"])
    assert settings(host, "restore")[0] == 0


def test_the_first_old_value_is_restored(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    for value in ("2", "3", "2"):
        assert settings(host, "apply", Setting(str(path), value))[0] == 0
    assert [change.verdict for change in settings(host, "diff")[1]] == ["unchanged"]
    (change,) = settings(host, "restore")[1]
    assert (change.requested, path.read_text()) == ("1", "1\n")


def test_the_last_line_for_a_path_is_used(host: HostFolder) -> None:
    paths = [setting_file(host, name, "a\n") for name in ("k1", "k2")]
    pattern = Setting(str(host.folder / "k?"), "b")
    code, changes = settings(host, "apply", pattern, Setting(str(paths[0]), "a"))
    assert code == 0
    assert [path.read_text() for path in paths] == ["a\n", "b\n"]
    assert len(changes) == 3
    assert settings(host, "restore")[0] == 0
    assert [path.read_text() for path in paths] == ["a\n", "a\n"]


def test_drift_is_reported(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    settings(host, "apply", Setting(str(path), "2"))
    path.write_text("3\n")
    assert settings(host, "diff") == (1, [Change(str(path), "1", "2", "3", "drifted")])
    assert settings(host, "restore")[0] == 0
    assert path.read_text() == "1\n"


def test_a_setting_that_cannot_be_restored_stays_recorded(host: HostFolder) -> None:
    lost, kept = setting_file(host, "lost", "1\n"), setting_file(host, "kept", "1\n")
    settings(host, "apply", Setting(str(lost), "2"), Setting(str(kept), "2"))
    lost.unlink()
    code, changes = settings(host, "restore")
    assert code == 1
    assert {change.path: change.verdict for change in changes} == {
        str(lost): "missing",
        str(kept): "changed",
    }
    setting_file(host, "lost", "9\n")
    assert settings(host, "restore") == (0, [Change(str(lost), "9", "1", "1", "changed")])


def test_after_a_reboot_values_that_still_differ_are_restored(host: HostFolder) -> None:
    lost, kept, done = (setting_file(host, name, "1\n") for name in ("lost", "kept", "done"))
    settings(host, "apply", *(Setting(str(path), "2") for path in (lost, kept, done)))
    record = host.base / "settings.record"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record.write_text(record.read_text().replace(boot, "00000000-0000-0000-0000-000000000000"))
    lost.unlink()
    done.write_text("1\n")
    assert settings(host, "restore")[0] == 0
    assert (kept.read_text(), done.read_text()) == ("1\n", "1\n")
    assert record.read_text() == ""


def test_an_incomplete_line_of_a_record_is_ignored(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    settings(host, "apply", Setting(str(path), "2"))
    with (host.base / "settings.record").open("ab") as record:
        record.write(b"boot '/half a pa")
    assert settings(host, "restore")[0] == 0
    assert path.read_text() == "1\n"


def test_records_of_the_shell_version_are_restored(host: HostFolder) -> None:
    path = setting_file(host, "it's", "tuned\n")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    host.base.mkdir()
    quoted = "'" + str(path).replace("'", "'\\''") + "'"
    (host.base / "settings.record").write_text(f"{boot} {quoted} 'orig' 'tuned'\n")
    assert settings(host, "apply", Setting(str(path), "again"))[0] == 0
    assert settings(host, "restore") == (0, [Change(str(path), "again", "orig", "orig", "changed")])
    assert (host.base / "settings.record").read_text() == ""


def test_a_setting_behind_half_a_line_of_a_record_is_restored(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    host.base.mkdir()
    (host.base / "settings.record").write_text("boot '/half a pa")
    assert settings(host, "apply", Setting(str(path), "2"))[0] == 0
    assert settings(host, "restore")[0] == 0
    assert path.read_text() == "1\n"


@pytest.mark.parametrize("content", ["nonsense\n", "boot 'not closed\n", None])
def test_a_record_that_cannot_be_read_is_an_error_and_stays(host: HostFolder, content: str | None) -> None:
    record = host.base / "settings.record"
    host.base.mkdir()
    if content is None:
        record.mkdir()
    else:
        record.write_text(content)
    done = host.sh(host.runner_script, "settings", "restore", host.base)
    assert done.returncode == 1
    assert f"{record}: cannot read " in done.stderr.decode()
    assert content is None or record.read_text() == content


def test_a_program_that_leaves_its_output_open_is_not_waited_for(host: HostFolder) -> None:
    tools = host.folder / "tools"
    tools.mkdir()
    (tools / "modprobe").write_text("#!/bin/sh\nsleep 60 &\necho $! >>'%s'\n" % (host.folder / "left"))
    (tools / "modprobe").chmod(0o755)
    host.environment["PATH"] = f"{tools}:{host.environment['PATH']}"
    try:
        assert settings(host, "apply", Setting("module:no-such", "loaded"))[1][0].verdict == "refused"
        left = int((host.folder / "left").read_text())
        os.kill(left, 0)  # it is still there
    finally:
        os.kill(left, signal.SIGKILL)


def test_nothing_is_changed_that_cannot_be_recorded(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    (host.base / "settings.record").mkdir(parents=True)
    done = host.sh(
        host.runner_script, "settings", "apply", host.base, stdin=encode_settings([Setting(str(path), "2")])
    )
    assert done.returncode == 1
    assert b"settings.record: cannot write the record: Is a directory; nothing was changed" in done.stderr
    assert path.read_text() == "1\n"


def test_usage(host: HostFolder) -> None:
    assert host.sh(host.runner_script, "settings", "apply").returncode == 2
    assert host.sh(host.runner_script, "settings", "sing", host.base).returncode == 2


REAL = Path("/proc/sys/vm/stat_interval")


@pytest.mark.changes_settings
@pytest.mark.skipif(not os.access(REAL, os.W_OK), reason="needs to be root, with a writable /proc/sys")
def test_a_real_sysctl(host: HostFolder) -> None:
    before = REAL.read_text()
    try:
        code, (change,) = settings(host, "apply", Setting(str(REAL), "17"))
        assert (code, change) == (0, Change(str(REAL), before.strip(), "17", "17", "changed"))
        assert REAL.read_text() == "17\n"
        assert settings(host, "restore")[0] == 0
        assert REAL.read_text() == before
        assert settings(host, "apply", Setting(str(REAL), "seventeen"))[1][0].verdict == "refused"
    finally:
        REAL.write_text(before)


SYSTEMCTL = """#!/bin/sh
# Units are files with their state; "start" and "stop" change it, except for a unit named unstoppable.
[ "$1" = show ] && verb=show || verb=$1
for unit; do :; done
file=STATE/$unit
case $verb in
show) if [ -e "$file" ]; then cat "$file"; else echo LoadState=not-found; fi ;;
start | stop)
    case $verb:$unit in
    *:unstoppable.service) exit 1 ;;
    start:*) state=active ;;
    *) state=inactive ;;
    esac
    printf 'LoadState=loaded\\nActiveState=%s\\nUnitFileState=enabled\\n' "$state" >"$file"
    ;;
esac
"""


@pytest.fixture
def units(host: HostFolder) -> Path:
    """A directory of units for the host's mock ``systemctl``."""
    folder = host.folder / "units"
    folder.mkdir()
    tools = host.folder / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text(SYSTEMCTL.replace("STATE", str(folder)))
    (tools / "systemctl").chmod(0o755)
    host.environment["PATH"] = f"{tools}:{host.environment['PATH']}"
    for name in ("cron.timer", "unstoppable.service"):
        (folder / name).write_text("LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n")
    return folder


def test_a_service_is_stopped_and_started_again(host: HostFolder, units: Path) -> None:
    stop = Setting("service:cron.timer", "inactive")
    assert [change.verdict for change in settings(host, "check", stop)[1]] == ["differs"]
    assert "ActiveState=active" in (units / "cron.timer").read_text()
    code, changes = settings(host, "apply", stop)
    assert (code, changes) == (
        0,
        [Change("service:cron.timer", "active", "inactive", "inactive", "changed")],
    )
    assert [change.verdict for change in settings(host, "check", stop)[1]] == ["unchanged"]
    assert settings(host, "restore")[0] == 0
    assert "ActiveState=active" in (units / "cron.timer").read_text()


def test_services_that_do_not_stop_or_do_not_exist(host: HostFolder, units: Path) -> None:
    requested = [
        Setting("service:unstoppable.service", "inactive"),
        Setting("service:none.service", "inactive"),
    ]
    code, changes = settings(host, "apply", *requested)
    assert code == 1
    assert {change.path: str(change) for change in changes} == {
        "service:unstoppable.service": "service:unstoppable.service: refused, requested 'inactive', actual 'active'",
        "service:none.service": "service:none.service: no such service: 'none.service' (requested 'inactive')",
    }
    assert settings(host, "apply", Setting("service:none.service", "inactive", optional=True)) == (0, [])


def test_a_kernel_module_that_is_not_loaded(host: HostFolder) -> None:
    assert settings(host, "apply", Setting("module:no-such", "absent"))[1][0].verdict == "unchanged"
    code, (change,) = settings(host, "apply", Setting("module:no-such", "loaded"))
    assert (code, change.verdict, change.actual) == (1, "refused", "absent")


def test_check_changes_nothing(host: HostFolder) -> None:
    path = setting_file(host, "setting_file", "1\n")
    code, changes = settings(
        host,
        "check",
        Setting(str(path), "2"),
        Setting(str(path), "1"),
        Setting("/no/such", "1"),
    )
    assert code == 1
    assert [change.verdict for change in changes] == ["missing", "differs", "unchanged"]
    assert path.read_text() == "1\n"
    assert not host.base.exists()


needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"),
    reason="needs to be root, with unshare and ip",
)


@needs_namespaces
@pytest.mark.parametrize("name", ["net/ipv4/conf/eth0.100/forwarding", "net.ipv4.conf.eth0/100.forwarding"])
def test_a_sysctl_whose_name_has_dots_inside(tmp_path: Path, name: str) -> None:
    """In a network namespace with a VLAN's name; both spellings of sysctl(8) mean one file, and sysctl(8) agrees."""
    host = HostFolder("dash", tmp_path)
    (tmp_path / "input").write_bytes(encode_settings([Setting(sysctl_path(name), "1")]))
    script = (
        "ip link set lo name eth0.100; "
        f"sysctl -n {name}; sh {host.runner_script} settings apply '{host.base}' <{tmp_path}/input; sysctl -n {name}; "
        f"sh {host.runner_script} settings restore '{host.base}'; sysctl -n {name}"
    )
    ended = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True)
    host.close()
    before, applied, during, restored, after = ended.stdout.splitlines()
    assert (before, during, after) == ("0", "1", "0")
    assert json.loads(applied)["path"] == "/proc/sys/net/ipv4/conf/eth0.100/forwarding"
    assert (json.loads(applied)["verdict"], json.loads(restored)["verdict"]) == ("changed", "changed")


@needs_namespaces
def test_values_with_tabs_are_compared_by_words(tmp_path: Path) -> None:
    host = HostFolder("dash", tmp_path)
    path = "/proc/sys/net/ipv4/ip_local_port_range"
    (tmp_path / "input").write_bytes(
        encode_settings([Setting(path, "32768 60999"), Setting(path, " 40000   50000 ")])
    )
    script = f"sh {host.runner_script} settings apply '{host.base}' <{tmp_path}/input; cat {path}"
    ended = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True)
    host.close()
    *changes, found = ended.stdout.splitlines()
    assert [json.loads(change)["verdict"] for change in changes] == ["unchanged", "changed"]
    assert found == "40000\t50000"


WRITE_ONLY = Path("/proc/sys/vm/compact_memory")


@pytest.mark.skipif(not os.access(WRITE_ONLY, os.W_OK), reason="needs to be root, with a writable /proc/sys")
def test_a_write_only_file_is_written_and_not_restored(host: HostFolder) -> None:
    """It has nothing to read back. No value of it is recorded, so that nothing is left to restore."""
    setting = Setting(str(WRITE_ONLY), "1")
    assert settings(host, "check", setting) == (0, [Change(str(WRITE_ONLY), "", "1", "", "differs")])
    code, (change,) = settings(host, "apply", setting)
    assert (code, change) == (0, Change(str(WRITE_ONLY), "", "1", "", "written"))
    assert change.in_effect == "1 (write-only, not restored)"
    assert settings(host, "restore") == (0, [])
    assert settings(host, "diff") == (0, [])
    code, (change,) = settings(host, "apply", Setting(str(WRITE_ONLY), "nonsense"))
    assert (code, change.verdict) == (1, "refused")


def test_a_file_that_nobody_may_read_acts_when_it_is_written(host: HostFolder) -> None:
    path = setting_file(host, "flush", "")
    path.chmod(0o200)
    other = setting_file(host, "other", "1\n")
    code, changes = settings(host, "apply", Setting(str(path), "go"), Setting(str(other), "2"))
    assert (code, [change.verdict for change in changes]) == (0, ["written", "changed"])
    assert path.read_text() == "go\n"
    assert [change.path for change in settings(host, "restore")[1]] == [str(other)]
    assert settings(host, "apply", Setting(str(path), "go", optional=True))[1][0].verdict == "written"
