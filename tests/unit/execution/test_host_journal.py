"""Reading a host's journal."""

from __future__ import annotations

import json

import pytest

from orchestrator.errors import HostError
from orchestrator.execution.host_journal import Begin, Change, End, Reader, Start, TrialEnd

HEADER = '{"event":"begin","format":1,"boot":"b-1","epoch":1795441408.5,"uptime":100.25}'
NOISE = {
    "load": 0.5,
    "worked": 1.0,
    "stolen": 0,
    "throttled": None,
    "logins": 0,
    "nodes": [{"node": 0, "free_memory": 1, "free_huge_pages": 0}],
}
TRIAL = {
    "event": "trial",
    "trial": "t1",
    "tag": {"cell": "c"},
    "exit": 0,
    "signal": None,
    "timed_out": False,
    "refused": "",
    "start": 101.25,
    "end": 102.75,
    "settled": True,
    "waited": 0.5,
    "strays": False,
    "settings": [{"path": "/proc/sys/vm/x", "before": "0", "asked": "1", "found": "1", "verdict": "changed"}],
    "counters": {"pgmigrate_success": 512},
    "noise": NOISE,
    "kernel_log": ["[ 1.0] line"],
    "stdout": "a=1",
    "stdout_cut": False,
    "stderr": "",
}


def test_times_are_the_hosts_in_utc() -> None:
    reader = Reader()
    assert reader.read(HEADER) == Begin("b-1", 1795441408.5, 100.25)
    assert reader.read('{"event":"start","trial":"t1","uptime":100.25}') == Start(
        "t1", "2026-11-23T13:43:28.500Z"
    )
    end = reader.read(json.dumps(TRIAL))
    assert isinstance(end, TrialEnd)
    assert (end.start, end.end) == ("2026-11-23T13:43:29.500Z", "2026-11-23T13:43:31.000Z")
    assert (end.boot, end.exit_code, end.settings) == ("b-1", 0, {"/proc/sys/vm/x": "1"})
    assert end.kernel_log == ("[ 1.0] line",)
    assert end.noise == NOISE
    assert reader.read('{"event":"end","reason":"stopped","detail":"","uptime":103}') == End("stopped", "")


def test_times_after_a_reboot_are_those_of_the_new_boot() -> None:
    reader = Reader()
    reader.read(HEADER)
    reader.read('{"event":"begin","format":1,"boot":"b-2","epoch":1795442000,"uptime":10}')
    end = reader.read(json.dumps({**TRIAL, "start": 11, "end": None}))
    assert isinstance(end, TrialEnd)
    assert (end.boot, end.start, end.end) == ("b-2", "2026-11-23T13:53:21.000Z", "")


def test_the_beginning_that_an_older_runner_kept_is_not_taken_for_the_end() -> None:
    reader = Reader()
    reader.read(HEADER)
    ends = [
        reader.read(json.dumps(TRIAL | {"stdout": "a=1", "stdout_cut": True} | more))
        for more in ({}, {"stderr_cut": False})
    ]
    assert [(end.stdout, end.stdout_cut) for end in ends if isinstance(end, TrialEnd)] == [
        ("", True),
        ("a=1", True),
    ]


@pytest.mark.parametrize("torn", ['{"event":"trial","trial":"t', "", "\0\0\0", b'{"event":"tri\xff'])
def test_torn_line_is_passed_over(torn: str | bytes) -> None:
    reader = Reader()
    reader.read(HEADER)
    assert reader.read(torn) is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("[]", "expected an object, got a list"),
        ('"x"', "expected an object, got a string"),
        ("{}", "missing key 'event'"),
        ('{"event":"x"}', "event: invalid value"),
        ('{"event":"start","trial":1,"uptime":1}', "trial: expected a string, got an integer"),
        ('{"event":"start","trial":"t1","uptime":1e300}', "no such time"),
        ('{"event":"end","reason":"x","detail":""}', "reason: invalid value 'x'"),
        (json.dumps({**TRIAL, "kernel_log": [1]}), "kernel_log[0]: expected a string, got an integer"),
        (
            json.dumps({**TRIAL, "noise": {**NOISE, "load": "x"}}),
            "noise.load: expected a number, got a string",
        ),
        (json.dumps({**TRIAL, "settings": [{}]}), "settings[0]: missing key 'path'"),
        (json.dumps({**TRIAL, "usage": {"user": []}}), "usage.user: expected a number or null, got a list"),
        (json.dumps({**TRIAL, "end": -1e18}), "no such time"),
    ],
)
def test_what_no_runner_writes_is_an_error_of_the_host(line: str, fault: str) -> None:
    reader = Reader("n1:/journal")
    reader.read(HEADER)
    with pytest.raises(HostError) as raised:
        reader.read(line)
    assert str(raised.value) == f"n1:/journal: line 2: {fault}; remove its directory"


def test_deep_nesting_is_passed_over() -> None:
    reader = Reader()
    reader.read(HEADER)
    assert reader.read(json.dumps(TRIAL).replace('"c"', "[" * 100_000)) is None


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    reader = Reader()
    reader.read(HEADER)
    end = reader.read(json.dumps({**TRIAL, "stdout": "XX"}).encode().replace(b"XX", b"a\xffb"))
    assert isinstance(end, TrialEnd)
    assert end.stdout == "a�b"


def test_other_versions_are_refused() -> None:
    with pytest.raises(HostError, match=r"^n1:/journal: format 2, this version reads 1"):
        Reader("n1:/journal").read(HEADER.replace('"format":1', '"format":2'))
    with pytest.raises(HostError, match="header"):
        Reader().read(json.dumps(TRIAL))


def test_faults_read_as_sentences() -> None:
    missing = Change("/sys/x", "", "1", "", "missing")
    clamped = Change("/sys/x", "0", "9", "4", "clamped")
    assert (missing.is_error, str(missing)) == (True, "/sys/x: No such file or directory (requested '1')")
    assert str(clamped) == "/sys/x: clamped, requested '9', actual '4'"
    assert not Change("/sys/x", "0", "9", "9", "changed").is_error
